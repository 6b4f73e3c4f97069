import { expect, test } from 'vitest'
import type { Body } from '../../../../shared/events.ts'
import { by, type RemediationSite, remediationSite } from './remediation-fixture.ts'
import { spoil } from './spoilt-journey.ts'

const bulk = async (site: RemediationSite, body: object) => {
  const response = await site.post('/api/remediation/bulk', { ...by, ...body })
  return { status: response.statusCode, json: response.json(), location: response.headers.location }
}
const jobOf = async (site: RemediationSite, id: string) => (await site.get(`/api/remediation/jobs/${id}`)).json()

test('J4: a dry run says how many a decision would be about, with examples, and does nothing', async () => {
  await using site = await remediationSite()
  for (let n = 0; n < 12; n++) await site.stuck(`o${n}.main`)
  const before = await site.journey('o0.main')

  const { status, json } = await bulk(site, { act: 'retry', filter: { cause: 'permanent' }, dryRun: true })

  expect([status, json.count, json.examples.length]).toEqual([200, 12, 10])
  expect(json.examples[0]).toMatchObject({ id: 'o11.main', steps: ['charge'] })
  expect(await site.journey('o0.main')).toEqual(before)
  expect((await site.get('/api/remediation/jobs')).json()).toEqual({ items: [] })
  expect((await bulk(site, { act: 'retry', filter: { tenant: 'nobody' }, dryRun: true })).json).toEqual({
    count: 0,
    examples: [],
  })
})

test('J4: a bulk of 1,000 of which some have moved on meanwhile: each is decided once, and those that refuse are named with their reason', async () => {
  await using site = await remediationSite()
  const ids = Array.from({ length: 1_000 }, (_, n) => `o${n}.main`)
  const say = (of: (id: string) => Body) => site.hear(...ids.map(of))
  const asked = {
    type: 'INITIATE_JOURNEY',
    journeyType: 'order',
    formatVersion: 1,
    tenant: 'acme',
    payload: {},
    meta: {},
  } as const
  await say((sagaId) => ({ ...asked, sagaId }))
  await say((id) => ({ type: 'ACTIVITY_SUCCEEDED', callId: `${id}:reserve`, status: 200, output: 1 }))
  await say((id) => ({ type: 'ACTIVITY_FAILED', callId: `${id}:charge`, status: 402, error: 'card refused' }))

  const { status, json, location } = await bulk(site, { act: 'retry', filter: { step: 'charge' } })
  // The job has its set; somebody else ends some of them before they are asked.
  const gone = ids.filter((_, n) => n % 10 === 5).slice(0, 70)
  for (const id of gone) await site.post(`/api/journeys/${id}/cancel`)
  await site.settle()

  expect([status, json.count, location]).toEqual([202, 1_000, `/api/remediation/jobs/${json.job}`])
  const job = await jobOf(site, json.job)
  expect(job).toMatchObject({ status: 'completed', act: 'retry', step: 'charge', total: 1_000, pending: 0, ...by })
  expect(job.done + job.refused).toBe(1_000)
  expect([job.refused, job.refusals.length]).toEqual([70, 50])
  expect(job.refusals[0].reason).toMatch(/ended CANCELLED at .* nothing was changed/)
  const again = site.sent('ACTIVITY_REQUESTED').filter((one) => 'attempt' in one && one.attempt === 2)
  expect(again).toHaveLength(930)
  expect(new Set(again.map((one) => 'callId' in one && one.callId)).size).toBe(930)
})

test('journeys are named by id, too: those that need nobody, those that refuse, and those that there are not', async () => {
  await using site = await remediationSite()
  await site.begin('runs.main')
  await site.stuck('stuck.main')
  const filter = { ids: ['runs.main', 'stuck.main', 'runs.main', 'nobody.main'] }

  const counted = await bulk(site, { act: 'cancel', filter, dryRun: true })
  const narrow = await bulk(site, { act: 'cancel', filter: { ...filter, cause: 'permanent' }, dryRun: true })
  const { json } = await bulk(site, { act: 'retry', filter })
  await site.settle()

  expect(counted.json).toMatchObject({ count: 2, unknown: ['nobody.main'] })
  expect(narrow.json).toMatchObject({ count: 1, examples: [{ id: 'stuck.main' }] })
  expect(await jobOf(site, json.job)).toMatchObject({
    ...{ done: 1, refused: 1, status: 'completed' },
    refusals: [{ sagaId: 'runs.main', reason: expect.stringContaining('retry is not possible now') }],
  })
})

