import { z } from 'zod'
import type { Body, Json } from '../../shared/events.ts'
import type { SqliteStore } from '../../shared/store/sqlite-store.ts'
import { type Found, findObject } from './store.ts'

/** An announcement that the broker has not confirmed, with how many are before it: of those that wait longest. */
const FIND_PENDING = `select ahead from (
    select row_number() over (order by seq) - 1 as ahead, properties from outbox order by seq limit ?
  ) where instr(properties, ?) > 0 limit 1`
/** Looking through so many takes some milliseconds. More wait only when the broker is away, and then nobody can ask. */
const PENDING_MAX = 1_000

const pendingRow = z.object({ ahead: z.int() })
const missingIds = z
  .string()
  .transform((json) => JSON.parse(json))
  .pipe(z.array(z.string()))

/** Answers whoever asks over the bus what is stored about an id. */
export const tellFacts = (store: Pick<SqliteStore, 'read' | 'countPending'>, { id }: Body<'FACTS_ASKED'>): Body => ({
  type: 'FACTS_TOLD',
  id,
  service: 'datagen',
  facts: factsOf(store, id),
})

/** What is stored about an object: when it was accepted, whether it is announced, and how it ended. Empty when there is none. */
export function factsOf(store: Pick<SqliteStore, 'read' | 'countPending'>, id: string): Record<string, Json> {
  const { read } = store
  const found = findObject(read, id)
  if (!found) return {}
  // The conversation of an announcement is called after its object.
  const pending =
    store.countPending() > 0 ? read.get(pendingRow, FIND_PENDING, PENDING_MAX, JSON.stringify(id)) : undefined
  return { object: toObject(found), ...(pending && { outbox: { ahead: pending.ahead } }) }
}

const toObject = ({ id, tenant, state, createdAt, endedAt, error, missing }: Found): Json => ({
  ...{ id, tenant, state, acceptedAt: createdAt },
  ...(endedAt !== null && { endedAt }),
  ...(error !== null && { error }),
  ...(missing !== null && { missing: missingIds.parse(missing) }),
})
