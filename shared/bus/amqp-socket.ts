import { Socket } from 'node:net'
import type { ChannelModel } from 'amqplib'

/** What runs over a connection, or is one. */
export type Connected = Pick<ChannelModel, 'connection'>

/** The socket below a connection; undefined when there is none, as below a fake. */
export function socketOf({ connection }: Connected): Socket | undefined {
  // amqplib keeps it there, though its types do not say so.
  const socket: unknown = 'stream' in connection ? connection.stream : undefined
  return socket instanceof Socket ? socket : undefined
}
