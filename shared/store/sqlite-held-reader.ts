import { z } from 'zod'
import type { Page, PageRequest } from './conversations.ts'
import type {
  Held,
  HeldContent,
  HeldFilter,
  HeldGroup,
  HeldGroupFilter,
  HeldReader,
  HeldState,
} from './held-messages.ts'
import { type Place, pageOf, parseCursor } from './page-cursor.ts'
import { listGroups } from './sqlite-held-groups.ts'
import {
  contentRow,
  countedRow,
  HELD_COLUMNS,
  HELD_TABLES,
  heldRow,
  heldState,
  heldStates,
  type Stratum,
  strataOf,
} from './sqlite-held-rows.ts'
import type { SqliteReader } from './sqlite-store.ts'

const BEHIND = '(r.held_at, r.seq) < (?, ?) order by r.held_at desc, r.seq desc limit ?'
const given = (column: string) => `(? is null or ${column} = ?)`
const inState = 'r.state in (select value from json_each(?))'
const inSources = 'r.source in (select value from json_each(?))'

/** The index is named, because the planner has no statistics to choose by. Conditions that it answers without the row come first. */
const listings = {
  source: `select r.held_at as atMs, r.seq from held_rows r indexed by held_of_source
    where r.source = ? and r.state = ? and ${given('r.tenant')} and ${given('r.type')} and ${BEHIND}`,
  fingerprint: `select r.held_at as atMs, r.seq from held_rows r indexed by held_of_fingerprint
    where r.fingerprint = ? and r.lies = ? and ${given('r.tenant')} and ${given('r.type')} and ${inState} and ${inSources} and ${BEHIND}`,
  job: `select r.held_at as atMs, r.seq from held_rows r indexed by held_of_job
    where r.job = ? and ${inState} and ${given('r.tenant')} and ${given('r.type')} and ${given('r.fingerprint')}
      and ${inSources} and ${BEHIND}`,
} as const

/** None reads more than the rows it is about; a test asks the planner. */
export const heldReadStatements = {
  find: `select ${HELD_COLUMNS} from ${HELD_TABLES} where r.id = ?`,
  findContent: 'select id, body, properties, edited from held_contents where id = ?',
  ...listings,
  listed: `select r.seq, ${HELD_COLUMNS} from ${HELD_TABLES} where r.seq in (select value from json_each(?))`,
  withIds: `select r.seq, ${HELD_COLUMNS} from ${HELD_TABLES} where r.id in (select value from json_each(?))
    and ${given('r.tenant')} and ${given('r.type')} and ${given('r.fingerprint')} and ${given('r.job')} and ${inSources}`,
  ofThread: `select ${HELD_COLUMNS} from held_rows r indexed by held_of_thread cross join held_sources s on s.seq = r.source
    where r.correlation_id = ? and r.settled = 0 order by r.held_at, r.seq limit ?`,
  ofId: `select r.seq, ${HELD_COLUMNS} from ${HELD_TABLES} where r.id = ? limit ?`,
  ofMessage: `select r.seq, ${HELD_COLUMNS} from held_rows r indexed by held_of_message cross join held_sources s on s.seq = r.source
    where r.message_id = ? order by r.held_at desc, r.seq desc limit ?`,
  ofSubject: `select r.seq, ${HELD_COLUMNS} from held_rows r indexed by held_of_subject cross join held_sources s on s.seq = r.source
    where r.subject = ? order by r.held_at desc, r.seq desc limit ?`,
  ofJob: 'select state, n from held_jobs where job = ? and n > 0',
} as const

/** Few rows: one for each place, rule and state. */
const BY_PLACE = `select s.place, sum(t.n) as count from held_strata t join held_sources s on s.seq = t.source
  where t.n > 0 and t.state in ('held', 'chosen') group by s.place order by s.place`

/** A `HeldReader` over the read-only side of a SQLite store. */
export class SqliteHeldReader implements HeldReader {
  readonly #read: SqliteReader

  constructor(read: SqliteReader) {
    this.#read = read
  }

  findHeld(id: string): Held | undefined {
    return this.#read.get(heldRow, heldReadStatements.find, id)
  }

  findContent(id: string): HeldContent | undefined {
    return this.#read.get(contentRow, heldReadStatements.findContent, id)
  }

