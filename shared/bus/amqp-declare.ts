import type { Channel, ChannelModel } from 'amqplib'
import type { Plan } from '../topology.ts'
import { closeChannel } from './amqp-ended.ts'
import { type Drift, TopologyDriftError, UnsupportedBrokerError } from './broker.ts'

/** Quorum queues with TTL and at-least-once dead-lettering came with 3.10. */
const VERSION_MIN = [3, 10] as const
/** amqplib keeps one request in flight per channel; with eight, declaring takes half the time (docs/decisions/delay-ladder.md). */
const CHANNELS = 8

/** Checks that the broker can carry the topology; gives its product and version. */
export function checkVersion({ product, version }: { product: string; version: string }): string {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const isOld = major < VERSION_MIN[0] || (major === VERSION_MIN[0] && minor < VERSION_MIN[1])
  if (product !== 'RabbitMQ' || isOld)
    throw new UnsupportedBrokerError(
      `The broker is ${product} ${version}. ebs needs RabbitMQ ${VERSION_MIN.join('.')} or newer: older ones cannot dead-letter at least once.`,
    )
  return `${product} ${version}`
}

/** Declares exchanges, queues and bindings; what is there already stays. Throws TopologyDriftError with every difference found. */
export async function declarePlan(model: ChannelModel, plan: Plan): Promise<void> {
  const drifts: Drift[] = []
  const each = async <T>(rows: readonly T[], declare: (channel: Channel, row: T) => Promise<unknown>) => {
    const lanes = Array.from({ length: CHANNELS }, (_, lane) => rows.filter((_row, i) => i % CHANNELS === lane))
    await Promise.all(lanes.map((lane) => declareLane(model, { rows: lane, declare, drifts })))
  }
  await each(plan.exchanges, (channel, row) => channel.assertExchange(row.name, row.type, exchangeOptions(row)))
  await each(plan.queues, (channel, row) => channel.assertQueue(row.name, { durable: true, arguments: row.arguments }))
  if (drifts.length > 0) throw new TopologyDriftError(drifts)
  await each(plan.bindings, (channel, row) =>
    row.to === 'queue'
      ? channel.bindQueue(row.destination, row.source, row.key)
      : channel.bindExchange(row.destination, row.source, row.key),
  )
}

/** As RabbitMQ is told of an exchange. */
export const exchangeOptions = ({ internal, arguments: args }: Plan['exchanges'][number]) => ({
  durable: true,
  internal: internal === true,
  arguments: args,
})

type Lane<T> = {
  readonly rows: readonly T[]
  readonly declare: (channel: Channel, row: T) => Promise<unknown>
  readonly drifts: Drift[]
}

async function declareLane<T>(model: ChannelModel, { rows, declare, drifts }: Lane<T>): Promise<void> {
  let channel = await openChannel(model)
  for (const row of rows) {
    try {
      await declare(channel, row)
    } catch (error) {
      const drift = error instanceof Error ? parseDrift(error.message) : undefined
      if (!drift) throw error
      drifts.push(drift)
      // A refused declaration closes its channel.
      channel = await openChannel(model)
    }
  }
  await closeChannel(channel)
}

async function openChannel(model: ChannelModel): Promise<Channel> {
  const channel = await model.createChannel()
  // The failed call rejects with the same error; without a listener Node would end the process.
  channel.on('error', () => undefined)
  return channel
}

const INEQUIVALENT =
  /inequivalent arg '([^']+)' for (queue|exchange) '([^']+)' in vhost '[^']*': received (.+?) but current is (.+?)"?$/

/** Reads the broker's 406 `inequivalent arg` into a difference; undefined when it is another error. */
export function parseDrift(message: string): Drift | undefined {
  const [, argument, kind, name, wanted, found] = INEQUIVALENT.exec(message) ?? []
  if (!argument || !name || !wanted || !found || (kind !== 'queue' && kind !== 'exchange')) return undefined
  return { kind, name, argument, wanted: plain(wanted), found: plain(found) }
}

/** `the value 'quorum' of type 'longstr'` -> `quorum`. */
const plain = (value: string) => /the value '([^']*)'/.exec(value)?.[1] ?? value.replaceAll("'", '')

/** A broker that was upgraded without its feature flags refuses quorum queues and ends the connection. */
export function explainRefusal(error: unknown): unknown {
  if (!(error instanceof Error && error.message.includes('feature flag is disabled'))) return error
  return new UnsupportedBrokerError(
    'The broker has feature flags disabled that quorum queues need. Enable them: rabbitmqctl enable_feature_flag all',
    {
      cause: error,
    },
  )
}
