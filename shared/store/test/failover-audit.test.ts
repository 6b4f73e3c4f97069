import Database from 'better-sqlite3'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import type { AuditEntry } from '../audit.ts'
import { auditStatements } from '../sqlite-audit.ts'
import { SqliteHubStore } from '../sqlite-hub-store.ts'
import { StoreUnavailableError } from '../store.ts'
import { pair } from './failover-fixture.ts'
import { scratch } from './scratch.ts'

const entry = (atMs: number): AuditEntry => ({
  ...{
    id: `e${atMs}`,
    atMs,
    actor: 'ann',
    isProven: true,
    isStranger: false,
    address: '::1',
    act: 'POST /x',
    target: 'x',
    reason: 'test',
  },
  ...{ status: 200, correlationId: 'c' },
})

test('J8: an act while the primary is full is kept in the secondary, and both are listed as one', async () => {
  const two = pair()
  const store = await two.open()
  const ids = async (cursor?: string) => {
    const { items, next } = await store.audit.list({}, { limit: 3, cursor })
    return { ids: items.map(({ id }) => id), next }
  }
  const append = (atMs: number) => store.write((tx) => tx.audit.append(entry(atMs)))
  for (const atMs of [1, 2]) await append(atMs)
  two.primary.writes = false
  for (const atMs of [3, 4]) await append(atMs)
  two.primary.writes = true
  await store.tend()
  await append(5)

  const first = await ids()
  expect([store.leader, first.ids, (await ids(first.next)).ids]).toEqual(['primary', ['e5', 'e4', 'e3'], ['e2', 'e1']])

  two.primary.reads = false
  await store.tend()
  expect((await ids()).ids).toEqual(['e4', 'e3'])
  two.secondary.reads = false
  await store.tend().catch(() => undefined)
  await expect(ids()).rejects.toThrow(StoreUnavailableError)
})

test.each(Object.entries(auditStatements))('no number of entries slows %s', async (_, sql) => {
  const path = `${scratch()}/hub.db`
  await (await SqliteHubStore.open({ path })).close()
  const db = new Database(path, { readonly: true })
  onTestFinished(() => void db.close())
  const plan = z.array(z.object({ detail: z.string() }))
  const values = Array.from(sql.matchAll(/\?/g), () => null)

  const steps = plan.parse(db.prepare(`explain query plan ${sql}`).all(...values)).map(({ detail }) => detail)

  expect(
    steps.filter((step) => /SCAN(?! audit_rows USING COVERING INDEX audit_(acts|strangers))|TEMP B-TREE/.test(step)),
  ).toEqual([])
})
