import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { journeySite, travelAgency, trip } from './journey-site.ts'

const statusOf = async (site: Awaited<ReturnType<typeof journeySite>>, id: string) =>
  (await site.get(`/api/journeys/${id}`)).status

test('a journey is registered, begun, done step by step, and ends; the API shows it, who waited has the answer', async () => {
  await using site = await journeySite()
  await site.work(travelAgency)
  expect(await site.register(trip)).toEqual({ status: 201, json: { type: 'trip', version: 1, warnings: [] } })

  await site.request('t1.main', { to: 'Rome' })
  await expect.poll(() => statusOf(site, 't1.main')).toBe('COMPLETED')

  expect(await site.get('/api/journeys/t1.main')).toMatchObject({
    ...{ id: 't1.main', kind: 'journey', type: 'trip', version: 1, phase: 'ended', tenant: 'default' },
    payload: { to: 'Rome' },
    output: { mailed: { flight: '12A', hotel: 7 } },
    activities: {
      flight: { activity: 'book.flight', state: 'done', attempt: 1, input: { to: 'Rome' }, output: { seat: '12A' } },
      hotel: { state: 'done' },
      mail: { state: 'done', after: ['flight', 'hotel'] },
    },
    timers: [],
  })
  await expect.poll(() => site.replies).toMatchObject([{ type: 'JOURNEY_COMPLETED', sagaId: 't1.main' }])
  expect(site.heard('INITIATE_JOURNEY', 'JOURNEY_STARTED', 'JOURNEY_COMPLETED', 'JOURNEY_FAILED')).toMatchObject([
    { type: 'INITIATE_JOURNEY', journeyType: 'trip' },
    { type: 'JOURNEY_STARTED', definitionVersion: 1 },
    { type: 'JOURNEY_COMPLETED', output: { mailed: { flight: '12A', hotel: 7 } } },
  ])
  expect(site.heard('ACTIVITY_REQUESTED')).toHaveLength(3)
})

test('J2: a request that comes again is the same journey; one with another payload is rejected, and the first one stands', async () => {
  await using site = await journeySite()
  await site.work(travelAgency)
  await site.register(trip)

  await site.request('t1.main', { to: 'Rome' })
  await site.request('t1.main', { to: 'Rome' })
  await site.request('t1.main', { to: 'Oslo' })

  await expect
    .poll(() => site.replies.map(({ type }) => type).sort())
    .toEqual(['JOURNEY_COMPLETED', 'JOURNEY_COMPLETED', 'JOURNEY_REJECTED'])
  expect(site.heard('ACTIVITY_REQUESTED')).toHaveLength(3)
  expect(await site.get('/api/journeys/t1.main')).toMatchObject({ status: 'COMPLETED', payload: { to: 'Rome' } })
})

test('J9: journeys of an unknown type wait with an alert, also over a restart; registering it lets them begin', async () => {
  await using site = await journeySite()
  await site.work(travelAgency)
  const ids = Array.from({ length: 120 }, (_, i) => `t${i}.main`)
  for (const id of ids) await site.request(id, { to: 'Rome' })
  await site.request('other.main', {}, 'unheard-of')

  const waiting = async () => (await site.get('/api/journeys?attention=unknown-type&limit=1000')).items.length
  await expect.poll(waiting, { timeout: 5_000 }).toBe(121)
  await site.restart()
  expect(await site.get('/api/journeys/t7.main')).toMatchObject({
    status: 'ACCEPTED',
    waitingFor: 'definition',
    type: 'trip',
  })
  expect(site.heard('JOURNEY_NEEDS_REMEDIATION')).toHaveLength(121)

  await site.register(trip)

  const completed = async () => (await site.get('/api/journeys?type=trip&status=COMPLETED&limit=1000')).items.length
  await expect.poll(completed, { timeout: 10_000 }).toBe(120)
  expect(await statusOf(site, 'other.main')).toBe('ACCEPTED')
})

