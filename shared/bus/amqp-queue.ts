import type { Channel, ChannelModel } from 'amqplib'
import { directBinding, type Plan } from '../topology.ts'
import { parseDrift } from './amqp-declare.ts'
import { closeChannel } from './amqp-ended.ts'
import { TopologyDriftError } from './broker.ts'

/**
 * A quorum queue has 250 ms to say what is in it; RabbitMQ then answers for it that there are no messages and no consumers
 * (`rabbit_quorum_queue:stat`, 3.8 to 4.3). So nothing is believed to be empty that took nearly as long.
 */
const SILENT_MS = 200
/** Some 5 s. */
const LOOKS_MAX = 20

/** Messages ready and consumers of a queue, or undefined when there is no such queue, or only one of another connection's own. */
export const inspectQueue = (model: ChannelModel, queue: string) =>
  unlessAbsent(() => onChannel(model, (channel) => countIn(channel, queue)))

/** Messages ready and consumers of a queue. Throws when there is none, which ends the channel, and when the queue itself does not answer. */
export async function countIn(channel: Pick<Channel, 'checkQueue'>, queue: string) {
  for (let looks = 0; looks < LOOKS_MAX; looks++) {
    const startMs = performance.now()
    const { messageCount: messages, consumerCount: consumers } = await channel.checkQueue(queue)
    if (messages + consumers > 0 || performance.now() - startMs < SILENT_MS) return { messages, consumers }
  }
  throw new Error(
    `The broker does not say how much is in ${queue}: it answered ${LOOKS_MAX} times as it does for a queue that is silent. Look at its load, and at the leader of the queue.`,
  )
}

/** Declares one queue, and has it hear what is sent straight to it. Throws TopologyDriftError when it is there with other arguments, and is used. */
export async function declareQueue(model: ChannelModel, { name, arguments: args }: Plan['queues'][number]) {
  const { source, key } = directBinding(name)
  const bind = () => onChannel(model, (channel) => channel.bindQueue(name, source, key))
  try {
    await onChannel(model, (channel) => channel.assertQueue(name, { durable: true, arguments: args }))
  } catch (error) {
    const drift = error instanceof Error ? parseDrift(error.message) : undefined
    if (!drift) throw error
    await bind()
    throw new TopologyDriftError([drift])
  }
  await bind()
}

/**
 * Deletes a queue that has neither messages nor consumers; false when it has. Quorum queues refuse `if-empty` by ending the connection,
 * so the look and the deletion are two steps: what is sent to the queue between them, a millisecond, is lost. A quorum queue counts
 * as a consumer whoever holds a message of it, a classic queue only who still consumes.
 */
export async function removeEmptyQueue(model: ChannelModel, queue: string): Promise<boolean> {
  const found = await inspectQueue(model, queue)
  if (found && found.messages + found.consumers > 0) return false
  if (found && (await onChannel(model, (channel) => givesMessage(channel, queue)))) return false
  if (found) await onChannel(model, (channel) => channel.deleteQueue(queue))
  return true
}

/**
 * Whether a message comes to whoever consumes. Only the queue itself can answer that, where a count may be made up for it; what is given
 * goes back when the channel is closed.
 */
async function givesMessage(channel: Channel, queue: string): Promise<boolean> {
  let isGiven = false
  await channel.prefetch(1)
  await channel.consume(queue, () => {
    isGiven = true
  })
  // Whatever was given together with the consumer's acceptance comes before this answer.
  await channel.checkQueue(queue)
  return isGiven
}

/** Undefined when there is no such queue. */
export async function unlessAbsent<T>(look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look()
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}

/** What the broker answers when there is no such queue, or only one of another connection's own. */
export const isAbsent = (error: unknown): boolean =>
  error instanceof Error && /NOT_FOUND|RESOURCE_LOCKED/.test(error.message)

/** A refused call closes its channel: so one that lives for this call only. */
async function onChannel<T>(model: ChannelModel, call: (channel: Channel) => Promise<T>): Promise<T> {
  const channel = await model.createChannel()
  // The failed call rejects with the same error; without a listener Node would end the process.
  channel.on('error', () => undefined)
  const answer = await call(channel)
  await closeChannel(channel)
  return answer
}
