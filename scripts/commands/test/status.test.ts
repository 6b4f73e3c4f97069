import { expect, test } from 'vitest'
import { closedUrl, fakeApi, type Routes } from '../../cli/test/fake-api.ts'
import { runEbs } from '../../cli/test/fake-terminal.ts'
import { serviceNames } from '../../services.ts'

const hub = {
  conversations: [
    { kind: 'group', open: 2, oldestAgeMs: 190_000 },
    { kind: 'flow', open: 0, oldestAgeMs: null },
    { kind: 'sideline', open: 1, oldestAgeMs: 1_000 },
  ],
  ...{ timers: { pending: 2, overdue: 1, frozen: 0, nextDue: null }, early: 0, outboxPending: 0 },
  ...{ sidelines: { open: 1, parked: 12 }, dead: { total: 203, byQueue: { process_consume: 200, hub_consume: 3 } } },
  ...{ unrouted: 0, replays: { running: 1 } },
}
const ready: Routes = { 'GET /health/ready': { json: { status: 'ready' } }, 'GET /api/status': { json: hub } }

test('shows every service, and what is open, set aside, dead or late', async () => {
  await using api = await fakeApi(ready)

  const { code, out, err } = await runEbs(['status'], { ...api, isTty: true, columns: 80 })

  expect({ code, err }).toEqual({ code: 0, err: '' })
  const lines = out.split('\n')
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(80)
  for (const name of serviceNames) expect(out).toMatch(new RegExp(`^${name} +ready`, 'm'))
  expect(lines.slice(lines.findIndex((line) => line.startsWith('WHAT')))).toEqual([
    'WHAT               COUNT  DETAIL',
    'open groups            2  oldest 3m',
    'open flows             0  -',
    'timers                 2  1 overdue, 0 frozen',
    'sideline rules         1  12 messages set aside',
    'replays running        1  -',
    'dead messages        203  process_consume 200, hub_consume 3',
    'unrouted messages      0  -',
    'outbox of the hub      0  -',
    '',
  ])
})

test('a service that is not ready says why, and the exit code is 1', async () => {
  const problem = { title: 'Not ready', detail: 'broker: no connection yet' }
  const headers = { 'retry-after': '1' }
  await using api = await fakeApi({
    ...ready,
    'GET /health/ready': [{ status: 503, json: problem, headers }, { json: {} }],
  })

  const { code, out } = await runEbs(['status'], api)

  expect(code).toBe(1)
  expect(out).toMatch(/not ready +http:\S+ +broker: no connection yet\. Try again in 1 s\./)
})

test('everything away: the services are still shown, and what it means is said', async () => {
  const { code, out, err } = await runEbs(['status', '-o', 'json'], { url: await closedUrl() })

  expect(code).toBe(1)
  expect(JSON.parse(out)).toMatchObject({ services: serviceNames.map((service) => ({ service, state: 'away' })) })
  expect(err).toContain('rules hold but cannot change')
})