test('J9: what was registered by a hub that did not live to release anybody is released at the next start', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ebs-definitions-'))
  await using site = await journeySite({ definitions: folder })
  await site.work(travelAgency)
  await site.request('t1.main', { to: 'Rome' })
  await expect.poll(() => statusOf(site, 't1.main')).toBe('ACCEPTED')

  await writeFile(join(folder, 'trip.json'), JSON.stringify(trip))
  await writeFile(join(folder, 'broken.json'), '{')
  await writeFile(join(folder, 'invalid.json'), JSON.stringify({ ...trip, type: 'invalid', deadline: 'soon' }))
  await writeFile(join(folder, 'notes.txt'), 'no definition')
  await site.restart()

  await expect.poll(() => statusOf(site, 't1.main')).toBe('COMPLETED')
  const { items } = await site.get('/api/definitions')
  expect(items).toMatchObject([{ type: 'trip', version: 1, actor: 'hub' }])
  await rm(folder, { recursive: true })
})

test('J3: a step that fails for good leaves the others be, and the journey to a person', async () => {
  await using site = await journeySite()
  await site.work({ ...travelAgency, 'book.hotel': () => ({ status: 404, error: 'no such town' }) })
  await site.register(trip)

  await site.request('t1.main', { to: 'Atlantis' })
  await expect.poll(() => statusOf(site, 't1.main')).toBe('NEEDS_REMEDIATION')

  expect(await site.get('/api/journeys/t1.main')).toMatchObject({
    ...{ phase: 'remediation', remediation: { cause: 'permanent', steps: ['hotel'] } },
    activities: { flight: { state: 'done' }, hotel: { state: 'failed', status: 404 }, mail: { state: 'pending' } },
  })
  expect((await site.get('/api/journeys?attention=any')).items).toMatchObject([
    { id: 't1.main', attention: 'remediation' },
  ])
})

test('journeys that have ended are exported whole, in the order of their ends, page by page', async () => {
  await using site = await journeySite()
  await site.work(travelAgency)
  await site.register(trip)
  for (const id of ['a.main', 'b.main', 'c.main']) {
    await site.request(id, { to: 'Rome' })
    await expect.poll(() => statusOf(site, id)).toBe('COMPLETED')
  }

  const first = await site.get('/api/journeys/export?limit=2')
  const second = await site.get(`/api/journeys/export?limit=2&cursor=${encodeURIComponent(first.next)}`)
  const since = await site.get(`/api/journeys/export?since=${encodeURIComponent(second.items[0].endedAt)}`)

  expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(['a.main', 'b.main', 'c.main'])
  expect(first.items[0]).toMatchObject({ output: { mailed: { hotel: 7 } }, activities: { mail: { state: 'done' } } })
  expect([second.next, since.items.map(({ id }: { id: string }) => id)]).toEqual([undefined, ['c.main']])
})

test('numbers of journeys by type and status, of activities that were asked, failed and retried', async () => {
  await using site = await journeySite()
  let calls = 0
  await site.work({
    ...travelAgency,
    mail: ({ input }) => (calls++ === 0 ? { status: 503, error: 'busy' } : { status: 200, output: input }),
  })
  const { mail } = trip.activities
  const patient = { ...mail, retry: { retries: 1, initialMs: 10 } }
  await site.register({ ...trip, activities: { ...trip.activities, mail: patient } })

  await site.request('t1.main', { to: 'Rome' })
  await site.request('t2.main', {}, 'unheard-of')
  await expect.poll(() => statusOf(site, 't1.main')).toBe('COMPLETED')
  await expect.poll(() => site.heard('JOURNEY_COMPLETED', 'JOURNEY_NEEDS_REMEDIATION')).toHaveLength(2)

  const metrics = await site.metrics()
  for (const line of [
    'ebs_journeys_total{status="RUNNING",type="trip"} 1',
    'ebs_journeys_total{status="COMPLETED",type="trip"} 1',
    'ebs_journeys_total{status="NEEDS_REMEDIATION"} 1',
    'ebs_activities_asked_total{activity="mail"} 2',
    'ebs_activities_retried_total{activity="mail"} 1',
    'ebs_activities_answered_total{family="500"} 1',
    'ebs_activities_answered_total{family="200"} 3',
    'ebs_conversations_open{kind="journey"} 1',
  ])
    expect(metrics).toContain(line)
})
