import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { copyStore, DamagedCopyError, isStoreInUse, moveStore, readCopy } from '../copies.ts'
import { messagingTables } from '../migrations.ts'
import { SqliteStore } from '../sqlite-store.ts'
import { scratch } from './scratch.ts'

const counted = z.object({ n: z.number(), last: z.number().nullable() })
const row = (n: number) => ({ exchange: 'ebs', key: 'objects', body: `{"n":${n}}`, properties: '{}' })
const migrations = [messagingTables]

async function storeIn(folder: string, rows: number) {
  const path = join(folder, 'some.db')
  const store = await SqliteStore.open({ path, migrations })
  await store.write((tx) => tx.enqueue(Array.from({ length: rows }, (_, n) => row(n))))
  return { path, store }
}

test('a copy made while others write is one moment of the store, in one file', async () => {
  const folder = scratch()
  const { path, store } = await storeIn(folder, 5_000)
  let isWriting = true
  // Two at a time: a copy with an odd number would be in the middle of a transaction.
  const writing = (async () => {
    while (isWriting) await store.write((tx) => tx.enqueue([row(1), row(2)]))
  })()

  const facts = await copyStore(path, join(folder, 'copy.db'))
  isWriting = false
  await writing
  await store.close()

  const found = readCopy(join(folder, 'copy.db'), (read) =>
    read.get(counted, 'select count(*) as n, max(seq) as last from outbox'),
  )
  expect(found?.n).toBeGreaterThanOrEqual(5_000)
  expect((found?.n ?? 1) % 2).toBe(0)
  expect(facts).toEqual({ version: 1, rows: { inbox: 0, outbox: found?.n } })
  expect(readdirSync(folder).filter((name) => name.startsWith('copy.db'))).toEqual(['copy.db'])
  const reopened = await SqliteStore.open({ path: join(folder, 'copy.db'), migrations })
  expect(reopened.countPending()).toBe(found?.n)
  await reopened.close()
})

test('a damaged store is said to be one', async () => {
  const folder = scratch()
  const { path, store } = await storeIn(folder, 2_000)
  await store.close()
  const { open } = await import('node:fs/promises')
  const file = await open(path, 'r+')
  // The middle of a page in the middle of the table.
  await file.write(Buffer.alloc(2_048, 0xff), 0, 2_048, 4_096 * 20)
  await file.close()

  await expect(copyStore(path, join(folder, 'copy.db'))).rejects.toThrow(DamagedCopyError)
})

test('a store is in use as long as somebody has it open, also idle', async () => {
  const folder = scratch()
  const { path, store } = await storeIn(folder, 1)

  expect(isStoreInUse(path)).toBe(true)
  await store.close()
  expect(isStoreInUse(path)).toBe(false)
  writeFileSync(join(folder, 'garbage.db'), 'this is no database, but it has many bytes'.repeat(100))
  expect(isStoreInUse(join(folder, 'garbage.db'))).toBe(false)
})

test('a store is moved with its log', async () => {
  const folder = scratch()
  const { path, store } = await storeIn(folder, 1)
  await store.close()
  writeFileSync(`${path}-wal`, 'log')

  moveStore(path, join(folder, 'aside'))

  expect(readdirSync(join(folder, 'aside'))).toEqual(['some.db', 'some.db-wal'])
  expect(existsSync(path)).toBe(false)
})
