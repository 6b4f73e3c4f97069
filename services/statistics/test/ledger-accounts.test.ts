import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Body } from '../../../shared/events.ts'
import { filterLedger } from '../../../shared/ledger-view.ts'
import { SqliteStore } from '../../../shared/store/sqlite-store.ts'
import { NAMES_MAX } from '../ledger/accounts.ts'
import { saveFindings } from '../ledger/findings.ts'
import { readLedger } from '../ledger/view.ts'
import { pruneRows, ROWS_KEEP_MS, UNFINISHED_KEEP_MS } from '../retention.ts'
import { migrations } from '../schema.ts'
import { type RecordedEvent, record } from '../store.ts'
import { completed, finished, flow, objectCreated, START_MS, started, taskCreated, told } from './history.ts'
import {
  carrierOf,
  deadOf,
  discardedBy,
  flowDone,
  flowRequested,
  groupDone,
  groupOf,
  parkedBy,
} from './ledger-history.ts'
import { carriesTask, created, stories, T } from './ledger-stories.ts'
import { count, open, rowsOf, scratchPath } from './scratch.ts'

const eventsOf = (bodies: readonly Body[]): RecordedEvent[] => bodies.map((body, i) => told(body, i * 1_000))

const ACCOUNTS = `select kind, state, queue, by_whom as "by", count from ledger_accounts where count <> 0 and state <> 'accepted'
  order by kind, state, queue, by_whom`
const standing = (store: SqliteStore) =>
  rowsOf(store, ACCOUNTS).map(({ kind, state, queue, by }) => `${kind} ${state} ${queue} ${by}`.trim())
const UNSOUND = `select * from ledger where accepted <> done + failed + in_flight + waiting + parked + dead + discarded`