  listHeld(filter: HeldFilter, { limit, cursor }: PageRequest): Page<Held> {
    const behind = cursor === undefined ? BEFORE_ALL : parseCursor(cursor)
    const strata = strataOf(this.#read, filter).filter(({ state }) => filter.states?.includes(state) ?? true)
    const rows = filter.ids
      ? this.#withIds(filter.ids, filter, strata).filter(({ heldAtMs, seq }) => isBehind([heldAtMs, seq], behind))
      : this.#listed(this.#places(filter, strata, { limit: limit + 1, behind }))
    return pageOf(rows.toSorted(newestFirst).slice(0, limit + 1), limit, {
      place: ({ heldAtMs, seq }) => [heldAtMs, seq],
      item: ({ seq, ...held }) => held,
    })
  }

  listGroups(filter: HeldGroupFilter, page: PageRequest): Page<HeldGroup> {
    return listGroups(this.#read, filter, page)
  }

  countByPlace(): readonly { readonly place: string; readonly count: number }[] {
    return this.#read.all(placeRow, BY_PLACE)
  }

  heldOf(correlationId: string, limit: number): readonly Held[] {
    return this.#read.all(heldRow, heldReadStatements.ofThread, correlationId, limit)
  }

  heldAbout(id: string, limit: number): readonly Held[] {
    const { ofId, ofMessage, ofSubject } = heldReadStatements
    const found = [ofId, ofMessage, ofSubject].flatMap((sql) => this.#read.all(listedRow, sql, id, limit))
    const distinct = new Map(found.map((row) => [row.seq, row]))
    return [...distinct.values()]
      .toSorted(newestFirst)
      .slice(0, limit)
      .map(({ seq: _, ...held }) => held)
  }

  countOfJob(job: string): readonly { readonly state: HeldState; readonly count: number }[] {
    const counts = new Map<HeldState, number>()
    for (const { state, n } of this.#read.all(countedRow, heldReadStatements.ofJob, job))
      counts.set(state, (counts.get(state) ?? 0) + n)
    return heldStates.flatMap((state) => {
      const count = counts.get(state)
      return count === undefined ? [] : [{ state, count }]
    })
  }

  /** Where the newest of the list stand, read from the index alone where it can be: the newest of all are among the newest of each part. */
  #places(filter: HeldFilter, strata: readonly Stratum[], { limit, behind }: Request): readonly Placed[] {
    const { fingerprint = null, type = null, tenant = null, job = null } = filter
    const narrow = [tenant, tenant, type, type] as const
    const states = JSON.stringify([...new Set(strata.map(({ state }) => state))])
    const sources = JSON.stringify([...new Set(strata.map(({ source }) => source))])
    const parts =
      job !== null
        ? [[listings.job, job, states, ...narrow, fingerprint, fingerprint, sources] as const]
        : fingerprint !== null
          ? [1, 0].map((lies) => [listings.fingerprint, fingerprint, lies, ...narrow, states, sources] as const)
          : strata.map(({ source, state }) => [listings.source, source, state, ...narrow] as const)
    return parts
      .flatMap(([sql, ...values]) => this.#read.all(placed, sql, ...values, ...behind, limit))
      .sort((a, b) => b.atMs - a.atMs || b.seq - a.seq)
      .slice(0, limit)
  }

  #listed(places: readonly Placed[]): readonly ListedRow[] {
    return this.#read.all(listedRow, heldReadStatements.listed, JSON.stringify(places.map(({ seq }) => seq)))
  }

  #withIds(ids: readonly string[], filter: HeldFilter, strata: readonly Stratum[]): readonly ListedRow[] {
    const { fingerprint = null, type = null, tenant = null, job = null } = filter
    const narrow = [tenant, type, fingerprint, job].flatMap((value) => [value, value])
    const sources = JSON.stringify([...new Set(strata.map(({ source }) => source))])
    const rows = this.#read.all(listedRow, heldReadStatements.withIds, JSON.stringify(ids), ...narrow, sources)
    return rows.filter(({ state }) => filter.states?.includes(state) ?? true)
  }
}

const BEFORE_ALL: Place = [Number.MAX_SAFE_INTEGER, 0]
type Request = { readonly limit: number; readonly behind: Place }
type Listed = { readonly heldAtMs: number; readonly seq: number }
const newestFirst = (a: Listed, b: Listed) => b.heldAtMs - a.heldAtMs || b.seq - a.seq
const isBehind = (a: Place, b: Place) => (a[0] - b[0] || a[1] - b[1]) < 0

const placed = z.object({ atMs: z.number(), seq: z.number() })
type Placed = z.infer<typeof placed>
const listedRow = heldRow.extend({ seq: z.number(), state: heldState })
type ListedRow = z.infer<typeof listedRow>
const placeRow = z.object({ place: z.string(), count: z.number() })
