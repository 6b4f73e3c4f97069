import { expect, test } from 'vitest'
import { createHealth } from '../../../../shared/service/health.ts'
import { createHttp } from '../../../../shared/service/http.ts'
import { createMetrics } from '../../../../shared/service/metrics.ts'
import { serveHub } from '../../routes.ts'
import { by, type RemediationSite, remediationSite } from './remediation-fixture.ts'

const ID = 'o1.main'

/** How a journey comes to stand so. */
const standings = {
  waiting: (site: RemediationSite, id: string) => site.begin(id, { type: 'unheard-of' }),
  running: (site: RemediationSite, id: string) => site.begin(id),
  remediation: (site: RemediationSite, id: string) => site.stuck(id),
  compensating: async (site: RemediationSite, id: string) => {
    await site.stuck(id)
    await site.act(id, 'compensate')
  },
  'compensation failed': async (site: RemediationSite, id: string) => {
    await standings.compensating(site, id)
    await site.answer(`${id}:reserve:undo`, { status: 400, error: 'no such reservation' })
  },
  completed: async (site: RemediationSite, id: string) => {
    await site.begin(id)
    for (const step of ['reserve', 'charge', 'ship']) await site.answer(`${id}:${step}`)
  },
  cancelled: async (site: RemediationSite, id: string) => {
    await site.begin(id)
    await site.act(id, 'cancel')
  },
}

type Expected = Readonly<Record<string, string | RegExp>>
const table: readonly (readonly [keyof typeof standings, Expected])[] = [
  ['waiting', { retry: /only cancel/, skip: /only cancel/, compensate: /only cancel/, cancel: 'CANCELLED' }],
  [
    'running',
    { retry: /only compensate, cancel/, skip: /only compensate, cancel/, compensate: 'RUNNING', cancel: 'CANCELLED' },
  ],
  ['remediation', { retry: 'RUNNING', skip: 'RUNNING', compensate: 'RUNNING', cancel: 'CANCELLED' }],
  ['compensating', { retry: /only cancel/, skip: /only cancel/, compensate: /only cancel/, cancel: 'CANCELLED' }],
  [
    'compensation failed',
    { retry: 'RUNNING', skip: 'COMPENSATED', compensate: /only retry, skip, cancel/, cancel: 'CANCELLED' },
  ],
  [
    'completed',
    {
      retry: /ended COMPLETED at/,
      skip: /ended COMPLETED at/,
      compensate: /ended COMPLETED at/,
      cancel: /ended COMPLETED at/,
    },
  ],
  [
    'cancelled',
    {
      retry: /ended CANCELLED at/,
      skip: /ended CANCELLED at/,
      compensate: /ended CANCELLED at/,
      cancel: /ended CANCELLED at/,
    },
  ],
]

test.each(table)(
  'J4: what may be decided about a journey that is %s, and what is refused with its reason',
  async (standing, expected) => {
    await using site = await remediationSite()
    for (const [act, outcome] of Object.entries(expected)) {
      const id = `${act}.main`
      await standings[standing](site, id)
      const before = await site.journey(id)
      const decided = site.sent('JOURNEY_REMEDIATED').length

      const { status, json } = await site.act(id, act)

      const after = await site.journey(id)
      if (typeof outcome === 'string') {
        expect([act, status, json.status]).toEqual([act, 202, outcome])
        expect(json.revision).toBeGreaterThan(before.revision)
        const line = { what: expect.stringMatching(act), detail: 'ann: bank is back' }
        expect(after.history).toContainEqual(expect.objectContaining(line))
        expect(site.sent('JOURNEY_REMEDIATED').slice(decided)).toMatchObject([{ sagaId: id, act, ...by }])
      } else {
        expect([act, status, json.detail]).toEqual([act, 409, expect.stringMatching(outcome)])
        expect(json.journey).toMatchObject({ id, status: before.status, revision: before.revision })
        expect(after).toEqual(before)
        expect(site.sent('JOURNEY_REMEDIATED')).toHaveLength(decided)
      }
    }
  },
)

test('J4: a retry with another input asks again with it, and the journey goes on to its end', async () => {
  await using site = await remediationSite()
  await site.stuck(ID)

  const { json } = await site.act(ID, 'retry', { step: 'charge', input: { card: 'another' } })
  await site.answer(`${ID}:charge`)
  await site.answer(`${ID}:ship`)

  expect(json).toMatchObject({ status: 'RUNNING', attention: null, steps: [], acts: ['compensate', 'cancel'] })
  const [, again] = site.sent('ACTIVITY_REQUESTED').filter((one) => 'callId' in one && one.callId === `${ID}:charge`)
  expect(again).toMatchObject({ attempt: 2, input: { card: 'another' }, idempotencyKey: `${ID}:charge#1` })
  expect(await site.journey(ID)).toMatchObject({ status: 'COMPLETED' })
})

