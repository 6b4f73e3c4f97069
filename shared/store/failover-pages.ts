import { z } from 'zod'
import { InvalidCursorError, type Page, type PageRequest } from './conversations.ts'

/** A list of one store. `isShown` says of an item whether it is to be told at all. */
export type Part<T> = {
  page(request: PageRequest): Promise<Page<T>>
  isShown(item: T): Promise<boolean>
}

/** Where each list goes on: its own cursor, undefined from its beginning, null when it is over. */
const places = z.array(z.string().nullish())

/** One page of several lists that are sorted alike. It may be short, also when it is not the last one. Throws InvalidCursorError. */
export async function mergedPage<T>(
  parts: readonly Part<T>[],
  { limit, cursor }: PageRequest,
  compare: (a: T, b: T) => number,
): Promise<Page<T>> {
  const from = cursor === undefined ? parts.map(() => undefined) : parsePlaces(cursor, parts.length)
  const pages: Page<T>[] = []
  for (const [i, part] of parts.entries())
    pages.push(from[i] === null ? NOTHING : await part.page(requestOf(limit, from[i])))
  const merged = pages
    .flatMap(({ items }, i) => items.map((item) => ({ item, i })))
    .toSorted((a, b) => compare(a.item, b.item))
    .slice(0, limit)
  const items: T[] = []
  for (const { item, i } of merged) if (await parts[i]?.isShown(item)) items.push(item)
  const next: (string | null | undefined)[] = []
  for (const [i, part] of parts.entries()) {
    const taken = merged.filter((one) => one.i === i).length
    if (taken === pages[i]?.items.length) next.push(pages[i]?.next ?? null)
    else next.push(taken === 0 ? from[i] : (await part.page(requestOf(taken, from[i]))).next)
  }
  return { items, next: next.every((place) => place === null) ? undefined : encode(next) }
}

const NOTHING = { items: [], next: undefined }
const requestOf = (limit: number, cursor: string | null | undefined): PageRequest => ({
  limit,
  cursor: cursor ?? undefined,
})

// JSON has no undefined: a list that has not begun is an empty text.
const encode = (all: readonly (string | null | undefined)[]) =>
  Buffer.from(JSON.stringify(all.map((place) => (place === undefined ? '' : place)))).toString('base64url')

function parsePlaces(cursor: string, count: number): readonly (string | null | undefined)[] {
  try {
    const parsed = places.length(count).parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()))
    return parsed.map((place) => (place === '' ? undefined : place))
  } catch (cause) {
    throw new InvalidCursorError(
      'The cursor is none of this list as it is now: conversations have begun or ended to move between the stores. Begin again without one.',
      { cause },
    )
  }
}
