import { expect, test } from 'vitest'
import { journeySite, travelAgency, trip } from '../../journeys/test/journey-site.ts'
import { listener, say } from './listener.ts'

const by = { actor: 'ann', reason: 'the hotel has rooms again' }
/** The first call loads the HTTP client, which is slow on a busy machine. */
const CALLING = { timeout: 10_000 }
const noRooms = { ...travelAgency, 'book.hotel': () => ({ status: 404, error: 'no such town' }) }
const stuck = async (site: Awaited<ReturnType<typeof journeySite>>) =>
  (await site.get('/api/remediation?limit=1000')).items

test('a journey needs a person, the webhook is down, then up and told once; the person mends it, and the journey completes', async () => {
  await using outside = await listener(say(503))
  await using site = await journeySite({ env: { EBS_REMEDIATION_WEBHOOK: outside.url, EBS_RETRY_MIN_MS: '20' } })
  const worker = await site.work(noRooms)
  await site.register(trip)
  await site.request('t1.main', { to: 'Atlantis' })
  await expect.poll(() => outside.heard.length, CALLING).toBeGreaterThan(2)
  outside.become.answer = say(200)
  const tries = outside.heard.length
  await expect.poll(() => outside.heard.length, CALLING).toBe(tries + 1)
  await worker.stop()
  await site.work(travelAgency)

  const [item] = await stuck(site)
  const { status, json } = await site.post('/api/remediation/t1.main/retry', {
    ...by,
    input: { in: 'Rome' },
    revision: item.revision,
  })
  await expect.poll(async () => (await site.get('/api/journeys/t1.main')).status).toBe('COMPLETED')

  expect([status, json]).toMatchObject([202, { id: 't1.main', status: 'RUNNING', attention: null }])
  expect(new Set(outside.heard.map(({ headers }) => headers['idempotency-key'])).size).toBe(1)
  expect(outside.heard.at(-1)?.body).toMatchObject({
    id: 't1.main',
    cause: 'permanent',
    steps: ['hotel'],
    tenant: 'default',
  })
  expect(await stuck(site)).toEqual([])
  expect(outside.heard).toHaveLength(tries + 1)
  await expect.poll(() => site.metrics()).toContain('ebs_remediation_acts_total{act="retry"} 1')
})

test('a webhook that refuses for good: the notice is dead, where people see it; journeys and their items are none the worse', async () => {
  await using outside = await listener(say(410))
  await using site = await journeySite({ env: { EBS_REMEDIATION_WEBHOOK: outside.url } })
  await site.work(noRooms)
  await site.register(trip)
  await site.request('t1.main', { to: 'Atlantis' })

  await expect.poll(async () => (await site.get('/api/dead')).items.length, CALLING).toBe(1)

  const [dead] = (await site.get('/api/dead')).items
  expect(dead).toMatchObject({ queue: 'hub_work', type: 'REMEDIATION_NOTICE', reason: 'unrecoverable' })
  expect(JSON.stringify(dead)).not.toContain('s3cret')
  expect(await stuck(site)).toMatchObject([{ id: 't1.main', attention: 'remediation' }])
  expect(await site.metrics()).toContain('ebs_remediation_items{attention="remediation"} 1')
})

test('J4: a job goes on when the hub is restarted in the middle of it, and each journey is decided about once', async () => {
  await using site = await journeySite()
  const ids = Array.from({ length: 600 }, (_, n) => `w${n}.main`)
  for (const id of ids) await site.request(id, {}, 'unheard-of')
  await expect.poll(async () => (await stuck(site)).length, { timeout: 10_000 }).toBe(600)

  const { json } = await site.post('/api/remediation/bulk', { ...by, act: 'cancel', filter: { type: 'unheard-of' } })
  const atOnce = await site.get(`/api/remediation/jobs/${json.job}`)
  await site.restart()
  const job = () => site.get(`/api/remediation/jobs/${json.job}`)
  await expect.poll(async () => (await job()).status, { timeout: 10_000 }).toBe('completed')

  expect([atOnce.status, atOnce.pending > 0]).toEqual(['running', true])
  expect(await job()).toMatchObject({ total: 600, done: 600, refused: 0, pending: 0 })
  expect((await site.get('/api/journeys?status=CANCELLED&limit=1000')).items).toHaveLength(600)
  await expect.poll(() => site.heard('JOURNEY_REMEDIATED').length).toBe(600)
  expect(site.heard('JOURNEY_CANCELLED')).toHaveLength(600)
})

test('J6: the hub looks by itself for journeys that take too long, also when it starts', async () => {
  await using site = await journeySite({ env: { EBS_JOURNEY_OVERDUE_MS: '1000' } })
  await site.register(trip)
  await site.request('t1.main', { to: 'Rome' })
  await expect.poll(async () => (await site.get('/api/journeys/t1.main')).status).toBe('RUNNING')
  await expect
    .poll(async () => Date.now() - Date.parse((await site.get('/api/journeys/t1.main')).createdAt), { timeout: 3_000 })
    .toBeGreaterThan(1_000)

  await site.restart()

  await expect
    .poll(() => stuck(site))
    .toMatchObject([{ id: 't1.main', attention: 'overdue', steps: ['flight', 'hotel'] }])
})