test('J4: a skip gives its output in the place of the step', async () => {
  await using site = await remediationSite()
  await site.stuck(ID)

  await site.act(ID, 'skip', { output: { receipt: 'by hand' } })

  expect((await site.journey(ID)).activities).toMatchObject({
    charge: { state: 'skipped', output: { receipt: 'by hand' } },
    ship: { state: 'running' },
  })
})

test('J4: compare-and-set: who has looked at another revision does nothing, and is told', async () => {
  await using site = await remediationSite()
  await site.stuck(ID)
  const { revision } = await site.journey(ID)
  await site.act(ID, 'ticket', { ticket: 'OPS-1' })

  const late = await site.act(ID, 'cancel', { revision })
  const now = await site.act(ID, 'cancel', { revision: revision + 1 })

  expect(late).toMatchObject({
    status: 409,
    json: { title: 'Not now', detail: expect.stringContaining(`since revision ${revision}`) },
  })
  expect(now).toMatchObject({ status: 202, json: { status: 'CANCELLED' } })
})

test('J4: acting on what has just finished is a no-op that says so', async () => {
  await using site = await remediationSite()
  await site.begin(ID)
  const { revision } = await site.journey(ID)
  for (const step of ['reserve', 'charge', 'ship']) await site.answer(`${ID}:${step}`)

  const { status, json } = await site.act(ID, 'compensate', { revision })

  expect([status, json.title]).toEqual([409, 'Already ended'])
  expect(json.detail).toMatch(/ended COMPLETED at 2026-01-01T.*nothing was changed/)
  expect(json.journey).toMatchObject({ status: 'COMPLETED', endedAt: '2026-01-01T00:00:00.000Z', acts: [] })
  expect(site.sent('JOURNEY_REMEDIATED')).toEqual([])
})

test('what is said wrongly is refused, and nothing changes', async () => {
  await using site = await remediationSite()
  await site.stuck(ID)
  const before = await site.journey(ID)
  const wrong = [
    ['retry', { step: 'ship' }, 409, /ship has not failed: retry is about charge/],
    ['retry', { output: 1 }, 400, /output/],
    ['skip', { input: 1 }, 400, /input/],
    ['cancel', { step: 'charge' }, 400, /step/],
    ['cancel', { reason: ' ' }, 400, /reason/],
    ['retry', { input: 'x'.repeat(65_535) }, 400, /input: at most 65536 bytes/],
    ['skip', { output: 'x'.repeat(1_048_000) }, 400, /output: at most 65536 bytes/],
  ] as const

  for (const [act, body, code, why] of wrong) {
    const { status, json } = await site.act(ID, act, body)
    expect([act, status, JSON.stringify(json)]).toEqual([act, code, expect.stringMatching(why)])
  }

  expect(await site.journey(ID)).toEqual(before)
})

test('an act on a journey that there is not is 404', async () => {
  await using site = await remediationSite()

  for (const act of ['retry', 'skip', 'compensate', 'cancel'])
    expect(await site.act('nobody.main', act)).toMatchObject({
      status: 404,
      json: { detail: expect.stringContaining('There is no journey nobody.main') },
    })
  expect((await site.act('nobody.main', 'ticket', { ticket: 'OPS-1' })).status).toBe(404)
})

test('a ticket is noted, shown, changed and removed, also when the journey has ended', async () => {
  await using site = await remediationSite()
  await site.stuck(ID)

  expect(await site.act(ID, 'ticket', { ticket: 'OPS-1' })).toMatchObject({ status: 200, json: { ticket: 'OPS-1' } })
  await site.act(ID, 'cancel')
  expect((await site.act(ID, 'ticket', { ticket: 'OPS-2' })).json).toMatchObject({
    ticket: 'OPS-2',
    status: 'CANCELLED',
  })
  expect((await site.journey(ID)).ticket).toBe('OPS-2')
  expect((await site.act(ID, 'ticket', { ticket: '' })).json).not.toHaveProperty('ticket')
  expect((await site.act(ID, 'ticket', {})).status).toBe(400)
})

test('who is known by a token acts in no other name', async () => {
  await using site = await remediationSite()
  await site.stuck(ID)
  const auth = async () => ({ actor: 'ben@example.com', scopes: new Set(['ops:write', 'ops:read'] as const) })
  const about = { name: 'hub', title: 'hub', log: site.log, health: createHealth(), metrics: createMetrics() }
  const http = await createHttp({ ...about, auth })
  serveHub(http, site.operations)

  const url = `/api/remediation/${ID}`
  await http.inject({ method: 'POST', url: `${url}/ticket`, payload: { ...by, ticket: 'OPS-1' } })
  await http.inject({ method: 'POST', url: `${url}/cancel`, payload: by })
  await http.close()

  const details = (await site.journey(ID)).history.map(({ detail }: { detail?: string }) => detail)
  expect(details.filter((detail?: string) => detail?.endsWith(': bank is back'))).toEqual([
    'ben@example.com: bank is back',
    'ben@example.com: bank is back',
  ])
})
