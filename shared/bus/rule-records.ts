import { z } from 'zod'
import { CelError } from '../cel/cel-error.ts'
import type { Rule } from '../operation-events.ts'
import { compileFilter, type Filter } from './filter.ts'

/** What consumers confirm of a rule. */
export type Confirmable = Pick<Rule, 'id' | 'revision' | 'queues'> &
  (
    | { readonly rule: Rule; readonly filter: Filter; readonly phase: 'park' | 'hold' }
    | { readonly phase: 'lifted' }
    /** A record that cannot be read: what was known before stays as it is. */
    | { readonly phase: 'unreadable'; readonly problem: string }
  )
export type Open = Extract<Confirmable, { filter: Filter }>

/** Consumers that start while a rule is lifted are waited for, too; none takes that long. */
const LIFTED_MS_KEPT = 600_000
/** Ids and revisions, so that old records are not taken for new ones. The stream holds some 16,000 records. */
const FORGOTTEN_KEPT = 20_000
const UNREADABLE_KEPT = 1_000

/**
 * The hub's clock may be ahead of ours, but not by this much. A revision far in the future is some stranger's: no later one would be above
 * it, so its rule could never be lifted.
 */
const AHEAD_MS_MAX = 86_400_000

/** Of a record that nobody is to act by. */
export const isAhead = (revision: number, nowMs: number): boolean => revision > nowMs + AHEAD_MS_MAX

/** The newest record of each rule. Reading old ones again, in any order, changes nothing. */
export class RuleRecords {
  readonly #known = new Map<string, Exclude<Confirmable, { phase: 'unreadable' }>>()
  readonly #unreadable = new Map<string, Confirmable>()
  /** Of rules that were lifted long ago: the revision by which. */
  readonly #forgotten = new Map<string, number>()
  readonly #lifted = new Map<string, number>()

  /** Gives back what is to be confirmed now, and undefined for old news. */
  take(rule: Rule, nowMs: number): Confirmable | undefined {
    this.#forgetLifted(nowMs)
    const { id, revision, queues, phase } = rule
    if (isAhead(revision, nowMs)) return undefined
    if (revision <= this.#revisionOf(id)) return undefined
    if (phase === 'lifted') return this.#keep({ id, revision, queues, phase }, nowMs)
    try {
      return this.#keep({ id, revision, queues, phase, rule, filter: this.#filterOf(rule) }, nowMs)
    } catch (error) {
      if (!(error instanceof CelError)) throw error
      return this.refuse({ id, revision, queues }, error.message)
    }
  }

  /** Notes a record that cannot be read; gives back what is to be confirmed, and undefined for old news. */
  refuse(named: Pick<Rule, 'id' | 'revision' | 'queues'>, problem: string): Confirmable | undefined {
    const { id, revision } = named
    if (revision <= Math.max(this.#revisionOf(id), this.#unreadable.get(id)?.revision ?? -1)) return undefined
    const record = { ...named, phase: 'unreadable', problem } as const
    this.#unreadable.delete(id)
    this.#unreadable.set(id, record)
    dropOldest(this.#unreadable, UNREADABLE_KEPT)
    return record
  }

  /** Rules that are parking or holding. */
  open(): readonly Open[] {
    return [...this.#known.values()].flatMap((record) => (record.phase === 'lifted' ? [] : record))
  }

  /** What a consumer that starts now has to confirm. */
  all(): readonly Confirmable[] {
    return [...this.#known.values(), ...this.#unreadable.values()]
  }

  find(id: string): Confirmable | undefined {
    return this.#known.get(id)
  }

  /** Of the newest record that could be read; below all of them when there was none. */
  #revisionOf(id: string): number {
    return this.#known.get(id)?.revision ?? this.#forgotten.get(id) ?? -1
  }

  #keep(record: Exclude<Confirmable, { phase: 'unreadable' }>, nowMs: number): Confirmable {
    const { id, revision, phase } = record
    this.#known.set(id, record)
    this.#forgotten.delete(id)
    this.#lifted.delete(id)
    if (phase === 'lifted') this.#lifted.set(id, nowMs)
    if ((this.#unreadable.get(id)?.revision ?? revision) <= revision) this.#unreadable.delete(id)
    return record
  }

  /** Phases come and go, and the filter stays. */
  #filterOf({ id, filter }: Rule): Filter {
    const known = this.#known.get(id)
    return known && 'filter' in known && known.filter.text === filter ? known.filter : compileFilter(filter)
  }

  #forgetLifted(nowMs: number): void {
    for (const [id, atMs] of this.#lifted) {
      if (atMs > nowMs - LIFTED_MS_KEPT) return
      this.#forgotten.set(id, this.#revisionOf(id))
      dropOldest(this.#forgotten, FORGOTTEN_KEPT)
      this.#known.delete(id)
      this.#lifted.delete(id)
    }
  }
}

const named = z.object({
  rule: z.object({
    id: z.string().min(1).max(64),
    revision: z.int().min(0),
    queues: z.array(z.string().min(1).max(255)).min(1).max(100),
  }),
})

/** What an unreadable record of a rule names all the same; undefined when it does not. */
export function namedIn(body: Buffer): Pick<Rule, 'id' | 'revision' | 'queues'> | undefined {
  try {
    return named.safeParse(JSON.parse(body.toString())).data?.rule
  } catch {
    // No JSON at all: it names nothing, and whoever calls has counted and logged it.
    return undefined
  }
}

function dropOldest(map: Map<string, unknown>, max: number): void {
  const [oldest] = map.keys()
  if (oldest !== undefined && map.size > max) map.delete(oldest)
}
