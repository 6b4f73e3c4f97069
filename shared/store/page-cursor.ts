import { z } from 'zod'
import { InvalidCursorError, type Page } from './conversations.ts'

/** Where a row stands in a list: what it is sorted by, and what tells those apart that sort alike. Both stay what they are. */
export type Place = readonly [number, number]

/** Where those that sort alike are told apart by a text. */
export type NamedPlace = readonly [number, string]

const place = z.tuple([z.number(), z.number()])
const namedPlace = z.tuple([z.number(), z.string()])

/** The page out of `limit` + 1 rows: the one too many says only that there is more. */
export function pageOf<Row, T>(
  rows: readonly Row[],
  limit: number,
  { place, item }: { readonly place: (row: Row) => Place | NamedPlace; readonly item: (row: Row) => T },
): Page<T> {
  const last = rows.length > limit ? rows[limit - 1] : undefined
  return { items: rows.slice(0, limit).map(item), next: last && encode(place(last)) }
}

/** The place behind which a page begins. Throws InvalidCursorError. */
export const parseCursor = (cursor: string): Place => parse(place, cursor)

/** The same, in a list of what is told apart by text. Throws InvalidCursorError. */
export const parseNamedCursor = (cursor: string): NamedPlace => parse(namedPlace, cursor)

function parse<P>(schema: z.ZodType<P>, cursor: string): P {
  try {
    return schema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()))
  } catch (cause) {
    const text = `'${cursor.slice(0, 100)}' is not a cursor of this list: begin again without one, and pass on what 'next' gives.`
    throw new InvalidCursorError(text, { cause })
  }
}

const encode = (at: Place | NamedPlace) => Buffer.from(JSON.stringify(at)).toString('base64url')
