import type { Socket } from 'node:net'
import type { ChannelModel } from 'amqplib'
import { socketOf } from './amqp-socket.ts'

/**
 * A socket takes so much before it makes its writers wait. Node's 16 KiB are some twenty messages, and what waits is written later, out of
 * the turn of the event loop in which it would have gone with others.
 */
export const WRITE_BYTES_AT_ONCE = 262_144

const batches = new WeakMap<Socket, () => void>()

/**
 * amqplib writes every frame to the socket by itself. Several publishes of one turn of the event loop cost as many system calls and,
 * with Nagle's algorithm off, as many packets and wake-ups of the broker. This holds the socket until amqplib has handed over the
 * frames of the turn, so that they go as one write. Gives the function to call after writing; without a socket to hold, it does nothing.
 */
export function batchWrites(model: ChannelModel): () => void {
  const socket = socketOf(model)
  if (!socket) return () => undefined
  const known = batches.get(socket)
  if (known) return known
  const hold = holding(socket)
  batches.set(socket, hold)
  // What had to wait is written by amqplib when it hears of this: before that, so that these frames go as one write, too.
  socket.prependListener('drain', hold)
  return hold
}

function holding(socket: Socket): () => void {
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
