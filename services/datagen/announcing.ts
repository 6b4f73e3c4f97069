import type { SqliteStore } from '../../shared/store/sqlite-store.ts'
import { announce } from './objects.ts'
import { listObjects } from './store.ts'

/** Objects in one transaction. */
const PAGE = 1_000

/**
 * Puts the announcement of each object that has no end into the outbox again, for a store that was restored: nobody may know of them any
 * more. It has the id that it had, so that those who do know are not told twice. Gives their number.
 */
export async function announceOpenObjects(store: SqliteStore, nowMs: number): Promise<number> {
  let announced = 0
  for (let afterSeq = 0; ; ) {
    const page = listObjects(store.read, { afterSeq, state: 'accepted' }, PAGE)
    await store.write((tx) =>
      tx.enqueue(
        page.map(({ id, tenant, name, content, createdAt }) =>
          announce({ id, tenant, name, content, createdAt }, nowMs),
        ),
      ),
    )
    announced += page.length
    afterSeq = page.at(-1)?.seq ?? afterSeq
    if (page.length < PAGE) return announced
  }
}
