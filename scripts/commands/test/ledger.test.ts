import { expect, test } from 'vitest'
import type { Ledger } from '../../../shared/ledger-view.ts'
import { fakeApi } from '../../cli/test/fake-api.ts'
import { runEbs } from '../../cli/test/fake-terminal.ts'

const AT = '2026-03-01T12:00:00.000Z'
const zero = { accepted: 0, done: 0, failed: 0, inFlight: 0, waiting: 0, parked: 0, dead: 0, discarded: 0 }
const objects = { ...zero, accepted: 12, done: 10, inFlight: 2 }
const tasks = { accepted: 36, done: 20, failed: 0, inFlight: 3, waiting: 1, parked: 7, dead: 3, discarded: 2 }

const balanced: Ledger = {
  ...{ at: AT, settleMs: 30_000, balanced: true, imbalance: 0 },
  totals: [
    { kind: 'object', ...objects, imbalance: 0 },
    { kind: 'task', ...tasks, imbalance: 0 },
    { kind: 'group', ...zero, imbalance: 0 },
    { kind: 'flow', ...zero, imbalance: 0 },
    { kind: 'journey', ...zero, imbalance: 0 },
  ],
  accounts: [
    { kind: 'object', tenant: 'acme', ...objects },
    { kind: 'task', tenant: 'acme', ...tasks },
  ],
  queues: [
    {
      ...{ queue: 'process_consume', ready: 2, unsettled: 1, replay: 0, parked: 7, dead: 4, at: AT },
      entries: { inFlight: 3, waiting: 1, parked: 7, dead: 3 },
    },
  ],
  parked: [{ kind: 'task', tenant: 'acme', queue: 'process_consume', rule: 'acme-down', count: 7 }],
  discarded: [{ kind: 'task', tenant: 'acme', queue: 'process_consume', by: 'ann@desk', count: 2 }],
  imbalances: [],
  unobserved: [],
}
const missing = Array.from({ length: 12 }, (_, i) => `task-${i}`)
const imbalanced: Ledger = {
  ...balanced,
  ...{ balanced: false, imbalance: 12, since: '2026-03-01T11:55:00.000Z' },
  imbalances: [{ kind: 'task', place: 'process_consume', count: 12, since: '2026-03-01T11:55:00.000Z', ids: missing }],
}
const serving = (...ledgers: readonly Ledger[]) => fakeApi({ 'GET /api/ledger': ledgers.map((json) => ({ json })) })

test('says that it balances, with the equation of each kind, what is parked by which rule and what was discarded by whom', async () => {
  await using api = await serving(balanced)

  const { code, out, err } = await runEbs(['ledger'], { ...api, isTty: true, columns: 80 })

  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out.split('\n')).toEqual([
    'BALANCED: 48 accepted entries, each done, or where it should be.',
    '',
    '             OBJECTS  TASKS  GROUPS  FLOWS  JOURNEYS',
    'accepted          12     36       0      0         0',
    '= done            10     20       0      0         0',
    '+ failed           0      0       0      0         0',
    '+ in flight        2      3       0      0         0',
    '+ waiting          0      1       0      0         0',
    '+ parked           0      7       0      0         0',
    '+ dead             0      3       0      0         0',
    '+ discarded        0      2       0      0         0',
    '',
    'parked by rule',
    '  COUNT  KIND  TENANT  QUEUE            RULE',
    '      7  task  acme    process_consume  acme-down',
    '',
    'discarded by whom',
    '  COUNT  KIND  TENANT  QUEUE            BY',
    '      2  task  acme    process_consume  ann@desk',
    '',
  ])
})

test('says what is missing where and since when, with the commands that look into it, and exits with 1', async () => {
  await using api = await serving(imbalanced)

  const { code, out } = await runEbs(['ledger'], { ...api, isTty: true, columns: 80 })

  expect(code).toBe(1)
  expect(out.split('\n').slice(0, 15)).toEqual([
    'IMBALANCED: 12 of 48 accepted entries are not where they should be for 5m.',
    '',
    '12 tasks missing in process_consume for 5m',
    ...missing.slice(0, 10).map((id) => `  ebs why ${id}`),
    '  and 2 more: -o json',
    '',
  ])
})

test('json is what the API answers, and the exit code says whether it balances', async () => {
  await using api = await serving(balanced, imbalanced)

  const first = await runEbs(['ledger', '-o', 'json'], api)
  const second = await runEbs(['ledger', '-o', 'json'], api)

  expect([JSON.parse(first.out), first.code]).toEqual([balanced, 0])
  expect([JSON.parse(second.out), second.code]).toEqual([imbalanced, 1])
})

