import { setImmediate } from 'node:timers/promises'
import type { Conversation, ConversationFilter } from '../../../shared/store/conversations.ts'
import { StoreUnavailableError } from '../../../shared/store/store.ts'
import { JOURNEY, type Operations } from '../operations.ts'
import { findLostTimers } from './lost-timers.ts'
import { findLimitMs } from './overdue-limit.ts'

/** Read, and told, at once: each comes with its payload and its outputs. */
const SLICE = 100
/** Looked through for lost timers in one round: 100,000 that run are through within the hour, at next to no cost. */
const LOOKED_THROUGH_MAX = 2_000

export type SweepOptions = Pick<Operations, 'store' | 'clock' | 'tell'> & {
  /** As configured; undefined: learned for each type. */
  readonly overdueMs: number | undefined
  /** Told of a journey that could not be looked after, as one whose state cannot be read: the others are. */
  readonly onFailed: (sagaId: string, error: unknown) => void
}

type IsStopped = () => boolean
type Range = { readonly sinceMs: number; readonly limitMs: number }

/**
 * Finds journeys that take longer than they should, and those that wait for a timer which is not there. Each is told so: it is shown to
 * people from then on, and arms again what it waits for. One that a person is asked about already is left alone.
 */
export class RemediationSweep {
  readonly #options: SweepOptions
  /** By type: those that began before this time have been looked at. */
  #lookedMs: ReadonlyMap<string, number> = new Map()
  /** Where to go on looking through what runs. */
  #cursor: string | undefined

  constructor(options: SweepOptions) {
    this.#options = options
  }

  /** One round; the next goes on where it left off. */
  async run(isStopped: IsStopped = () => false): Promise<void> {
    const limitsMs = await this.#limits()
    await this.#findOverdue(limitsMs, isStopped)
    await this.#lookThrough(limitsMs, isStopped)
  }

  /** By type: older than this is overdue. Of types of which journeys go on, and about which enough is known. */
  async #limits(): Promise<ReadonlyMap<string, number>> {
    const { store, overdueMs } = this.#options
    const limits = new Map<string, number>()
    for (const type of await store.reader.labelsOf(JOURNEY)) {
      const limitMs = overdueMs ?? (await findLimitMs(store.reader, type))
      if (limitMs !== undefined) limits.set(type, limitMs)
    }
    return limits
  }

  /** Those that have become so since the last round. */
  async #findOverdue(limitsMs: ReadonlyMap<string, number>, isStopped: IsStopped): Promise<void> {
    const nowMs = this.#options.clock.now()
    const looked = new Map<string, number>()
    for (const [type, limitMs] of limitsMs) {
      const sinceMs = this.#lookedMs.get(type) ?? Number.NEGATIVE_INFINITY
      const isDone = await this.#findOverdueOf(type, { sinceMs, limitMs }, isStopped)
      // A limit that has grown says nothing new of those that were looked at.
      looked.set(type, isDone ? Math.max(sinceMs, nowMs - limitMs) : sinceMs)
    }
    this.#lookedMs = looked
  }

  /** False when it was stopped. */
  async #findOverdueOf(label: string, { sinceMs, limitMs }: Range, isStopped: IsStopped): Promise<boolean> {
    const nowMs = this.#options.clock.now()
    const begun = { kind: JOURNEY, label, isOpen: true, createdBeforeMs: nowMs - limitMs }
    for await (const { rows } of this.#slices(begun)) {
      if (isStopped()) return false
      const fresh = rows.filter(({ createdAtMs }) => createdAtMs >= sinceMs)
      await this.#tell(fresh, limitMs)
      if (fresh.length < rows.length) break
    }
    return true
  }

  /** Some of those that run: for timers that are lost, and for those that went on after a person was asked, and have stopped again. */
  async #lookThrough(limitsMs: ReadonlyMap<string, number>, isStopped: IsStopped): Promise<void> {
    const { store, clock } = this.#options
    const nowMs = clock.now()
    const from = this.#cursor
    // A store that takes another's place may not know it: the next round begins anew.
    this.#cursor = undefined
    let looked = 0
    for await (const { rows, next } of this.#slices({ kind: JOURNEY, status: 'RUNNING', isOpen: true }, from)) {
      if (isStopped()) return
      for (const row of rows)
        await this.#attempt(row, async () => {
          const limitMs = limitsMs.get(row.label ?? '') ?? Number.POSITIVE_INFINITY
          const lost = await findLostTimers(store.reader, row, nowMs)
          if (lost.length > 0) await this.#options.tell({ type: 'JOURNEY_OVERDUE', sagaId: row.key, lost: [...lost] })
          else if (nowMs - row.changedAtMs > limitMs) await this.#tell([row], limitMs)
        })
      this.#cursor = next
      looked += rows.length
      if (looked >= LOOKED_THROUGH_MAX) return
    }
  }

  /** Not those that people see already, nor those for which no time passes: something of theirs is set aside. */
  async #tell(rows: readonly Conversation[], olderThanMs: number): Promise<void> {
    const { store, tell } = this.#options
    const told: Promise<unknown>[] = []
    for (const row of rows) {
      const { kind, key, attention } = row
      if (attention === null && (await store.reader.frozenTimersOf({ kind, key })).length === 0)
        told.push(this.#attempt(row, () => tell({ type: 'JOURNEY_OVERDUE', sagaId: key, olderThanMs })))
    }
    await Promise.all(told)
  }

  /** One that fails keeps no other from being looked after; without the store there is no use in going on. */
  async #attempt({ key }: Conversation, act: () => Promise<unknown>): Promise<void> {
    try {
      await act()
    } catch (error) {
      if (error instanceof StoreUnavailableError) throw error
      this.#options.onFailed(key, error)
    }
  }

  async *#slices(filter: ConversationFilter, from?: string) {
    let cursor = from
    do {
      const { items: rows, next } = await this.#options.store.reader.listConversations(filter, { limit: SLICE, cursor })
      yield { rows, next }
      cursor = next
      // Reading may be synchronous, and deliveries must not wait for all of it.
      await setImmediate()
    } while (cursor !== undefined)
  }
}
