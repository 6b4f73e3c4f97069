import { type Asker, NobodyThereError, TooManyQuestionsError } from '../../../shared/bus/ask.ts'
import { STANDING_IDS_MAX } from '../../../shared/question-events.ts'
import type { SqliteReader } from '../../../shared/store/sqlite-store.ts'
import {
  type AtHub,
  type Cursor,
  countAtHub,
  FIRST,
  type Named,
  readAtHub,
  readMissingAt,
  stillAtHub,
} from './claims.ts'
import { HUB } from './comparison.ts'

/** What the hub does not hold, though it should; or why that cannot be said. */
export type HubAnswer = { readonly unknown: readonly Named[] } | { readonly unobserved: string }

const ANSWER_MS_MAX = 2_000
/** In one look, of each kind and state: a hub with some ten thousand open groups is gone through in some minutes, and hardly notices. */
const IDS_PER_LOOK_MIN = 1_000
/** Of more than that a larger part is asked for, so that a round takes so many looks: with one every five seconds five minutes. */
const LOOKS_PER_ROUND = 60
/** Ten questions. Of more than 600,000 open conversations of a kind a round takes longer. */
const IDS_PER_LOOK_MAX = 10_000
/** Ids that the hub did not know, of each kind; each is asked for again in every look. */
export const SUSPECTS_MAX = 1_000

const kinds: readonly AtHub[] = ['object', 'group', 'flow', 'journey']
const states = ['inFlight', 'waiting'] as const

/** What had not changed when the round began, from here on: what comes after has its turn in the next, or no round would ever end. */
type Round = { readonly after: Cursor; readonly untilMs: number; readonly part: number }

/** Goes round what should be in the hub's hands, a part in each look, and remembers what the hub did not know. */
export class HubHands {
  readonly #read: SqliteReader
  readonly #findAsker: () => Pick<Asker, 'ask'> | undefined
  readonly #rounds = new Map<string, Round>()
  /** By kind: those that the hub did not know when it was last asked. */
  readonly #suspects = new Map<AtHub, ReadonlyMap<string, Named>>()

  constructor(read: SqliteReader, findAsker: () => Pick<Asker, 'ask'> | undefined) {
    this.#read = read
    this.#findAsker = findAsker
  }

  /** Another process has looked meanwhile. */
  forget(): void {
    this.#suspects.clear()
    this.#rounds.clear()
  }

  /** What was missing when a process looked last is suspected from the beginning. */
  #recall(kind: AtHub): ReadonlyMap<string, Named> {
    const known = readMissingAt(this.#read, HUB).filter((one) => one.kind === kind)
    return new Map(known.slice(0, SUSPECTS_MAX).map((one) => [one.id, one]))
  }

  /** Those that the hub did not know twice in a row, of what has not changed since `beforeMs`. */
  async findUnknown(beforeMs: number): Promise<HubAnswer> {
    const unknown: Named[] = []
    for (const kind of kinds) {
      const suspects = this.#stillSuspected(kind, beforeMs)
      const part = this.#nextPart(kind, beforeMs)
      const asked = new Map([...suspects, ...part])
      const known = asked.size > 0 ? await this.#ask(kind, [...asked.keys()]) : new Set<string>()
      if (known === undefined) return { unobserved: 'the hub does not answer' }
      const missing = new Map([...asked].filter(([id]) => !known.has(id)).slice(0, SUSPECTS_MAX))
      this.#suspects.set(kind, missing)
      unknown.push(...[...missing.values()].filter(({ id }) => suspects.has(id)))
    }
    return { unknown }
  }

  #stillSuspected(kind: AtHub, beforeMs: number): ReadonlyMap<string, Named> {
    const suspects = this.#suspects.get(kind) ?? this.#recall(kind)
    if (suspects.size === 0) return suspects
    const still = stillAtHub(this.#read, kind, [...suspects.keys()], beforeMs)
    return new Map([...suspects].filter(([id]) => still.has(id)))
  }

  #nextPart(kind: AtHub, beforeMs: number): ReadonlyMap<string, Named> {
    const part = new Map<string, Named>()
    for (const state of states) {
      const name = `${kind} ${state}`
      const round = this.#rounds.get(name) ?? this.#newRound({ kind, state }, beforeMs)
      const range = { after: round.after, beforeMs: round.untilMs, limit: round.part }
      const rows = readAtHub(this.#read, { kind, state }, range)
      for (const { id, tenant } of rows) part.set(id, { kind, id, tenant })
      const last = rows.at(-1)
      if (last && rows.length === round.part) this.#rounds.set(name, { ...round, after: last })
      else this.#rounds.delete(name)
    }
    return part
  }

  #newRound(of: { readonly kind: AtHub; readonly state: (typeof states)[number] }, untilMs: number): Round {
    const part = Math.ceil(countAtHub(this.#read, of) / LOOKS_PER_ROUND)
    return { after: FIRST, untilMs, part: Math.min(Math.max(part, IDS_PER_LOOK_MIN), IDS_PER_LOOK_MAX) }
  }

  /** Those of these ids that the hub has open; undefined when it does not answer. What it has ended is not heard of yet, or never will be. */
  async #ask(kind: AtHub, ids: readonly string[]): Promise<ReadonlySet<string> | undefined> {
    const asker = this.#findAsker()
    if (!asker) return undefined
    const open = new Set<string>()
    for (let at = 0; at < ids.length; at += STANDING_IDS_MAX) {
      const slice = ids.slice(at, at + STANDING_IDS_MAX)
      const answer = await standingOf(asker, kind === 'object' ? 'group' : kind, slice)
      if (answer === undefined) return undefined
      for (const id of answer) open.add(id)
    }
    return open
  }
}

async function standingOf(asker: Pick<Asker, 'ask'>, kind: 'group' | 'flow' | 'journey', ids: readonly string[]) {
  try {
    const answer = await asker.ask(
      'hub_ask',
      { type: 'STANDING_ASKED', kind, ids: [...ids] },
      { withinMs: ANSWER_MS_MAX },
    )
    return answer?.type === 'STANDING_TOLD' ? answer.data.open : undefined
  } catch (error) {
    if (error instanceof NobodyThereError || error instanceof TooManyQuestionsError) return undefined
    throw error
  }
}