test('of a tenant its own equation is shown, of a kind that of each tenant', async () => {
  const both = { ...balanced, accounts: [...balanced.accounts, { kind: 'task' as const, tenant: 'globex', ...zero }] }
  await using api = await serving(both)

  const tenant = await runEbs(['ledger', '--tenant', 'acme'], api)
  const kind = await runEbs(['ledger', '--kind', 'task'], api)

  expect(api.asked.map(({ query }) => query)).toEqual([{ tenant: 'acme' }, { kind: 'task' }])
  expect(tenant.out).toMatch(/^acme +OBJECTS +TASKS/m)
  expect(tenant.out).not.toContain('by tenant')
  expect(kind.out).toMatch(/^ {2}globex( +0){8}$/m)
})

test('with --queues what the broker counts stands beside what should be there', async () => {
  await using api = await serving(balanced)

  const { out } = await runEbs(['ledger', '--queues'], { ...api, isTty: true, columns: 100 })

  expect(out.split('\n').slice(-3)).toEqual([
    '  QUEUE            READY  UNSETTLED  REPLAY  IN FLIGHT  WAITING  PARKED  DEAD',
    '  process_consume      2          1       0          3        1  7/7     4/3',
    '',
  ])
})

test('what could not be compared is said, and tempers the verdict', async () => {
  await using api = await serving({ ...balanced, unobserved: [{ place: 'hub', why: 'it does not answer' }] })

  const { out, code } = await runEbs(['ledger'], api)

  expect(code).toBe(0)
  expect(out).toMatch(/^BALANCED: .* as far as can be seen\.$/m)
  expect(out).toMatch(/^ {2}hub +it does not answer$/m)
})

test('says that nothing was compared, since when, and exits with 1, whatever the silence', async () => {
  const silent = { ...balanced, balanced: false, overdue: true }
  const missed = { ...imbalanced, overdue: true, comparedAt: '2026-03-01T11:57:00.000Z' }
  await using api = await serving({ ...silent, comparedAt: '2026-03-01T11:57:00.000Z' }, silent, missed)

  const before = await runEbs(['ledger'], api)
  const never = await runEbs(['ledger'], api)
  const both = await runEbs(['ledger'], api)

  expect([before.code, never.code, both.code]).toEqual([1, 1, 1])
  expect(before.out).toMatch(/^NOT COMPARED since 2026-03-01T11:57:00.000Z, for 3m: 48 accepted entries/)
  expect(never.out).toMatch(/^NOT COMPARED yet: 48 accepted entries were counted, and not looked for\./m)
  expect(both.out).toMatch(/^IMBALANCED: 12 of .* for 5m; not compared since 2026-03-01T11:57:00.000Z, for 3m\.$/m)
})

test('a tenant without an account of its own is no tenant with nothing, and a list that was cut is at least so long', async () => {
  const [lost] = imbalanced.imbalances
  const cut = {
    ...imbalanced,
    imbalances: lost ? [{ ...lost, atLeast: true }] : [],
    uncounted: 'acme is not counted by itself',
  }
  await using api = await serving({ ...cut, accounts: [] })

  const { out } = await runEbs(['ledger', '--tenant', 'acme'], api)

  expect(out).toMatch(/^acme is not counted by itself\.$/m)
  expect(out).toMatch(/^at least 12 tasks missing in process_consume/m)
  expect(out).not.toMatch(/^accepted/m)
})

test('--watch shows it again and again, each in a line of json', async () => {
  await using api = await serving(balanced, imbalanced)

  const { out, code } = await runEbs(['ledger', '--watch', '-o', 'json'], {
    ...api,
    onRunning: (pressCtrlC) => {
      const again = setInterval(() => {
        if (api.asked.length < 3) return
        clearInterval(again)
        pressCtrlC()
      }, 1)
    },
  })

  expect(code).toBe(0)
  expect(
    out
      .trim()
      .split('\n')
      .slice(0, 2)
      .map((line) => JSON.parse(line).balanced),
  ).toEqual([true, false])
})

test('a hub whose statistics does not answer says so, and when to ask again', async () => {
  const detail =
    'Statistics has not answered within 2 s: statistics keeps the ledger, and goes on with it when it is back.'
  await using api = await fakeApi({
    'GET /api/ledger': { status: 503, json: { detail }, headers: { 'retry-after': '2' } },
  })

  expect(await runEbs(['ledger'], api)).toMatchObject({ code: 1, err: `${detail}\nTry again in 2 s.\n` })
})
