import { setImmediate as turn } from 'node:timers/promises'
import type { Event } from '../../../shared/bus/envelope.ts'
import type { Arrived, Emission } from '../../../shared/bus/stateful-consumer.ts'
import type { Clock } from '../../../shared/clock.ts'
import type { Held, HeldOutcome } from '../../../shared/store/held-messages.ts'
import type { HubTransaction } from '../../../shared/store/hub-store.ts'
import { type HeldNews, heldByNews } from './held-row.ts'
import type { ParkedThreads } from './parked-threads.ts'
import { findStay } from './stays.ts'

export type IntakeOptions = {
  readonly clock: Clock
  /** The kernel: decides what is news for a conversation. */
  readonly decide: (arrived: readonly Arrived[], tx: HubTransaction) => Promise<readonly Emission[]>
  /** Told of an outcome that was known already, or of a message that the catalogue does not have. */
  readonly onKnown: (type: string) => void
  /** Told of messages that were set aside just now, and of outcomes of those that came back. */
  readonly threads: Pick<ParkedThreads, 'parked' | 'settled'>
}

/** Some 10 ms. */
const GIVEN_BACK_AT_ONCE = 1_000

type Outcome = Event<'MESSAGE_DEAD' | 'MESSAGE_PARKED' | 'MESSAGE_REPLAYED' | 'MESSAGE_FAILING'>

const outcomes = {
  MESSAGE_DEAD: 'dead',
  MESSAGE_PARKED: 'parked',
  MESSAGE_REPLAYED: 'handled',
} as const satisfies Record<string, HeldOutcome>

/**
 * What the hub does with a batch of its queue: first the catalogue takes what consumers say about held messages, then the kernel gets
 * what is news for a conversation. An outcome counts once, whatever number of times it is told.
 */
export function intakeOf(options: IntakeOptions) {
  return async (arrived: readonly Arrived[], tx: HubTransaction): Promise<readonly Emission[]> => {
    const told = arrived.filter(isOutcome)
    const news = told.length > 0 ? await takeOutcomes(told, options, tx) : undefined
    for (const one of arrived) if ('type' in one && one.type === 'REPLAY_ENDED') await giveBack(one, options, tx)
    return options.decide(
      arrived.filter((one) => (isOutcome(one) ? news?.has(one) : !isOwnNews(one))),
      tx,
    )
  }
}

/** Gives back those that a job has to hear of. */
async function takeOutcomes(told: readonly Outcome[], options: IntakeOptions, tx: HubTransaction) {
  await addHeld(told, options, tx)
  await catchUp(told, options, tx)
  const news = new Set<Arrived>()
  for (const event of told) {
    if (event.data.replay === undefined) continue
    if (await settle(event, options, tx)) news.add(event)
    else options.onKnown(event.type)
  }
  const back = told.filter(({ type, data }) => data.replay && (type === 'MESSAGE_REPLAYED' || type === 'MESSAGE_DEAD'))
  if (back.length > 0) {
    const threads = back.map(({ meta }) => meta.correlationId)
    await options.threads.settled(threads, tx)
  }
  return news
}

/** News that the catalogue tells apart by more than its id: the same message may die again under it. */
export const isHeldNews = (one: Arrived): boolean =>
  'type' in one && (one.type === 'MESSAGE_DEAD' || one.type === 'MESSAGE_PARKED')

/** What the mover says for others: the catalogue has it from the mover itself. */
const isOwnNews = (one: Arrived): boolean => 'type' in one && one.type === 'MESSAGES_DISCARDED'

const isOutcome = (one: Arrived): one is Outcome =>
  'type' in one && (one.type === 'MESSAGE_FAILING' || Object.hasOwn(outcomes, one.type))

async function addHeld(told: readonly Outcome[], { clock, threads }: IntakeOptions, tx: HubTransaction): Promise<void> {
  const rows = new Map<string, Held>()
  for (const event of told)
    if (event.type === 'MESSAGE_DEAD' || event.type === 'MESSAGE_PARKED') {
      const row = await rowOfNews(event, clock.now(), tx)
      if (row) rows.set(row.id, row)
    }
  if (rows.size === 0) return
  const added = await tx.held.addHeld([...rows.values()])
  await threads.parked(
    added.flatMap((id) => rows.get(id) ?? []),
    tx,
  )
}

/** None for news of what the catalogue knows. Who died, or was set aside, once more when its last stay was over has a row of its own. */
async function rowOfNews(news: HeldNews, nowMs: number, { held }: HubTransaction): Promise<Held | undefined> {
  const row = heldByNews(news, nowMs)
  const stay = { place: row.place, given: row.id, atMs: news.meta.atMs, isUnique: true }
  const found = await findStay(async (id) => (await held.findHeld([id]))[0], stay)
  return found.row ? undefined : { ...row, id: found.id }
}

/** A message may be handled before the mover has noted that it was sent: its outcome says so. */
async function catchUp(told: readonly Outcome[], { clock }: IntakeOptions, tx: HubTransaction): Promise<void> {
  const jobs = new Map<string, string[]>()
  for (const { data } of told)
    if (data.replay) jobs.set(data.replay.job, [...(jobs.get(data.replay.job) ?? []), data.replay.held])
  for (const [job, ids] of jobs) await tx.held.moved(job, ids, 'released', clock.now())
}

/** False when it changes nothing. */
function settle({ type, data }: Outcome, { clock }: IntakeOptions, tx: HubTransaction): boolean | Promise<boolean> {
  const { replay } = data
  if (replay === undefined) return false
  if (type === 'MESSAGE_FAILING') return tx.held.noteFailing(replay.held, data.error, clock.now())
  return tx.held.settle(replay.held, outcomes[type], clock.now())
}

/** A job that is over for good has no claim on what it has not moved. */
async function giveBack({ data }: Event<'REPLAY_ENDED'>, { clock }: IntakeOptions, tx: HubTransaction): Promise<void> {
  if (data.status === 'stopped') return
  // Of a large job in slices, with turns of the event loop in between.
  while ((await tx.held.unchoose(data.id, clock.now(), GIVEN_BACK_AT_ONCE)) === GIVEN_BACK_AT_ONCE) await turn()
}
