import type { Channel, ChannelModel } from 'amqplib'
import type { TlsFiles } from '../service/tls-settings.ts'
import type { Plan } from '../topology.ts'
import { checkVersion, exchangeOptions, explainRefusal, parseDrift } from './amqp-declare.ts'
import { closeChannel } from './amqp-ended.ts'
import { closeConnection } from './amqp-goodbye.ts'
import { connectToAny } from './amqp-link.ts'
import { findStamp } from './amqp-look.ts'
import { AmqpNodes } from './amqp-nodes.ts'
import type { Drift } from './broker.ts'

/** What a broker holds beside what a plan wants. */
export type Comparison = {
  /** Product and version. */
  readonly broker: string
  /** The newest topology that was declared there; 0 before ebs 0.2.0. */
  readonly topology: number
  readonly missing: readonly { readonly kind: 'queue' | 'exchange'; readonly name: string }[]
  /** There, but with other arguments. */
  readonly drifts: readonly Drift[]
}

/**
 * Compares exchanges and queues with a plan and changes nothing. Bindings cannot be asked for over AMQP. Of several urls
 * the first one that answers is asked. Rejects when none does, or with UnsupportedBrokerError.
 */
export async function comparePlan(urls: string, plan: Plan, tls?: TlsFiles): Promise<Comparison> {
  const model = await connectToAny(new AmqpNodes(urls, tls), 'ebs_compare')
  let ended: Error | undefined
  model.on('error', (error) => {
    ended = error
  })
  try {
    return await compare(model, plan)
  } catch (error) {
    // Why the connection ended says more than that the call which waited has no answer.
    throw explainRefusal(ended ?? error)
  } finally {
    await closeConnection(model)
  }
}

async function compare(model: ChannelModel, plan: Plan): Promise<Comparison> {
  const missing: Comparison['missing'][number][] = []
  const drifts: Drift[] = []
  for (const row of plan.exchanges) {
    const found = await look(model, {
      isThere: (channel) => channel.checkExchange(row.name),
      isSame: (channel) => channel.assertExchange(row.name, row.type, exchangeOptions(row)),
    })
    if (found === 'missing') missing.push({ kind: 'exchange', name: row.name })
    else if (found !== 'same') drifts.push(found)
  }
  for (const row of plan.queues) {
    const options = { durable: true, arguments: row.arguments }
    const found = await look(model, {
      isThere: (channel) => channel.checkQueue(row.name),
      isSame: (channel) => channel.assertQueue(row.name, options),
    })
    if (found === 'missing') missing.push({ kind: 'queue', name: row.name })
    else if (found !== 'same') drifts.push(found)
  }
  const topology = await findStamp(model)
  return { broker: checkVersion(model.connection.serverProperties), topology, missing, drifts }
}

type Looks = {
  /** Passive: is refused when it is not there. */
  readonly isThere: (channel: Channel) => Promise<unknown>
  /** Only asked of what is there: then the broker compares the arguments and creates nothing. */
  readonly isSame: (channel: Channel) => Promise<unknown>
}

async function look(model: ChannelModel, { isThere, isSame }: Looks): Promise<'missing' | 'same' | Drift> {
  // A refusal closes its channel.
  const channel = await model.createChannel()
  channel.on('error', () => undefined)
  try {
    await isThere(channel)
    await isSame(channel)
  } catch (error) {
    const message = error instanceof Error ? error.message : ''
    if (message.includes('NOT_FOUND')) return 'missing'
    const drift = parseDrift(message)
    if (!drift) throw error
    return drift
  }
  await closeChannel(channel)
  return 'same'
}
