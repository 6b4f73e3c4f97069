import type { ChannelModel } from 'amqplib'
import { type Connected, socketOf } from './amqp-socket.ts'

/** A healthy broker answers within milliseconds. */
const CLOSE_MS_MAX = 2_000
/** The end of a channel or a consumer waits for what was acked before it: a second or two under load, some more on a disk that stalls. */
const ANSWER_MS_MAX = 8_000

/**
 * To be called for each connection as soon as there is one. An 'error' that nobody listens to would end the process, and whatever waits for
 * the connection hears of its end anyway. The socket of one that has ended amqplib leaves to the other side, which may be mute for good.
 */
export function tend(model: ChannelModel): void {
  model.on('error', () => undefined)
  model.on('close', () => {
    const socket = socketOf(model)
    if (!socket || socket.destroyed) return
    const timer = setTimeout(() => socket.destroy(), CLOSE_MS_MAX)
    socket.once('close', () => clearTimeout(timer))
    // What was written last, such as the answer to a goodbye, goes out first.
    socket.destroySoon()
  })
}

/** Ends a connection, if it has not ended: amqplib would wait for ever for the answer to its goodbye when the connection is lost just then. */
export async function closeConnection(model: ChannelModel): Promise<void> {
  const ended = new Promise<void>((resolve) => model.once('close', () => resolve()))
  // It rejects when there is nothing left to end.
  await withinCloseTime(Promise.race([ended, model.close().catch(() => undefined)]))
  hangUp(model)
}

/** For a connection that was told to end, and has not; whatever waits for it is told. */
export function hangUp(over: Connected): void {
  const socket = socketOf(over)
  // One that has ended sends its last words and goes; see `tend`.
  if (socket && !socket.writableEnded) socket.destroy(new Error('the broker does not answer'))
}

/**
 * Waits for the end of something. Who does not answer such a question is not there, though it may take its heartbeat half a minute to show:
 * then the connection is cut, with which it has ended, too.
 */
export async function answered<T>(over: Connected | undefined, ending: Promise<T>): Promise<T> {
  const timer = setTimeout(() => over && hangUp(over), ANSWER_MS_MAX)
  try {
    return await ending
  } finally {
    clearTimeout(timer)
  }
}

/** Resolves when `closing` does, or when no broker that is well would take so long. */
export async function withinCloseTime(closing: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, CLOSE_MS_MAX)
  })
  try {
    await Promise.race([closing, tooLate])
  } finally {
    clearTimeout(timer)
  }
}
