import { setTimeout as pause } from 'node:timers/promises'
import type { Channel, ChannelModel } from 'amqplib'
import { type Plan, topologyStamp } from '../topology.ts'
import { closeChannel } from './amqp-ended.ts'

/** What a plan wants and the broker does not have. */
export type Missing = { readonly kind: 'exchange' | 'queue'; readonly name: string }
/** Hidden: this user has no right to know. */
type Absent = Missing & { readonly isHidden: boolean }

/** Asked at once: amqplib keeps one request in flight per channel. */
const CHANNELS = 8
/** Some hundred passive declarations of a broker, each time. */
const LOOK_AGAIN_MS = 1_000

/**
 * Exchanges and queues of a plan that are not there. Changes nothing; arguments and bindings are not looked at. What this user has no right
 * to counts as there: RabbitMQ from 4.2.6 on does not tell.
 */
export async function lookFor(model: ChannelModel, plan: Plan): Promise<readonly Missing[]> {
  const wanted: readonly Missing[] = [
    ...plan.exchanges.map(({ name }) => ({ kind: 'exchange' as const, name })),
    ...plan.queues.map(({ name }) => ({ kind: 'queue' as const, name })),
  ]
  const lanes = Array.from({ length: CHANNELS }, (_, lane) => wanted.filter((_one, i) => i % CHANNELS === lane))
  const absent = (await Promise.all(lanes.map((lane) => lookAlong(model, lane)))).flat()
  return absent.flatMap(({ isHidden, ...one }) => (isHidden ? [] : [one]))
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

/** The newest topology behind this one that was declared on the broker; this one when there is none. Changes nothing. */
export async function findStamp(model: ChannelModel, known = 0): Promise<number> {
  const [absent] = await lookAlong(model, [{ kind: 'exchange', name: topologyStamp(known + 1) }])
  // Each version declares those of all before: behind the first that is missing there is none.
  return absent ? known : findStamp(model, known + 1)
}

async function lookAlong(model: ChannelModel, lane: readonly Missing[]): Promise<Absent[]> {
  if (lane.length === 0) return []
  const absent: Absent[] = []
  let channel = await openChannel(model)
  for (const one of lane) {
    try {
      await (one.kind === 'queue' ? channel.checkQueue(one.name) : channel.checkExchange(one.name))
    } catch (error) {
      const answer = error instanceof Error ? /NOT_FOUND|ACCESS_REFUSED/.exec(error.message)?.[0] : undefined
      if (answer === undefined) throw error
      absent.push({ ...one, isHidden: answer === 'ACCESS_REFUSED' })
      // The refusal has closed it.
      channel = await openChannel(model)
    }
  }
  await closeChannel(channel)
  return absent
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
