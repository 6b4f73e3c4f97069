import { Socket } from 'node:net'
import type { ChannelModel } from 'amqplib'

/**
 * amqplib writes every frame to the socket by itself. Several publishes of one turn of the event loop cost as many system calls and,
 * with Nagle's algorithm off, as many packets and wake-ups of the broker. This holds the socket until amqplib has handed over the
 * frames of the turn, so that they go as one write. Gives the function to call after writing; without a socket to hold, it does nothing.
 */
export function batchWrites(model: ChannelModel): () => void {
  const { connection } = model
  // amqplib keeps its socket there, though its types do not say so.
  const socket: unknown = 'stream' in connection ? connection.stream : undefined
  if (!(socket instanceof Socket)) return () => undefined
  let isHeld = false
  const release = () => {
    isHeld = false
    socket.uncork()
  }
  return () => {
    if (isHeld) return
    isHeld = true
    socket.cork()
    // amqplib asks for its turn (setImmediate) in a nextTick that the write has just queued; ours comes right behind it.
    process.nextTick(() => setImmediate(release))
  }
}
