import { expect } from 'vitest'
import { z } from 'zod'
import { withOwnCounts } from './support/own-counts.ts'
import { expectAllDone } from './support/settled.ts'
import { testsOfOneSystem } from './support/shared-system.ts'
import type { System } from './support/system.ts'
import { metricNames } from './support/totals.ts'

const REPLICAS = 3
const replicas = <T>(name: T) => Array.from({ length: REPLICAS }, () => name)
const test = testsOfOneSystem({
  services: ['datagen', ...replicas('distributor' as const), ...replicas('processor' as const), 'hub', 'statistics'],
})

const CURRENT_MS = 1_000
const view = z.object({ name: z.string(), columns: z.string() })
const metric = z.object({ metric: z.string() })
const times = z.object({ last: z.string(), updated: z.string() })
const share = z.object({ processor: z.string(), tasks: z.number() })
const made = z.object({ id: z.string(), tenant: z.string() })

const LAST_EVENT = `select max(last_at) as last, (select value from statistics where metric = 'updated_at') as updated
  from events_by_type`

const VIEWS = `select v.name, group_concat(c.name, ', ') as columns from sqlite_master v, pragma_table_info(v.name) c
  where v.type = 'view' group by v.name`

const columnsOf = (views: readonly z.output<typeof view>[]) =>
  Object.fromEntries(views.map(({ name, columns }) => [name, columns]))

async function expectCurrent(system: System) {
  const [row] = await system.rows(times, LAST_EVENT)
  const behindMs = Date.parse(row?.updated ?? '') - Date.parse(row?.last ?? '')
  expect(behindMs).toBeGreaterThanOrEqual(0)
  expect(behindMs).toBeLessThan(CURRENT_MS)
}

test('from curl to statistics: one object, then 300; three replicas of distributor and processor count as one', async ({
  system: shared,
}) => {
  const system = await withOwnCounts(shared)

  const answer = await fetch(`${system.process('datagen').url}/api/objects`, { method: 'POST' })
  expect(answer.status).toBe(201)
  const object = made.parse(await answer.json())
  expect(answer.headers.get('location')).toBe(`/api/objects/${object.id}`)
  await expectAllDone(system, { objects: 1 })
  await expectCurrent(system)

  expect(await system.createObjects(300, undefined, 'many')).toBe(201)
  await expectAllDone(system, { objects: 301 })
  await expectCurrent(system)

  const SHARES = `select processor, count(*) as tasks from tasks where tenant = 'many' and finished_at is not null
    group by processor`
  expect((await system.rows(share, SHARES)).length).toBe(REPLICAS)
})

test('the views of stats.db are as documented', async ({ system: shared }) => {
  const system = await withOwnCounts(shared)
  await system.createObjects(2, undefined, 'viewed')
  await expectAllDone(system, { objects: 2 })

  expect(columnsOf(await system.rows(view, VIEWS))).toEqual({
    statistics: 'metric, value',
    objects: 'id, tenant, created_at, completed_at, failed_at, duration_ms',
    tasks: 'id, object_id, tenant, created_at, started_at, finished_at, failed_at, processor, attempts, duration_ms',
    events_by_type: 'type, key, count, first_at, last_at',
    throughput: expect.stringMatching(/^minute, events, /),
    unheard: 'key, type, count, last',
    ledger: 'kind, tenant, accepted, done, failed, in_flight, waiting, parked, dead, discarded, imbalance',
    ledger_queues:
      'queue, ready, unsettled, replay, parked, dead, in_flight, waiting, entries_parked, entries_dead, at',
    ledger_parked: 'kind, tenant, queue, rule, count',
    ledger_discarded: 'kind, tenant, queue, by, count',
    ledger_imbalances: 'kind, id, place, since',
  })
  const metrics = await system.rows(metric, 'select metric from statistics')
  expect(metrics.map((row) => row.metric)).toEqual([...metricNames, 'updated_at'])
  const rows = z.object({ rows: z.number() })
  const complete = `tenant = 'viewed' and created_at is not null and duration_ms is not null and failed_at is null`
  expect(
    await system.rows(rows, `select count(*) as rows from objects where ${complete} and completed_at is not null`),
  ).toEqual([{ rows: 2 }])
  expect(
    await system.rows(
      rows,
      `select count(*) as rows from tasks where ${complete} and started_at is not null and finished_at is not null and attempts = 1`,
    ),
  ).toEqual([{ rows: 6 }])
})

const hubView = z.object({ kind: z.string(), key: z.string(), status: z.string(), version: z.number() })
const lines = z.object({ at: z.iso.datetime(), what: z.string(), detail: z.string().nullable() })
const anything = z.record(z.string(), z.unknown())

test('the views of hub.db are as documented: an object is a group, with its history', async ({ system: shared }) => {
  const system = await withOwnCounts(shared)
  const ignored = () => system.hubRows(anything, 'select * from ignored')
  const ignoredBefore = await ignored()
  const { id } = made.parse((await system.ask('datagen', '/api/objects', { method: 'POST' })).json)
  await expectAllDone(system, { objects: 1 })

  expect(columnsOf(await system.hubRows(view, VIEWS))).toEqual({
    conversations: 'kind, key, status, version, tenant, created_at, changed_at, ended_at',
    history: 'kind, key, at, what, detail',
    timers: 'kind, key, name, due_at',
    ignored: 'kind, why, type, count, last_key, last_at',
    frozen_timers: 'kind, key, name, left_ms, since',
    dead:
      'id, place, queue, type, key, tenant, message_id, correlation_id, reason, error, attempts, fingerprint, first_failed_at, ' +
      'dead_at, state, replay, changed_at',
    sidelined:
      'id, rule, place, queue, type, key, tenant, message_id, correlation_id, reason, error, parked_at, state, replay, changed_at',
    archive: 'id, place, queue, key, archived_at, actor, reason, properties, body',
    audit: 'at, actor, is_proven, address, act, target, reason, status, id, correlation_id',
    held_by_place: 'place, rule, state, count',
    definitions: 'type, version, at, actor, reason, document',
    journeys: 'id, type, status, attention, tenant, created_at, changed_at, ended_at',
  })
  const ended = `select * from conversations where key = '${id}' and tenant is not null and ended_at is not null`
  expect(await system.hubRows(hubView, ended)).toEqual([{ kind: 'group', key: id, status: 'success', version: 4 }])
  const history = await system.hubRows(lines, `select at, what, detail from history where key = '${id}'`)
  expect(history.map(({ what }) => what)).toEqual(['opened', 'done', 'done', 'done', 'success'])
  expect(
    history
      .slice(1, 4)
      .map(({ detail }) => detail)
      .sort(),
  ).toEqual([1, 2, 3].map((index) => `${id}.${index}`))
  expect(await system.hubRows(anything, `select * from timers where key = '${id}'`)).toEqual([])
  expect(await ignored()).toEqual(ignoredBefore)
})
