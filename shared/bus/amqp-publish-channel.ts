import type { ChannelModel } from 'amqplib'
import type { Logger } from 'pino'
import type { AmqpPublisher } from './amqp-publisher.ts'
import { explained, parseMissing, parseRefusal } from './amqp-refusals.ts'
import { batchWrites } from './write-batching.ts'

type Publishing = {
  readonly publisher: AmqpPublisher
  readonly log: Logger | undefined
  /** Something of the topology is not there. */
  readonly onMissing: () => void
  /** The channel has ended, unasked. */
  readonly onLost: (reason: string) => void
}

/** Opens the channel that a connection publishes on. When one message is to blame for its end, that one is not sent again. */
export async function openPublishing(
  model: ChannelModel,
  { publisher, log, onMissing, onLost }: Publishing,
): Promise<void> {
  const channel = await model.createConfirmChannel()
  channel.on('error', ({ message: reason }: Error) => {
    const missing = parseMissing(reason)
    if (missing !== undefined) {
      publisher.refuseExchange(missing)
      onMissing()
    }
    const refusal = parseRefusal(reason)
    if (refusal) {
      publisher.refuse(refusal)
      log?.error({ reason }, explained(refusal))
    }
    onLost(reason)
  })
  channel.on('close', () => publisher.detach(channel))
  publisher.attach(channel, batchWrites(model))
}
