import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { messagingTables } from '../migrations.ts'
import { SqliteStore } from '../sqlite-store.ts'
import { StoreUnavailableError } from '../store.ts'
import { writingOf } from '../write-trial.ts'
import { pair } from './failover-fixture.ts'
import { scratch } from './scratch.ts'

const notes = { name: 'notes', sql: 'create table notes(id integer primary key, text text not null unique)' }
const NOTE = 'insert into notes(text) values (?)'

async function open() {
  const store = await SqliteStore.open({ path: join(scratch(), 'store.db'), migrations: [messagingTables, notes] })
  onTestFinished(() => store.close())
  return store
}

test.each([1, 3])('a full disk is told of, after groups of %i, until something was written', async (n) => {
  const store = await open()
  const clock = { now: () => 1 }
  const limit = (pages: number) => store.write((tx) => void tx.get(z.unknown(), `pragma max_page_count = ${pages}`))
  const fill = (i: number) => store.write((tx) => tx.run(NOTE, `${i}`.repeat(200_000)))
  const { findFailure, tryWrite } = writingOf(store, clock)
  expect(findFailure()).toBeUndefined()

  await limit(20)
  await Promise.allSettled(Array.from({ length: n }, (_, i) => fill(i)))
  expect(findFailure()?.message).toContain('SQLITE_FULL')
  // Takes nothing of the disk, so it says nothing about it; nor does a mistake of the caller.
  await store.write((tx) => tx.get(z.unknown(), 'select 1'))
  await Promise.allSettled([store.write(() => Promise.reject(new Error('a mistake')))])
  await expect(Promise.all([tryWrite(), tryWrite()])).rejects.toThrow(StoreUnavailableError)
  expect(findFailure()).toBeInstanceOf(StoreUnavailableError)

  await limit(10_000)
  expect(findFailure()).toBeInstanceOf(StoreUnavailableError)
  await tryWrite()
  expect(findFailure()).toBeUndefined()
  expect(store.read.all(z.unknown(), 'select * from inbox')).toEqual([])
})

test('a read-only file is told of by the first try', async () => {
  const store = await open()
  const pragma = (value: number) => store.write((tx) => void tx.run(`pragma query_only = ${value}`))
  await pragma(1)
  const { findFailure, tryWrite } = writingOf(store, { now: () => 1 })

  await expect(tryWrite()).rejects.toThrow('SQLITE_READONLY')

  expect(findFailure()?.message).toContain('SQLITE_READONLY')
})

test('of two stores, the one that leads has to take writes', async () => {
  const two = pair()
  const store = await two.open()
  const { findFailure, tryWrite } = writingOf(store, { now: () => 1 })

  two.primary.writes = false
  await tryWrite()
  expect([store.leader, findFailure()]).toEqual(['secondary', undefined])
  two.secondary.reads = false
  await expect(tryWrite()).rejects.toThrow(StoreUnavailableError)
  expect(findFailure()).toBeInstanceOf(StoreUnavailableError)

  two.primary.writes = true
  two.secondary.reads = true
  await store.tend()
  await tryWrite()
  expect(findFailure()).toBeUndefined()
})
