import { setImmediate } from 'node:timers/promises'
import type { ConversationFilter, Page, PageRequest } from '../../../shared/store/conversations.ts'
import { JOURNEY, type Operations } from '../operations.ts'
import { type Item, listed } from './remediation-item.ts'

export type ItemFilter = {
  readonly type?: string | undefined
  readonly tenant?: string | undefined
  readonly attention?: NonNullable<Item['attention']> | undefined
  readonly cause?: string | undefined
  /** One of those that it is about. */
  readonly step?: string | undefined
  /** It has needed a person for longer than this. */
  readonly olderThanMs?: number | undefined
}

type Looking = Pick<Operations, 'store' | 'clock'>

/** Rows read at once: each comes with its payload and its outputs. */
const SLICE = 100
/** Rows looked at for one page: it may come back with fewer than were asked for, and a cursor to go on. */
const LOOKED_AT_MAX = 5_000
/** A read counts as no fewer: a page that lacks one item is not looked for in thousands of reads. */
const LOOKED_AT_MIN = 20

/** Journeys that need a person and match, those that began last first. Throws InvalidCursorError. */
export async function searchItems(
  { store, clock }: Looking,
  filter: ItemFilter,
  page: PageRequest,
): Promise<Page<Item>> {
  const nowMs = clock.now()
  const stored = storedFilter(filter, nowMs)
  const items: Item[] = []
  let { cursor } = page
  for (let looked = 0; looked < LOOKED_AT_MAX; ) {
    // Never more than there is room for: the page ends where a slice ends, so that its cursor is that of the last row.
    const limit = Math.min(SLICE, page.limit - items.length, LOOKED_AT_MAX - looked)
    const slice = await store.reader.listConversations(stored, { limit, cursor })
    items.push(...slice.items.map((row) => listed(row, nowMs)).filter((item) => matches(item, filter)))
    cursor = slice.next
    looked += Math.max(limit, LOOKED_AT_MIN)
    if (cursor === undefined || items.length === page.limit) break
    // Reading may be synchronous, and deliveries must not wait for all of it.
    await setImmediate()
  }
  return { items, next: cursor }
}

/** Whether a journey is what a filter asks for. */
export const matches = (item: Item, { type, tenant, attention, cause, step, olderThanMs = 0 }: ItemFilter): boolean =>
  (type === undefined || item.type === type) &&
  (tenant === undefined || item.tenant === tenant) &&
  (attention === undefined || item.attention === attention) &&
  (cause === undefined || item.cause === cause) &&
  (step === undefined || item.steps.includes(step)) &&
  (olderThanMs === 0 || (item.ageMs ?? 0) > olderThanMs)

/** What the store can tell by itself. No journey needs a person before it has begun. */
const storedFilter = ({ type, tenant, attention, olderThanMs = 0 }: ItemFilter, nowMs: number): ConversationFilter => ({
  ...{ kind: JOURNEY, label: type, tenant, attention: attention ?? true },
  ...(olderThanMs > 0 && { createdBeforeMs: nowMs - olderThanMs }),
})