describe('accounts', () => {
  test.each(stories)('%s', async (_, bodies, expected) => {
    const { store } = await open()
    await count(store, eventsOf(bodies))

    expect(standing(store)).toEqual(expected === '' ? [] : [expected])
    expect(rowsOf(store, UNSOUND)).toEqual([])
  })

  test('come out the same in any order, any copies and any batches, also of what happened in one millisecond', async () => {
    const { store } = await open()
    // One commit for all batches: it is the order that is tried, and not the disk.
    const standingAfter = async (batches: readonly (readonly RecordedEvent[])[]) => {
      await store.write((tx) => {
        for (const table of tables) tx.run(`delete from ${table}`)
        for (const batch of batches) record(tx, batch, START_MS)
      })
      expect(rowsOf(store, UNSOUND)).toEqual([])
      return standing(store)
    }
    const shuffled = fc
      .record({ story: fc.constantFrom(...stories), gapMs: fc.constantFrom(0, 1, 1_000) })
      .chain(({ story: [, bodies], gapMs }) => {
        const events = bodies.map((body, i) => told(body, i * gapMs))
        const more = fc.array(fc.constantFrom(...events), { maxLength: 4 })
        const all = more.chain((copies) => {
          const both = [...events, ...copies]
          return fc.shuffledSubarray(both, { minLength: both.length })
        })
        return fc.record({ events: fc.constant(events), all, size: fc.integer({ min: 1, max: 6 }) })
      })
    await fc.assert(
      fc.asyncProperty(shuffled, async ({ events, all, size }) => {
        const batches = Array.from({ length: Math.ceil(all.length / size) }, (_, i) =>
          all.slice(i * size, (i + 1) * size),
        )
        expect(await standingAfter(batches)).toEqual(await standingAfter([events]))
      }),
      { numRuns: 100 },
    )
  })

  test('name at most a hundred tenants, the rest together', async () => {
    const { store } = await open()
    const of = (n: number) => ({ ...told(flowRequested(`f${n}`)), tenant: `t${n}` })
    await count(
      store,
      Array.from({ length: NAMES_MAX + 3 }, (_, n) => of(n)),
    )
    await count(store, [{ ...told(flowDone(`f${NAMES_MAX + 1}`)), tenant: null }])

    expect(rowsOf(store, 'select count(*) as n from ledger')).toEqual([{ n: NAMES_MAX + 1 }])
    expect(rowsOf(store, `select accepted, done, in_flight from ledger where tenant = '(other)'`)).toEqual([
      { accepted: 3, done: 1, in_flight: 2 },
    ])
    expect(rowsOf(store, UNSOUND)).toEqual([])
  })

  test('keep what was pruned; what nobody has said a word of for a month counts as discarded, and what is held stays', async () => {
    const { store } = await open()
    const lost = [told(objectCreated('lost')), told(taskCreated('lost', 1, 1)), told(groupOf('g'))]
    const held = [told(taskCreated('dead', 1, 1)), told(deadOf(carrierOf('task', 'dead-1')))]
    await count(store, [...flow('a', 2), ...lost, ...held, told(groupOf('h')), told(groupDone('h'))])

    // The hub does not know one of these; the other it vouches for.
    await count(store, [told(groupOf('long'))])
    const missing = { kind: 'group', id: 'g', tenant: 'acme', place: 'hub' } as const
    await store.write((tx) =>
      saveFindings(tx, { missing: [missing], unobserved: [] }, { service: 's', nowMs: START_MS }),
    )

    await pruneRows(store, START_MS + ROWS_KEEP_MS + 1)
    await pruneRows(store, START_MS + UNFINISHED_KEEP_MS + 1)

    expect(standing(store)).toEqual([
      ...['group discarded hub_consume (expired)', 'group done', 'group inFlight hub_consume'],
      'object discarded distributor_consume (expired)',
      ...['object done', 'task dead process_consume', 'task discarded process_consume (expired)', 'task done'],
    ])
    expect(rowsOf(store, UNSOUND)).toEqual([])
    expect(rowsOf(store, 'select id from tasks')).toEqual([{ id: 'dead-1' }])
  })

  test('begin with the ledger: what was there before it is outside', async () => {
    const path = scratchPath()
    const old = await SqliteStore.open({ path, migrations: migrations.slice(0, 3) })
    await old.write((tx) => {
      const insert = `insert into task_rows(id, object_id, tenant, created_at, attempts, changed_at) values ('o-1', 'o', 'acme', ?, 0, ?)`
      tx.run(insert, START_MS, START_MS)
      tx.run(
        `insert into object_rows(id, tenant, created_at, changed_at) values ('o', 'acme', ?, ?)`,
        START_MS,
        START_MS,
      )
    })
    await old.close()

    const { store } = await open(path)
    await count(store, [
      told(created),
      told(started(T)),
      told(finished(T)),
      told(objectCreated('o')),
      told(completed('o')),
    ])
    await count(store, [told(flowRequested('f'))])

    expect(standing(store)).toEqual(['flow inFlight hub_consume'])
    expect(rowsOf(store, 'select id from tasks where finished_at is not null')).toEqual([{ id: 'o-1' }])
  })

  test('are shown with all kinds, by kind and tenant, with what is parked by rule and discarded by actor', async () => {
    const { store } = await open()
    await count(store, [...flow('a', 2), told(created), told(parkedBy('r1', carriesTask))])
    await count(store, [told(flowRequested('f')), told(discardedBy('ann', carrierOf('flow', 'f')), 5)])

    const at = { settleMs: 30_000, everyMs: 5_000, nowMs: START_MS }
    expect(readLedger(store.read, at)).toMatchObject({ balanced: false, overdue: true, imbalance: 0 })
    await store.write((tx) => saveFindings(tx, { missing: [], unobserved: [] }, { service: 's', nowMs: START_MS }))

    const ledger = readLedger(store.read, at)

    expect(ledger).toMatchObject({ balanced: true, imbalance: 0, imbalances: [], unobserved: [], settleMs: 30_000 })
    expect(ledger.totals).toEqual([
      { kind: 'object', ...zero, accepted: 1, done: 1 },
      { kind: 'task', ...zero, accepted: 3, done: 2, parked: 1 },
      { kind: 'group', ...zero },
      { kind: 'flow', ...zero, accepted: 1, discarded: 1 },
      { kind: 'journey', ...zero },
    ])
    expect(ledger.parked).toEqual([{ kind: 'task', tenant: 'acme', queue: 'process_consume', rule: 'r1', count: 1 }])
    expect(ledger.discarded).toEqual([{ kind: 'flow', tenant: 'acme', queue: 'hub_consume', by: 'ann', count: 1 }])
    expect(filterLedger(ledger, { kind: 'task', tenant: 'acme' }).accounts).toMatchObject([
      { kind: 'task', accepted: 3 },
    ])
    expect(readLedger(store.read, { ...at, nowMs: START_MS + 60_000 })).toMatchObject({ balanced: true })
    expect(readLedger(store.read, { ...at, nowMs: START_MS + 60_001 })).toMatchObject({
      ...{ balanced: false, overdue: true, comparedAt: new Date(START_MS).toISOString() },
      unobserved: [{ place: 'ledger', why: expect.stringContaining('nothing was compared since') }],
    })
  })
})

const tables = ['task_rows', 'object_rows', 'entry_rows', 'ledger_accounts', 'ledger_names']

const zero = {
  ...{ accepted: 0, done: 0, failed: 0, inFlight: 0, waiting: 0, parked: 0, dead: 0, discarded: 0, imbalance: 0 },
}
