import { expect, test } from 'vitest'
import { fakeApi } from '../../cli/test/fake-api.ts'
import { runEbs } from '../../cli/test/fake-terminal.ts'

const done = {
  ...{ id: 'r-1', at: '2026-03-01T11:59:00.000Z', actor: 'ann@example.com', proven: true, address: '10.0.0.7' },
  ...{ act: 'POST /api/timers/:id/fire', target: 'group:g1:ttl', reason: 'late', status: 200, correlationId: 'c-1' },
}
const claimed = { ...done, id: 'r-2', actor: 'ben\u001b[2J', proven: false, status: 409 }
const refused = { ...done, id: 'r-3', actor: null, proven: false, target: null, reason: null, status: 401 }
const hub = () => fakeApi({ 'GET /api/audit': () => ({ json: { items: [refused, claimed, done] } }) })

test('shows who did what, and marks whoever has only said who he is', async () => {
  await using api = await hub()

  const { code, out } = await runEbs(['audit', 'list'], api)

  const rows = out.split('\n').map((line) => line.split(/ {2,}/).slice(1, 6))
  expect([code, ...rows.slice(0, 4)]).toEqual([
    0,
    ['ACTOR', 'ACT', 'TARGET', 'STATUS', 'REASON'],
    ['-', 'POST /api/timers/:id/fire', '-', '401', '-'],
    ['ben [2J (unproven)', 'POST /api/timers/:id/fire', 'group:g1:ttl', '409', 'late'],
    ['ann@example.com', 'POST /api/timers/:id/fire', 'group:g1:ttl', '200', 'late'],
  ])
})

test('asks for what is wanted, and gives as json what it is answered', async () => {
  await using api = await hub()

  const filters = ['--by', 'ann', '--act', 'POST /x', '--since', '1h', '--limit', '5']
  const { out } = await runEbs(['audit', 'list', ...filters, '-o', 'json'], api)

  expect(api.asked[0]?.query).toEqual({ actor: 'ann', act: 'POST /x', since: '2026-03-01T11:00:00.000Z', limit: '5' })
  expect(JSON.parse(out)).toEqual({ items: [refused, claimed, done] })
})
