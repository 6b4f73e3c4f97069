import type { PendingRow } from './store.ts'

/** Rows of the outbox read at once. One may have 1 MiB, and 500 of them would fill the heap of a small process. */
export const PENDING_BYTES_MAX = 16 * 1_048_576
/**
 * What is removed in one transaction: some 10 ms of work, so that deliveries hardly wait for it. A row takes 1 to 2 µs to remove, and
 * each KiB of a long text 1 µs, because its pages have to be read to be given back.
 */
export const REMOVED_ROWS_OR_KIB_MAX = 5_000

/** The first of these rows: `limit` at most, and 16 MiB unless the first alone is larger. */
export const pendingSlice = (rows: Iterable<PendingRow>, limit: number): readonly PendingRow[] =>
  slice(rows, limit, {
    weightMax: PENDING_BYTES_MAX,
    weightOf: ({ body, properties }) => Buffer.byteLength(body) + Buffer.byteLength(properties),
  })

/**
 * The first of these to be removed: `limit` at most, and 5,000 rows or KiB together unless the first alone has more. That one goes in one
 * piece: the largest group has some 10,000 lines of history, 15 ms, and half a history would mislead whoever reads it.
 */
export const removedSlice = <T extends { readonly rows: number; readonly bytes: number }>(
  removable: Iterable<T>,
  limit: number,
): readonly T[] =>
  slice(removable, limit, {
    weightMax: REMOVED_ROWS_OR_KIB_MAX,
    weightOf: ({ rows, bytes }) => rows + bytes / 1_024,
  })

/** Asks for one more than it takes, and for none behind that. */
function slice<T>(
  all: Iterable<T>,
  limit: number,
  { weightMax, weightOf }: { readonly weightMax: number; readonly weightOf: (one: T) => number },
): readonly T[] {
  const taken: T[] = []
  let weight = 0
  for (const one of all) {
    weight += weightOf(one)
    if (taken.length >= limit || (taken.length > 0 && weight > weightMax)) break
    taken.push(one)
  }
  return taken
}
