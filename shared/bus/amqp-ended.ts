import type { Channel } from 'amqplib'

/** A call on a channel that was closed, or is being closed: whatever it held, the broker gives back. */
export const isEnded = (error: unknown): boolean => error instanceof Error && error.name === 'IllegalOperationError'

/**
 * Closes a channel. When its connection is lost in this very moment amqplib never answers (2.3: the reply is dropped with the channel), and
 * whoever waited, a reconnect above all, would wait for ever; the channel's end is told in any case. Rejects when it was closed before.
 */
export const closeChannel = (channel: Channel): Promise<void> =>
  new Promise((resolve, reject) => {
    channel.once('close', () => resolve())
    channel.close().then(resolve, reject)
  })
