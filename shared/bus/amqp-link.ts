import { type ChannelModel, connect, type RecoveringChannelModel } from 'amqplib'
import { explainRefusal } from './amqp-declare.ts'
import type { AmqpNodes } from './amqp-nodes.ts'
import { socketOf } from './amqp-socket.ts'
import { isFinal } from './broker.ts'
import { WRITE_BYTES_AT_ONCE } from './write-batching.ts'

/** A restarted broker is found again within this time, and a thousand clients do not come back at once. */
const RECOVERY = { initialDelay: 100, maxDelay: 5_000, jitter: 0.3 } as const
const CONNECT_MS_MAX = 10_000
/** A healthy broker answers within milliseconds. */
const CLOSE_MS_MAX = 2_000
/**
 * Declaring some 260 things and reading the control stream to its end takes 10 s and more on a loaded machine; a node that shakes hands,
 * beats and has answered nothing else for so long (a frozen disk, a minority of its cluster) is one that does not answer.
 */
const SETUP_MS_MAX = 60_000

/** A setup that waits for something on a node that answers, for as long as it takes, calls `answered` again and again. */
export type Setup = (model: ChannelModel, answered: () => void) => Promise<void>

type Link = {
  /** What operators see. */
  readonly name: string
  readonly setup: Setup
  /** When the setup has neither ended nor called `answered` for so long, it has failed. */
  readonly setupMsMax?: number
}

/**
 * A connection that comes back by itself, each time that it is lost or cannot be made to the node that comes next; it is up when `setup`
 * has resolved.
 */
export async function connectAgain(nodes: AmqpNodes, link: Link): Promise<RecoveringChannelModel> {
  const { name, setup, setupMsMax = SETUP_MS_MAX } = link
  const made = await connect(nodes.address, {
    ...socketOptions(name),
    ...nodes.tls.options,
    recovery: { ...RECOVERY, waitForConnect: false, setup: (model: ChannelModel) => prepare(model, setup, setupMsMax) },
  })
  // amqplib begins after this, and waits before it tries again.
  made.on('disconnect', () => nodes.turn())
  made.on('connect-failed', () => nodes.turn())
  return made
}

/** A connection for one purpose, to the node whose turn it is, which nobody makes again. */
export const connectOnce = (
  { current, tls }: Pick<AmqpNodes, 'current' | 'tls'>,
  name: string,
): Promise<ChannelModel> => connect(current, { ...socketOptions(name), ...tls.options })

/** Closes a connection. For one that is lost in this very moment amqplib waits for ever; we do not. */
export async function closeLink(link: RecoveringChannelModel): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, CLOSE_MS_MAX)
  })
  try {
    await Promise.race([link.close(), tooLate])
  } finally {
    clearTimeout(timer)
  }
}

const socketOptions = (name: string) => ({
  noDelay: true,
  writableHighWaterMark: WRITE_BYTES_AT_ONCE,
  timeout: CONNECT_MS_MAX,
  clientProperties: { connection_name: name },
})

/**
 * Runs the setup of one connection; a connection that ends meanwhile, or a node that does not answer in time, is a failed attempt, which
 * amqplib would not notice.
 */
async function prepare(model: ChannelModel, setup: Setup, msMax: number): Promise<void> {
  let ended: Error | undefined
  model.on('error', (error) => {
    ended = error
  })
  const lost = new Promise<never>((_, reject) => {
    model.on('close', () => {
      ended ??= new Error('the connection ended while it was being set up')
      reject(ended)
    })
  })
  // Long after the setup it is no failure of it.
  lost.catch(() => undefined)
  // The socket, because such a node does not answer a goodbye either: amqplib would wait for it before it tries the next one.
  const giveUp = () =>
    socketOf(model)?.destroy(new Error(`the broker shook hands, and did not answer what came then within ${msMax} ms`))
  const timer = setTimeout(giveUp, msMax)
  try {
    // Not every call of amqplib is answered when its connection ends.
    await Promise.race([setup(model, () => timer.refresh()), lost])
  } catch (error) {
    // Drift, and a broker that is too old or made for a newer ebs, explain themselves; anything else is explained by why the connection ended, if it did.
    throw isFinal(error) ? error : explainRefusal(ended ?? error)
  } finally {
    clearTimeout(timer)
  }
  if (ended) throw explainRefusal(ended)
}
