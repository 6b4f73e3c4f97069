import { expect, test } from 'vitest'
import { type Asker, NobodyThereError, TooManyQuestionsError } from '../../../shared/bus/ask.ts'
import { parseEvent, toMessage } from '../../../shared/bus/envelope.ts'
import type { Body } from '../../../shared/events.ts'
import type { Ledger } from '../../../shared/ledger-view.ts'
import { hubFixture } from './hub-fixture.ts'

const AT = '2026-01-01T00:00:00.000Z'
const states = { accepted: 3, done: 1, failed: 0, inFlight: 1, waiting: 0, parked: 0, dead: 0, discarded: 1 }
const where = { queue: 'process_consume', count: 1 }
const ledger: Ledger = {
  ...{ at: AT, settleMs: 30_000, balanced: false, imbalance: 1, since: AT },
  totals: [
    { kind: 'object', ...states, imbalance: 0 },
    { kind: 'task', ...states, imbalance: 1 },
  ],
  accounts: [
    { kind: 'object', tenant: 'acme', ...states },
    { kind: 'task', tenant: 'globex', ...states },
  ],
  queues: [
    {
      ...{ queue: 'process_consume', ready: 0, unsettled: null, replay: 0, parked: 0, dead: 0, at: AT },
      entries: { inFlight: 1, waiting: 0, parked: 0, dead: 0 },
    },
  ],
  parked: [{ kind: 'object', tenant: 'acme', rule: 'r1', ...where }],
  discarded: [{ kind: 'task', tenant: 'globex', by: 'ann', ...where }],
  imbalances: [{ kind: 'task', place: 'process_consume', count: 1, since: AT, ids: ['t1'] }],
  unobserved: [{ place: 'hub', why: 'away' }],
}

function told(body: Body) {
  const parsed = parseEvent({
    ...toMessage(body, { id: 'm1', service: 'statistics', correlationId: 'c1', atMs: Date.parse(AT) }),
    ...{ properties: { type: body.type, headers: {} } },
  })
  if (!('data' in parsed)) throw new Error(JSON.stringify(parsed))
  return parsed
}
type Ask = Asker['ask']
const tellingLedger: Ask = async () => told({ type: 'LEDGER_TOLD', ledger: JSON.parse(JSON.stringify(ledger)) })

test('the ledger is what statistics tells, which is asked over the bus', async () => {
  const asked: Parameters<Ask>[] = []
  const ask: Ask = (...question) => {
    asked.push(question)
    return tellingLedger(...question)
  }
  await using hub = await hubFixture({ asker: { ask } })

  const response = await hub.get('/api/ledger')

  expect([response.statusCode, response.json()]).toEqual([200, ledger])
  expect(asked).toEqual([['statistics_ask', { type: 'LEDGER_ASKED' }, { withinMs: 2_000 }]])
})

test.each([
  { query: 'kind=object', totals: ['object'], accounts: ['acme'], parked: 1, discarded: 0, ids: 0, balanced: true },
  { query: 'kind=task', totals: ['task'], accounts: ['globex'], parked: 0, discarded: 1, ids: 1, balanced: false },
  {
    ...{ query: 'tenant=acme', totals: ['object', 'task'], accounts: ['acme'], parked: 1, discarded: 0 },
    ...{ ids: 1, balanced: false },
  },
  {
    ...{ query: 'tenant=nobody&kind=task', totals: ['task'], accounts: [], parked: 0, discarded: 0 },
    ...{ ids: 1, balanced: false },
  },
])('with ?$query only that part is shown', async ({ query, ids, balanced, ...part }) => {
  await using hub = await hubFixture({ asker: { ask: tellingLedger } })

  const shown: Ledger = (await hub.get(`/api/ledger?${query}`)).json()

  expect({
    totals: shown.totals.map(({ kind }) => kind),
    accounts: shown.accounts.map(({ tenant }) => tenant),
    parked: shown.parked.length,
    discarded: shown.discarded.length,
  }).toEqual(part)
  expect(shown.imbalances.flatMap((one) => one.ids)).toHaveLength(ids)
  expect(shown).toMatchObject({ balanced, imbalance: ids, queues: ledger.queues, unobserved: ledger.unobserved })
  expect(shown.since).toBe(balanced ? undefined : AT)
})

test('a kind of a ledger that is overdue does not balance either, and a tenant that is counted with others is said to be', async () => {
  const [account] = ledger.accounts
  const overdue: Ledger = {
    ...{ ...ledger, balanced: false, imbalance: 0, overdue: true, comparedAt: AT, imbalances: [] },
    totals: ledger.totals.map((total) => ({ ...total, imbalance: 0 })),
    accounts: account ? [{ ...account, tenant: '(other)' }] : [],
  }
  const ask: Ask = async () => told({ type: 'LEDGER_TOLD', ledger: JSON.parse(JSON.stringify(overdue)) })
  await using hub = await hubFixture({ asker: { ask } })

  expect((await hub.get('/api/ledger?kind=object')).json()).toMatchObject({ balanced: false, overdue: true })
  expect((await hub.get('/api/ledger?tenant=late')).json()).toMatchObject({
    uncounted: expect.stringContaining('late is not counted by itself'),
  })
})

test.each(['kind=poem', 'tenant=', 'more=1'])('refuses ?%s', async (query) => {
  await using hub = await hubFixture({ asker: { ask: tellingLedger } })
  expect((await hub.get(`/api/ledger?${query}`)).statusCode).toBe(400)
})

test.each<[string, Ask | undefined, RegExp]>([
  ['the broker was never there', undefined, /broker was not there yet/],
  ['nobody can be asked', () => Promise.reject(new NobodyThereError('There is no queue.')), /There is no queue: stat/],
  ['too many ask', () => Promise.reject(new TooManyQuestionsError('full')), /Too many questions/],
  ['nobody answers in time', async () => undefined, /not answered within 2 s/],
  ['something else answers', async () => told({ type: 'LEDGER_ASKED' }), /not answered within 2 s/],
  ['what answers knows another ledger', async () => told({ type: 'LEDGER_TOLD', ledger: {} }), /another version/],
])('503 when %s, and when to ask again', async (_, ask, detail) => {
  await using hub = await hubFixture(ask && { asker: { ask } })

  const response = await hub.get('/api/ledger')

  expect(response.statusCode).toBe(503)
  expect(response.headers['retry-after']).toBe('2')
  expect(response.json()).toMatchObject({ detail: expect.stringMatching(detail) })
})

test('an error of ours is not taken for an absence', async () => {
  await using hub = await hubFixture({ asker: { ask: () => Promise.reject(new TypeError('bug')) } })
  expect((await hub.get('/api/ledger')).statusCode).toBe(500)
})