test('a job that is cancelled decides about nobody else; what it has decided stays', async () => {
  await using site = await remediationSite()
  for (let n = 0; n < 300; n++) await site.begin(`w${n}.main`, { type: 'unheard-of' })

  const { json } = await bulk(site, { act: 'cancel', filter: { type: 'unheard-of' } })
  const running = await jobOf(site, json.job)
  const cancelled = await site.post(`/api/remediation/jobs/${json.job}/cancel`, by)
  await site.settle()
  const again = await site.post(`/api/remediation/jobs/${json.job}/cancel`, by)

  expect([running.status, running.pending > 0]).toEqual(['running', true])
  expect([cancelled.statusCode, cancelled.json().status]).toEqual([200, 'cancelled'])
  expect([again.statusCode, again.json().detail]).toEqual([409, expect.stringMatching(/is cancelled since 2026/)])
  const left = (await site.get('/api/remediation?type=unheard-of&limit=1000')).json().items
  // What was asked before is on its way and is carried out; no more than that.
  expect(left).toHaveLength(100)
  expect((await site.get('/api/remediation/jobs')).json().items).toMatchObject([{ id: json.job, status: 'cancelled' }])
  expect((await site.get('/api/remediation/jobs?open=true')).json().items).toEqual([])
})

test('a job with an empty filter is refused unless everything is meant; one that nothing matches, and one without a reason, too', async () => {
  await using site = await remediationSite()
  await site.stuck('o1.main')

  expect(await bulk(site, { act: 'cancel', filter: {} })).toMatchObject({ status: 400, json: { title: 'Everything?' } })
  expect(await bulk(site, { act: 'cancel', filter: { tenant: 'nobody' } })).toMatchObject({
    ...{ status: 409, json: { title: 'Nothing matches' } },
  })
  expect((await bulk(site, { act: 'cancel', filter: { tenant: 'acme' }, reason: '' })).status).toBe(400)
  expect((await bulk(site, { act: 'ruin', filter: { tenant: 'acme' } })).status).toBe(400)
  expect((await site.journey('o1.main')).status).toBe('NEEDS_REMEDIATION')

  expect((await bulk(site, { act: 'cancel', filter: {}, all: true })).status).toBe(202)
  await site.settle()
  expect((await site.journey('o1.main')).status).toBe('CANCELLED')
})

test("jobs are operators' own work: nobody finds them among the conversations", async () => {
  await using site = await remediationSite()

  expect((await site.get('/api/remediation-jobs')).statusCode).toBe(404)
  expect((await site.get('/api/remediation/jobs/nothing')).statusCode).toBe(404)
  expect((await site.post('/api/remediation/jobs/nothing/cancel', by)).statusCode).toBe(404)
})

test.each(['cancel', 'compensate'])(
  'J4: a job decides about journeys as they were looked at: it does not %s one that somebody has retried meanwhile',
  async (act) => {
    await using site = await remediationSite()
    await site.stuck('mended.main')
    await site.stuck('stuck.main')

    const { json } = await bulk(site, { act, filter: { cause: 'permanent' } })
    await site.post('/api/remediation/mended.main/retry', by)
    await site.settle()

    expect(await site.journey('mended.main')).toMatchObject({ status: 'RUNNING', phase: 'running' })
    expect(await jobOf(site, json.job)).toMatchObject({
      ...{ status: 'completed', done: 1, refused: 1 },
      refusals: [{ sagaId: 'mended.main', reason: expect.stringMatching(/has changed since revision/) }],
    })
  },
)

test('a journey that cannot be read is none that a job decides about', async () => {
  await using site = await remediationSite()
  await site.stuck('sound.main')
  await site.stuck('spoilt.main')
  await spoil(site.store, 'spoilt.main')

  const counted = await bulk(site, { act: 'cancel', filter: {}, all: true, dryRun: true })
  const named = await bulk(site, { act: 'cancel', filter: { ids: ['spoilt.main', 'sound.main'] }, dryRun: true })

  expect([counted.json.count, named.json.count]).toEqual([1, 1])
})
