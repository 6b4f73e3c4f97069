import type { Channel } from 'amqplib'
import { answered } from './amqp-goodbye.ts'

/** A call on a channel that was closed, is being closed, or ended before the answer came: whatever it held, the broker gives back. */
export const isEnded = (error: unknown): boolean =>
  error instanceof Error && (error.name === 'IllegalOperationError' || error.message.startsWith('Channel ended'))

/** What amqplib gives to whoever waits for a confirm when the channel ends: the broker has refused nothing. */
export const isUnconfirmed = (error: Error): boolean => error.message === 'channel closed'

/**
 * Closes a channel. When its connection is lost in this very moment amqplib never answers (2.3: the reply is dropped with the channel), and
 * whoever waited, a reconnect above all, would wait for ever; the channel's end is told in any case, and comes: see `answered`. Rejects
 * when it was closed before.
 */
export const closeChannel = (channel: Channel): Promise<void> =>
  answered(
    channel,
    new Promise((resolve, reject) => {
      channel.once('close', () => resolve())
      channel.close().then(resolve, reject)
    }),
  )
