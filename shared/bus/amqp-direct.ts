import { isOwnReply } from '../rights.ts'
import { exchanges } from '../topology.ts'
import type { Message } from './broker.ts'

/** Queues that brokers name for strangers, and those that strangers name for their answers as we do: bound to nothing of ours. */
const isStrangers = (queue: string) =>
  queue.startsWith('amq.') || (/^[a-z][a-z0-9-]*_reply\./.test(queue) && !isOwnReply(queue))

/**
 * The exchange that a message goes over on the wire: what is for one queue of ours over `ebs.direct`, where a user can have the right to
 * single queues; what is for a stranger's over the default exchange.
 */
export const wireExchange = ({ exchange, key }: Pick<Message, 'exchange' | 'key'>): string =>
  exchange === '' && !isStrangers(key) ? exchanges.direct : exchange

/** The other way round, for what was received: nobody else needs to know. */
export const seenExchange = (exchange: string): string => (exchange === exchanges.direct ? '' : exchange)
