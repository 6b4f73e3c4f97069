import { expect, test, vi } from 'vitest'
import { by, order, remediationSite } from './remediation-fixture.ts'
import { spoil } from './spoilt-journey.ts'

const MINUTE_MS = 60_000

/** Four journeys that need a person, each for a reason of its own or of another type or tenant, and one that does not. */
async function busySite() {
  const site = await remediationSite()
  await site.post('/api/definitions', { ...order, type: 'return' })
  await site.stuck('first.main')
  await site.clock.advance(30 * MINUTE_MS)
  await site.stuck('second.main', { type: 'return' })
  await site.clock.advance(10 * MINUTE_MS)
  await site.begin('third.main', { type: 'unheard-of', tenant: 'globex' })
  await site.begin('runs.main')
  await site.begin('late.main', { tenant: 'globex' })
  await site.hear({ type: 'JOURNEY_OVERDUE', sagaId: 'late.main', olderThanMs: 1 })
  await site.clock.advance(MINUTE_MS)
  return site
}

test('J6: each item says what it needs, since when, and what may be decided', async () => {
  await using site = await busySite()

  const { items } = (await site.get('/api/remediation')).json()

  expect(items.map(({ id }: { id: string }) => id)).toEqual(['late.main', 'third.main', 'second.main', 'first.main'])
  expect(items[3]).toEqual({
    ...{ id: 'first.main', type: 'order', version: 1, status: 'NEEDS_REMEDIATION', tenant: 'acme' },
    ...{
      attention: 'remediation',
      cause: 'permanent',
      error: expect.stringContaining('card refused'),
      steps: ['charge'],
    },
    ...{ since: '2026-01-01T00:00:00.000Z', ageMs: 41 * MINUTE_MS },
    ...{ acts: ['retry', 'skip', 'compensate', 'cancel'], revision: expect.any(Number) },
  })
  expect(items[1]).toMatchObject({ attention: 'unknown-type', cause: 'unknown-type', version: 0, acts: ['cancel'] })
  expect(items[0]).toMatchObject({ attention: 'overdue', cause: 'overdue', status: 'RUNNING', steps: ['reserve'] })
})

const filters: Readonly<Record<string, readonly string[]>> = {
  'type=return': ['second'],
  'tenant=globex': ['late', 'third'],
  'attention=remediation': ['second', 'first'],
  'attention=overdue': ['late'],
  'cause=permanent': ['second', 'first'],
  'cause=permanent&type=order': ['first'],
  'step=charge': ['second', 'first'],
  'step=reserve': ['late'],
  'olderThan=5m': ['second', 'first'],
  'olderThan=2459999': ['first'],
  'olderThan=2460000': [],
  'type=nothing': [],
}

test('lists are filtered by type, tenant, why, step and age', async () => {
  await using site = await busySite()

  for (const [query, expected] of Object.entries(filters)) {
    const { items } = (await site.get(`/api/remediation?${query}`)).json()
    expect([query, ...items.map(({ id }: { id: string }) => id)]).toEqual([
      query,
      ...expected.map((id) => `${id}.main`),
    ])
  }
})

test('goes through a list that is longer than a page, each item once, however few of them match', async () => {
  await using site = await remediationSite()
  for (let n = 0; n < 230; n++) await site.begin(`w${n}.main`, { type: n % 2 === 0 ? 'even' : 'odd' })
  await site.stuck('stuck.main')
  const ids: string[] = []
  const pages = []
  let cursor = ''
  do {
    const page = (await site.get(`/api/remediation?cause=unknown-type&limit=60${cursor}`)).json()
    pages.push(page.items.length)
    ids.push(...page.items.map(({ id }: { id: string }) => id))
    cursor = page.next && `&cursor=${page.next}`
  } while (cursor)

  expect(pages).toEqual([60, 60, 60, 50])
  expect(new Set(ids).size).toBe(230)
  expect((await site.get('/api/remediation?cursor=nonsense')).statusCode).toBe(400)
})

test('a query that cannot be meant is 400 and says what of it', async () => {
  await using site = await remediationSite()

  for (const query of ['olderThan=soon', 'olderThan=-1', 'attention=any', 'limit=0', 'colour=red']) {
    const response = await site.get(`/api/remediation?${query}`)
    expect([response.statusCode, response.json().detail]).toEqual([
      400,
      expect.stringContaining(query.split('=')[0] ?? ''),
    ])
  }
})

test('an item comes with its journey; one that needs nobody says so, and one that there is not is 404', async () => {
  await using site = await remediationSite()
  await site.stuck('o1.main')
  await site.begin('o2.main')

  expect((await site.get('/api/remediation/o1.main')).json()).toMatchObject({
    ...{ id: 'o1.main', attention: 'remediation', acts: ['retry', 'skip', 'compensate', 'cancel'] },
    journey: { id: 'o1.main', activities: { charge: { state: 'failed', status: 402 } }, history: expect.any(Array) },
  })
  expect((await site.get('/api/remediation/o2.main')).json()).toMatchObject({ attention: null, steps: [] })
  expect((await site.get('/api/remediation/o3.main')).statusCode).toBe(404)
})

test('one that cannot be read is listed as such, with the others; what is asked of it alone says why it is refused', async () => {
  await using site = await remediationSite()
  await site.stuck('sound.main')
  await site.stuck('spoilt.main')
  await spoil(site.store, 'spoilt.main')

  const { items } = (await site.get('/api/remediation')).json()
  const unreadable = (await site.get('/api/remediation?cause=unreadable')).json().items
  const one = await site.get('/api/remediation/spoilt.main')
  const act = await site.act('spoilt.main', 'retry')

  expect(items.map(({ id, cause }: { id: string; cause: string }) => [id, cause])).toEqual([
    ['spoilt.main', 'unreadable'],
    ['sound.main', 'permanent'],
  ])
  expect(unreadable).toMatchObject([
    { id: 'spoilt.main', type: 'order', status: 'NEEDS_REMEDIATION', attention: 'remediation', acts: [] },
  ])
  expect(unreadable[0].error).toMatch(/spoilt.main cannot be read/)
  for (const { status, detail } of [one.json(), act.json])
    expect([status, detail]).toEqual([500, expect.stringMatching(/spoilt.main cannot be read.* nothing was changed/)])
})

test('pages miss nobody, whoever stops needing a person while they are read', async () => {
  await using site = await remediationSite()
  for (let n = 0; n < 5; n++) await site.stuck(`o${n}.main`)
  const { reader } = site.store
  const list = reader.listConversations.bind(reader)
  let reads = 0
  vi.spyOn(reader, 'listConversations').mockImplementation(async (...which) => {
    const page = await list(...which)
    if (++reads === 1) await site.hear({ type: 'REMEDIATION_COMMAND', sagaId: 'o4.main', act: 'cancel', ...by })
    return page
  })
  const ids = ({ items }: { items: readonly { id: string }[] }) => items.map(({ id }) => id)

  const first = (await site.get('/api/remediation?limit=2')).json()
  const second = (await site.get(`/api/remediation?limit=9&cursor=${first.next}`)).json()

  expect([ids(first), ids(second)]).toEqual([
    ['o4.main', 'o3.main'],
    ['o2.main', 'o1.main', 'o0.main'],
  ])
})
