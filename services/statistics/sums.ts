import type { SqliteTransaction } from '../../shared/store/sqlite-transaction.ts'
import { bucketOf, msOf } from './histogram.ts'
import { type CounterName, counterNames, minuteNames } from './schema.ts'

/** One row per routing key and type; strangers may invent as many as they like, so the rest is counted together. */
export const EVENT_KINDS_MAX = 10_000
/** Stands for the types and keys beyond the limit. */
export const OTHER = '(other)'

const MINUTE_MS = 60_000

const COUNT = 'update counters set value = value + ? where name = ?'
const UPDATED = 'update updated set at = ?'
const COUNT_KIND = `update event_kinds set count = count + ?, first_at = min(first_at, ?), last_at = max(last_at, ?),
  unheard = unheard + ?, unheard_at = coalesce(max(unheard_at, ?), unheard_at, ?) where type = ? and key = ?`
const ADD_KIND = `insert into event_kinds(type, key, count, first_at, last_at, unheard, unheard_at)
  select ?, ?, 0, ?, ?, 0, null where ? or (select count(*) from event_kinds) < ${EVENT_KINDS_MAX}`
const COUNT_MINUTE = `insert into minutes(at, events, ${minuteNames.join(', ')})
  values (?, ?, ${minuteNames.map(() => '?').join(', ')})
  on conflict(at) do update set events = events + excluded.events,
    ${minuteNames.map((name) => `${name} = ${name} + excluded.${name}`).join(', ')}`
const ADD_DURATIONS =
  'update durations set count = count + ?, sum_ms = sum_ms + ?, max_ms = max(max_ms, ?) where kind = ?'
const ADD_BUCKET = `insert into histogram(kind, bucket, ms, count) values (?, ?, ?, ?)
  on conflict(kind, bucket) do update set count = count + excluded.count`

export type DurationKind = 'object' | 'task'
type Counters = Partial<Record<CounterName, number>>
type Kind = {
  readonly type: string
  readonly key: string
  count: number
  unheard: number
  firstMs: number
  lastMs: number
  unheardMs: number | null
}

/** What a batch adds to the totals, summed up in memory and written once. */
export class Sums {
  readonly #counters = new Map<CounterName, number>()
  readonly #gains = new Map<CounterName, number>()
  readonly #kinds = new Map<string, Kind>()
  readonly #durations: Record<DurationKind, number[]> = { object: [], task: [] }
  #events = 0

  /** Counts the difference between what something added before and what it adds now. */
  count(before: Counters, after: Counters): void {
    for (const name of counterNames) {
      const difference = (after[name] ?? 0) - (before[name] ?? 0)
      if (difference === 0) continue
      this.#counters.set(name, (this.#counters.get(name) ?? 0) + difference)
      if (difference > 0) this.#gains.set(name, (this.#gains.get(name) ?? 0) + difference)
    }
  }

  /** Counts an event of any type. */
  countEvent(event: {
    readonly type: string
    readonly key: string
    readonly atMs: number
    readonly unheard: boolean
  }): void {
    const { type, key, atMs, unheard } = event
    this.#events++
    const id = JSON.stringify([type, key])
    const kind = this.#kinds.get(id) ?? {
      type,
      key,
      count: 0,
      unheard: 0,
      firstMs: atMs,
      lastMs: atMs,
      unheardMs: null,
    }
    kind.count++
    kind.firstMs = Math.min(kind.firstMs, atMs)
    kind.lastMs = Math.max(kind.lastMs, atMs)
    if (unheard) {
      kind.unheard++
      kind.unheardMs = Math.max(kind.unheardMs ?? atMs, atMs)
    }
    this.#kinds.set(id, kind)
  }

  /** Counts a duration when it becomes known; once known it stays as it is. */
  addDuration(kind: DurationKind, beforeMs: number | null | undefined, afterMs: number | null): void {
    if (afterMs !== null && (beforeMs ?? null) === null) this.#durations[kind].push(afterMs)
  }

  write(tx: SqliteTransaction, nowMs: number): void {
    for (const [name, difference] of this.#counters) if (difference !== 0) tx.run(COUNT, difference, name)
    for (const kind of this.#kinds.values()) writeKind(tx, kind)
    if (this.#durations.object.length > 0) writeDurations(tx, 'object', this.#durations.object)
    if (this.#durations.task.length > 0) writeDurations(tx, 'task', this.#durations.task)
    const minuteMs = nowMs - (nowMs % MINUTE_MS)
    tx.run(COUNT_MINUTE, minuteMs, this.#events, ...minuteNames.map((name) => this.#gains.get(name) ?? 0))
    tx.run(UPDATED, nowMs)
  }
}

function writeKind(tx: SqliteTransaction, kind: Kind): void {
  const { type, key, firstMs, lastMs } = kind
  if (addToKind(tx, kind, type, key)) return
  const isAdded = tx.run(ADD_KIND, type, key, firstMs, lastMs, 0).changes > 0
  if (isAdded) addToKind(tx, kind, type, key)
  else if (!addToKind(tx, kind, OTHER, OTHER)) {
    tx.run(ADD_KIND, OTHER, OTHER, firstMs, lastMs, 1)
    addToKind(tx, kind, OTHER, OTHER)
  }
}

/** False when there is no such row yet. */
function addToKind(tx: SqliteTransaction, kind: Kind, type: string, key: string): boolean {
  const { count, unheard, firstMs, lastMs, unheardMs } = kind
  return tx.run(COUNT_KIND, count, firstMs, lastMs, unheard, unheardMs, unheardMs, type, key).changes > 0
}

function writeDurations(tx: SqliteTransaction, kind: DurationKind, all: readonly number[]): void {
  const buckets = new Map<number, number>()
  let sumMs = 0
  let maxMs = 0
  for (const ms of all) {
    buckets.set(bucketOf(ms), (buckets.get(bucketOf(ms)) ?? 0) + 1)
    sumMs += ms
    maxMs = Math.max(maxMs, ms)
  }
  tx.run(ADD_DURATIONS, all.length, sumMs, maxMs, kind)
  for (const [bucket, count] of buckets) tx.run(ADD_BUCKET, kind, bucket, msOf(bucket), count)
}
