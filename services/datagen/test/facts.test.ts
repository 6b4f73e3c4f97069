import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { SqliteStore } from '../../../shared/store/sqlite-store.ts'
import { factsOf, tellFacts } from '../facts.ts'
import { makeOnce } from '../making.ts'
import { migrations } from '../store.ts'

const START_MS = Date.UTC(2026, 0, 1)

async function made(count: number) {
  const folder = mkdtempSync(join(tmpdir(), 'ebs-datagen-'))
  const store = await SqliteStore.open({ path: join(folder, 'datagen.db'), migrations })
  onTestFinished(async () => {
    await store.close()
    rmSync(folder, { recursive: true })
  })
  const ids: string[] = []
  for (let i = 0; i < count; i++) {
    const order = { wish: { tenant: 'acme' }, count: undefined, traceparent: undefined }
    const { location } = await store.write((tx) =>
      makeOnce(tx, undefined, { order, outboxRowsMax: 100, nowMs: START_MS + i }),
    )
    ids.push(location)
  }
  return { store, ids }
}

test('of an object it tells when it was accepted, and how many announcements are before its own', async () => {
  const { store, ids } = await made(3)
  const id = ids[2] ?? ''

  expect(factsOf(store, id)).toEqual({
    object: { id, tenant: 'acme', state: 'accepted', acceptedAt: '2026-01-01T00:00:00.002Z' },
    outbox: { ahead: 2 },
  })
})

test('what is announced is in no outbox', async () => {
  const { store, ids } = await made(2)
  const [first = '', second = ''] = ids
  await store.removePublished(store.readPending(0, 1).map(({ seq }) => seq))

  expect(factsOf(store, first)).not.toHaveProperty('outbox')
  expect(factsOf(store, second)).toMatchObject({ outbox: { ahead: 0 } })
})

test('of what it has not made it tells nothing, and says who it is', async () => {
  const { store } = await made(0)

  expect(tellFacts(store, { type: 'FACTS_ASKED', id: 'x' })).toEqual({
    ...{ type: 'FACTS_TOLD', id: 'x', service: 'datagen', facts: {} },
  })
})
