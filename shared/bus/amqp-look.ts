import { setTimeout as pause } from 'node:timers/promises'
import type { Channel, ChannelModel } from 'amqplib'
import type { Plan } from '../topology.ts'
import { closeChannel } from './amqp-ended.ts'

/** What a plan wants and the broker does not have. */
export type Missing = { readonly kind: 'exchange' | 'queue'; readonly name: string }

/** Asked at once: amqplib keeps one request in flight per channel. */
const CHANNELS = 8
/** Some hundred passive declarations of a broker, each time. */
const LOOK_AGAIN_MS = 1_000

/** Exchanges and queues of a plan that are not there. Needs no right, and changes nothing; arguments and bindings are not looked at. */
export async function lookFor(model: ChannelModel, plan: Plan): Promise<readonly Missing[]> {
  const wanted: readonly Missing[] = [
    ...plan.exchanges.map(({ name }) => ({ kind: 'exchange' as const, name })),
    ...plan.queues.map(({ name }) => ({ kind: 'queue' as const, name })),
  ]
  const lanes = Array.from({ length: CHANNELS }, (_, lane) => wanted.filter((_one, i) => i % CHANNELS === lane))
  return (await Promise.all(lanes.map((lane) => lookAlong(model, lane)))).flat()
}

/** Looks until everything is there; `onMissing` is told after each look that found it otherwise. Rejects when the connection ends. */
export async function waitFor(
  model: ChannelModel,
  plan: Plan,
  onMissing: (missing: readonly Missing[]) => void,
): Promise<void> {
  for (let missing = await lookFor(model, plan); missing.length > 0; missing = await lookFor(model, plan)) {
    onMissing(missing)
    await pause(LOOK_AGAIN_MS)
  }
}

async function lookAlong(model: ChannelModel, lane: readonly Missing[]): Promise<Missing[]> {
  if (lane.length === 0) return []
  const missing: Missing[] = []
  let channel = await openChannel(model)
  for (const one of lane) {
    try {
      await (one.kind === 'queue' ? channel.checkQueue(one.name) : channel.checkExchange(one.name))
    } catch (error) {
      if (!(error instanceof Error && error.message.includes('NOT_FOUND'))) throw error
      missing.push(one)
      // The refusal has closed it.
      channel = await openChannel(model)
    }
  }
  await closeChannel(channel)
  return missing
}

async function openChannel(model: ChannelModel): Promise<Channel> {
  const channel = await model.createChannel()
  // The failed call rejects with the same error; without a listener Node would end the process.
  channel.on('error', () => undefined)
  return channel
}

const NAMES_MAX = 5

/** As a sentence: the first names, how many more, and what to do. */
export function saysMissing(missing: readonly Missing[]): string {
  const names = missing.slice(0, NAMES_MAX).map(({ kind, name }) => `${kind} ${name}`)
  const more = missing.length > NAMES_MAX ? ` and ${missing.length - NAMES_MAX} more` : ''
  return `The broker lacks ${names.join(', ')}${more}. EBS_TOPOLOGY=verify declares none of these: import what \`ebs topology definitions\` gives; this goes on by itself when they are there.`
}
