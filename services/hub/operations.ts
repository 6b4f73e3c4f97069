import { z } from 'zod'
import type { AnyKind } from '../../shared/flow/any-kind.ts'
import type { Kernel } from '../../shared/flow/kernel.ts'
import { HttpProblem } from '../../shared/service/errors.ts'
import { type ConversationStore, InvalidCursorError, type Page } from '../../shared/store/conversations.ts'

/** What the operations API works on. */
export type Operations = {
  readonly store: ConversationStore
  readonly kernel: Kernel
  readonly kinds: readonly AnyKind[]
  readonly now: () => number
}

const PAGE_MAX = 1_000
const CURSOR_CHARS_MAX = 1_024

/** Query of every list. */
export const paging = {
  limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(100),
  cursor: z.string().min(1).max(CURSOR_CHARS_MAX).optional(),
}

/** The answer of a list. Throws HttpProblem 400 for a cursor that is none of its own. */
export async function pageOf<Row, Item>(list: () => Page<Row> | Promise<Page<Row>>, toItem: (row: Row) => Item) {
  try {
    const { items, next } = await list()
    return { items: items.map(toItem), ...(next !== undefined && { next }) }
  } catch (error) {
    if (error instanceof InvalidCursorError) throw new HttpProblem(400, { detail: error.message, cause: error })
    throw error
  }
}

/** Body of every act: it stands in the history. */
export const acting = {
  actor: z.string().trim().min(1).max(128),
  reason: z.string().trim().min(1).max(1_024),
}

/** A time as the API shows it. */
export const isoOf = (ms: number) => new Date(ms).toISOString()
export const isoOrNull = (ms: number | null) => (ms === null ? null : isoOf(ms))
