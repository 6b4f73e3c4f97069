import { setImmediate as turn } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import { explained } from '../sqlite-store.ts'
import { StoreBusyError, StoreUnavailableError } from '../store.ts'
import { change, conversation } from './conversation-fixture.ts'
import { pair } from './failover-fixture.ts'
import { decide, groupId as id, states } from './failover-run.ts'

test.each([
  { code: 'SQLITE_BUSY', isBusy: true },
  { code: 'SQLITE_BUSY_SNAPSHOT', isBusy: true },
  { code: 'SQLITE_LOCKED', isBusy: true },
  { code: 'SQLITE_FULL', isBusy: false },
  { code: 'SQLITE_IOERR_WRITE', isBusy: false },
  { code: 'SQLITE_READONLY', isBusy: false },
  { code: 'SQLITE_CANTOPEN', isBusy: false },
  { code: 'SQLITE_CORRUPT', isBusy: false },
])('$code says that a store is busy: $isBusy; that it takes no writes in any case', ({ code, isBusy }) => {
  const error = explained(new Database.SqliteError('no', code))

  expect([error instanceof StoreUnavailableError, error instanceof StoreBusyError]).toEqual([true, isBusy])
})

test.each([
  ['is written to', async () => undefined],
  [
    'is looked for after a restart',
    async (two: ReturnType<typeof pair>) => (await two.open({ out: 'primary' })).tend(),
  ],
])('J8: a primary that is busy when it %s keeps the lead, and only that write waits', async (_, meanwhile) => {
  const two = pair()
  const store = await two.open()
  await decide(store, 'a', 'first')
  two.primary.busyWrites = Number.POSITIVE_INFINITY
  await meanwhile(two).catch(() => undefined)

  two.primary.busyWrites = 1
  await expect(decide(store, 'a', 'second')).rejects.toThrow(StoreBusyError)
  expect([store.leader, ...(await states(store, 'a'))]).toEqual(['primary', 'first'])

  await decide(store, 'a', 'third')
  expect(store.leader).toBe('primary')
})

test('J8: while another process is in a long transaction, one waits, does other work, and loses nothing of it', async () => {
  const two = pair()
  const [busy, other] = [await two.open(), await two.open()]
  await decide(busy, 'a', 'first')
  const [began, gate] = [barrier(), barrier()]
  const slow = busy.write(async (tx) => {
    await tx.saveConversations([{ ...change(conversation('a', { version: 2, state: 'slow' })), readVersion: 1 }])
    began.open()
    await gate.isOpen
  })
  await began.isOpen

  const waiting = other.write((tx) => tx.findConversations([id('a')]))
  for (let turns = 0; turns < 10; turns++) await turn()
  gate.open()

  await slow
  expect(await waiting).toMatchObject([{ version: 2, state: 'slow' }])
  expect([busy.leader, other.leader]).toEqual(['primary', 'primary'])
})

function barrier() {
  let open = () => undefined
  const isOpen = new Promise<void>((resolve) => {
    open = () => void resolve()
  })
  return { isOpen, open: () => open() }
}
