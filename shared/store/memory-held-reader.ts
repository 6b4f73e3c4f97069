import type { Page, PageRequest } from './conversations.ts'
import { maskedErrorOf } from './fingerprint.ts'
import type {
  Held,
  HeldContent,
  HeldFilter,
  HeldGroup,
  HeldGroupFilter,
  HeldReader,
  HeldState,
} from './held-messages.ts'
import { isLying, isUnsettled, type KeptHeld, type MemoryHeldTables } from './memory-held-transaction.ts'
import { type NamedPlace, type Place, pageOf, parseCursor, parseNamedCursor } from './page-cursor.ts'

/** A `HeldReader` that looks through everything. */
export class MemoryHeldReader implements HeldReader {
  readonly #tables: MemoryHeldTables

  constructor(tables: MemoryHeldTables) {
    this.#tables = tables
  }

  findHeld(id: string): Held | undefined {
    return this.#tables.rows.get(id)?.held
  }

  findContent(id: string): HeldContent | undefined {
    return this.#tables.contents.get(id)
  }

  listHeld(filter: HeldFilter, { limit, cursor }: PageRequest): Page<Held> {
    const behind = cursor === undefined ? undefined : parseCursor(cursor)
    const place = ({ held, seq }: KeptHeld): Place => [held.heldAtMs, seq]
    const rows = this.#rows()
      .filter(({ held }) => passes(held, filter))
      .toReversed()
      .filter((row) => !behind || inOrder(place(row), behind) < 0)
    return pageOf(rows, limit, { place, item: ({ held }) => held })
  }

  listGroups(filter: HeldGroupFilter, { limit, cursor }: PageRequest): Page<HeldGroup> {
    const behind = cursor === undefined ? undefined : parseNamedCursor(cursor)
    const place = ({ count, fingerprint }: HeldGroup): NamedPlace => [count, fingerprint]
    const members = new Map<string, Held[]>()
    for (const { held } of this.#rows())
      if (held.fingerprint !== null && isLying(held) && passes(held, filter))
        members.set(held.fingerprint, [...(members.get(held.fingerprint) ?? []), held])
    const groups = [...members]
      .flatMap(([fingerprint, all]) => groupOf(fingerprint, all) ?? [])
      .toSorted((a, b) => b.count - a.count || byText(a.fingerprint, b.fingerprint))
      .filter(
        ({ count, fingerprint }) =>
          !behind || count < behind[0] || (count === behind[0] && byText(fingerprint, behind[1]) > 0),
      )
    return pageOf(groups, limit, { place, item: (group) => group })
  }

  countByPlace(): readonly { readonly place: string; readonly count: number }[] {
    const lying = this.#rows().flatMap(({ held }) => (isLying(held) ? [held.place] : []))
    return [...counted(lying)].map(([place, count]) => ({ place, count })).toSorted((a, b) => byText(a.place, b.place))
  }

  heldOf(correlationId: string, limit: number): readonly Held[] {
    const thread = this.#rows().map(({ held }) => held)
    return thread.filter((held) => held.correlationId === correlationId && isUnsettled(held)).slice(0, limit)
  }

  heldAbout(id: string, limit: number): readonly Held[] {
    const all = this.#rows().toReversed()
    return all
      .map(({ held }) => held)
      .filter((held) => [held.id, held.messageId, held.subject].includes(id))
      .slice(0, limit)
  }

  countOfJob(job: string): readonly { readonly state: HeldState; readonly count: number }[] {
    const states = this.#rows().flatMap(({ held }) => (held.job === job ? [held.state] : []))
    return [...counted(states)].map(([state, count]) => ({ state, count }))
  }

  /** Oldest first. */
  #rows(): readonly KeptHeld[] {
    return [...this.#tables.rows.values()].toSorted((a, b) => a.held.heldAtMs - b.held.heldAtMs || a.seq - b.seq)
  }
}

function passes(held: Held, { ids, placePrefix = '', isParked, states, ...same }: HeldFilter): boolean {
  const { place, queue, fingerprint, type, tenant, job, rule } = same
  const wanted = [place, queue, fingerprint, type, tenant, job, rule]
  const has = [held.place, held.queue, held.fingerprint, held.type, held.tenant, held.job, held.rule]
  return (
    wanted.every((value, i) => value === undefined || value === has[i]) &&
    (ids?.includes(held.id) ?? true) &&
    held.place.startsWith(placePrefix) &&
    (isParked === undefined || isParked === (held.rule !== null)) &&
    (states?.includes(held.state) ?? true)
  )
}

/** Of members from the oldest to the newest. */
function groupOf(fingerprint: string, members: readonly Held[]): HeldGroup | undefined {
  const [first, last] = [members[0], members.at(-1)]
  if (!first || !last) return undefined
  const { queue, type, reason, id } = last
  const ends = { firstAtMs: first.heldAtMs, lastAtMs: last.heldAtMs, example: id }
  return { fingerprint, queue, type, reason, error: maskedErrorOf(last), count: members.length, ...ends }
}

function counted<T>(all: readonly T[]): ReadonlyMap<T, number> {
  const counts = new Map<T, number>()
  for (const one of all) counts.set(one, (counts.get(one) ?? 0) + 1)
  return counts
}

const inOrder = (a: Place, b: Place) => a[0] - b[0] || a[1] - b[1]
const byText = (a: string, b: string) => (a === b ? 0 : a < b ? -1 : 1)
