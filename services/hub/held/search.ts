import { compileFilter, type Filter } from '../../../shared/bus/filter.ts'
import type { Page, PageRequest } from '../../../shared/store/conversations.ts'
import type { Held } from '../../../shared/store/held-messages.ts'
import type { HubStore } from '../../../shared/store/hub-store.ts'
import type { Content, Selection } from '../held-operations.ts'
import type { Contents } from './contents.ts'

export type SearchOptions = { readonly store: Pick<HubStore, 'held'>; readonly contents: Pick<Contents, 'fetch'> }

/** Rows whose contents are in memory at once. */
const SLICE = 500
/** Rows looked at for one page: it may come back with fewer than were asked for, and a cursor to go on. */
const LOOKED_AT_MAX = 20_000

/** Rows whose content matches, newest first. Throws CelError, and InvalidCursorError. */
export async function searchHeld(options: SearchOptions, which: Selection, page: PageRequest): Promise<Page<Held>> {
  const { held } = options.store
  if (which.where === undefined) return held.listHeld(which.filter, page)
  const where = compileFilter(which.where)
  const items: Held[] = []
  let cursor = page.cursor
  for (let looked = 0; looked < LOOKED_AT_MAX; looked += SLICE) {
    const slice = await held.listHeld(which.filter, { limit: SLICE, cursor })
    items.push(...(await matching(options, where, slice.items)))
    const last = items[page.limit - 1]
    if (last) {
      // The page behind it begins in the middle of this slice: a shorter one ends there.
      const limit = slice.items.indexOf(last) + 1
      const { next } = await held.listHeld(which.filter, { limit, cursor })
      return { items: items.slice(0, page.limit), next }
    }
    cursor = slice.next
    if (cursor === undefined) break
  }
  return { items, next: cursor }
}

/** Those of these rows whose content matches. One whose content cannot be found does not, when the filter looks at it. */
async function matching({ contents }: SearchOptions, where: Filter, rows: readonly Held[]): Promise<readonly Held[]> {
  const needsContent = where.touches.has('event') || where.touches.has('headers')
  const found = needsContent ? await contents.fetch(rows.map(({ id }) => id)) : new Map<string, Content>()
  return rows.filter((row) => {
    const content = found.get(row.id)
    return (content || !needsContent) && where.test(scopeOf(row, content)) === 'match'
  })
}

/** Poison has a body, too, as long as it is JSON. */
const scopeOf = ({ tenant, type, key, queue, place }: Held, content: Content | undefined) => ({
  event: content ? objectOf(content.body) : {},
  tenant: tenant ?? undefined,
  type: type ?? '',
  key: key ?? '',
  queue: queue ?? place,
  headers: content?.properties.headers ?? {},
  bytes: content?.body.length ?? 0,
})

function objectOf(body: Buffer): Readonly<Record<string, unknown>> {
  try {
    const json: unknown = JSON.parse(body.toString())
    return typeof json === 'object' && json !== null && !Array.isArray(json) ? { ...json } : {}
  } catch {
    return {}
  }
}
