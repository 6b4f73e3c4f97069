import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Held, HeldContent } from '../held-messages.ts'
import type { HubStore } from '../hub-store.ts'
import { MemoryHubStore } from '../memory-hub-store.ts'
import { SqliteHubStore } from '../sqlite-hub-store.ts'
import { failoverStores } from './failover-fixture.ts'
import { scratch } from './scratch.ts'

/** Each adapter, opened for the running test and closed when it ends. */
export const hubStores: [string, () => Promise<HubStore>][] = [
  ['sqlite', () => openSqliteHub()],
  ['memory', async () => closedAtEnd(new MemoryHubStore())],
  ...failoverStores,
]

export async function openSqliteHub(path = join(scratch(), 'hub.db')): Promise<SqliteHubStore> {
  return closedAtEnd(await SqliteHubStore.open({ path }))
}

function closedAtEnd<S extends HubStore>(store: S): S {
  onTestFinished(() => store.close())
  return store
}

/** A dead letter that lies in its queue, with what is said about it. */
export const dead = (id: string, said: Partial<Held> = {}): Held => ({
  id,
  place: 'work.dead',
  queue: 'work',
  messageId: `message of ${id}`,
  type: 'TASK_CREATED',
  key: 'task-requests',
  tenant: 'acme',
  correlationId: 'thread',
  reason: 'exhausted',
  error: 'Error: no',
  rule: null,
  attempts: 3,
  fingerprint: 'bug',
  firstFailedAtMs: 500,
  heldAtMs: 1_000,
  state: 'held',
  job: null,
  changedAtMs: 1_000,
  ...said,
})

/** A message that a rule has set aside. */
export const parked = (id: string, said: Partial<Held> = {}): Held =>
  dead(id, {
    place: 'ebs.sideline.r.work',
    rule: 'r#1',
    reason: 'sideline',
    error: null,
    attempts: null,
    fingerprint: null,
    firstFailedAtMs: null,
    ...said,
  })

export const content = (id: string, body = 'body', edited: string | null = null): HeldContent => ({
  id,
  body,
  properties: '{}',
  edited,
})

/** Where a row has got to, in each of the states. */
export const broughtTo: Record<Held['state'], (store: HubStore, id: string) => Promise<unknown>> = {
  held: async () => undefined,
  chosen: (store, id) => store.write((tx) => tx.held.choose('j', [id], 2_000)),
  released: (store, id) => store.write((tx) => tx.held.moved('j', [id], 'released', 2_000)),
  handled: async (store, id) => settled(store, id, 'handled'),
  dead: async (store, id) => settled(store, id, 'dead'),
  parked: async (store, id) => settled(store, id, 'parked'),
  discarded: (store, id) => store.write((tx) => tx.held.moved('j', [id], 'discarded', 2_000)),
  archived: (store, id) => store.write((tx) => tx.held.moved('j', [id], 'archived', 2_000)),
  gone: async (store, id) => {
    const place = (await store.held.findHeld(id))?.place ?? ''
    await store.write((tx) => tx.held.markGone(place, 2_000))
  },
}

async function settled(store: HubStore, id: string, outcome: 'handled' | 'dead' | 'parked'): Promise<void> {
  await broughtTo.released(store, id)
  await store.write((tx) => tx.held.settle(id, outcome, 2_000))
}

export const add = (store: HubStore, ...rows: readonly Held[]) => store.write((tx) => tx.held.addHeld(rows))
