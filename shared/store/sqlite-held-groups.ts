import { z } from 'zod'
import type { Page, PageRequest } from './conversations.ts'
import { maskedErrorOf } from './fingerprint.ts'
import type { HeldGroup, HeldGroupFilter } from './held-messages.ts'
import { pageOf, parseNamedCursor } from './page-cursor.ts'
import { strataOf } from './sqlite-held-rows.ts'
import type { SqliteReader } from './sqlite-store.ts'

/** One row for each bug, source, type and tenant: thousands, where there may be a million messages. */
const GROUPS = `select fingerprint, sum(n) as count from held_groups
  where n > 0 and source in (select value from json_each(?)) and (? is null or fingerprint = ?)
    and (? is null or type = ?) and (? is null or tenant = ?)
  group by fingerprint having sum(n) < ? or (sum(n) = ? and fingerprint > ?)
  order by count desc, fingerprint limit ?`

const endIn = (order: 'asc' | 'desc') => `select r.held_at as atMs, r.seq, r.id, s.queue, r.type, r.reason, r.error
  from held_rows r indexed by held_of_fingerprint cross join held_sources s on s.seq = r.source
  where r.fingerprint = ? and r.lies = 1 and (? is null or r.tenant = ?) and (? is null or r.type = ?)
    and r.source in (select value from json_each(?))
  order by r.held_at ${order}, r.seq ${order} limit 1`

/** The oldest and the newest of a group. */
export const groupStatements = { oldest: endIn('asc'), newest: endIn('desc') } as const

/** Groups of what lies in its place, largest first. Throws InvalidCursorError. */
export function listGroups(
  read: SqliteReader,
  filter: HeldGroupFilter,
  { limit, cursor }: PageRequest,
): Page<HeldGroup> {
  const { fingerprint = null, type = null, tenant = null } = filter
  const [count, name] = cursor === undefined ? BEFORE_ALL : parseNamedCursor(cursor)
  const sources = JSON.stringify([...new Set(strataOf(read, filter).map(({ source }) => source))])
  const which = [sources, fingerprint, fingerprint, type, type, tenant, tenant] as const
  const groups = read.all(groupRow, GROUPS, ...which, count, count, name, limit + 1)
  const endOf = (group: string, sql: string) => read.get(endRow, sql, group, tenant, tenant, type, type, sources)
  const { items, next } = pageOf(groups, limit, {
    place: (group) => [group.count, group.fingerprint],
    item: (group) =>
      withEnds(
        group,
        endOf(group.fingerprint, groupStatements.oldest),
        endOf(group.fingerprint, groupStatements.newest),
      ),
  })
  return { items: items.flatMap((group) => group ?? []), next }
}

/** Undefined when another process has moved them all since they were counted. */
function withEnds(
  group: z.infer<typeof groupRow>,
  first: End | undefined,
  last: End | undefined,
): HeldGroup | undefined {
  if (!first || !last) return undefined
  const { queue, type, reason, id } = last
  const ends = { firstAtMs: first.atMs, lastAtMs: last.atMs, example: id }
  return { ...group, queue, type, reason, error: maskedErrorOf(last), ...ends }
}

const BEFORE_ALL = [Number.MAX_SAFE_INTEGER, ''] as const

const groupRow = z.object({ fingerprint: z.string(), count: z.number() })
const endRow = z.object({
  atMs: z.number(),
  seq: z.number(),
  id: z.string(),
  queue: z.string().nullable(),
  type: z.string().nullable(),
  reason: z.string(),
  error: z.string().nullable(),
})
type End = z.infer<typeof endRow>
