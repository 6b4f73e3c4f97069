import { expect, test } from 'vitest'
import { fakeHeldOperations, heldRow } from './fake-held.ts'
import { doneBody, flowBody, groupBody, hubFixture, START_MS } from './hub-fixture.ts'
import { shownKinds } from './shown-kinds.ts'

const idsOf = (response: { json(): { items: readonly { id: string }[] } }) => response.json().items.map(({ id }) => id)

test('a group is shown with its status, members, timers and history', async () => {
  await using hub = await hubFixture()
  await hub.hear(groupBody('g1'), doneBody('g1', 'a'))

  const response = await hub.get('/api/groups/g1')

  expect(response.statusCode).toBe(200)
  expect(response.json()).toMatchObject({
    id: 'g1',
    type: 'group',
    status: 'open',
    createdAt: '2026-01-01T00:00:00.000Z',
    endedAt: null,
    missing: ['b'],
    history: [{ at: '2026-01-01T00:00:00.000Z', what: 'opened' }, expect.anything()],
    timers: [{ id: 'group:g1:deadline', due: '2026-01-01T00:00:30.000Z', token: 1, overdueMs: 0 }],
  })
})

test('a group of whose thread something is held shows where, by which rule and since when; its frozen timers too', async () => {
  const held = fakeHeldOperations()
  await using hub = await hubFixture({ held })
  await hub.hear(groupBody('g1'))
  const parked = { place: 'ebs.sideline.acme.process_consume', rule: 'acme#1', state: 'released' as const }
  held.held.heldOf.mockReturnValue([heldRow(), heldRow({ id: 'h2', ...parked })])
  await hub.store.write((tx) => tx.frozen.freeze([{ kind: 'group', key: 'g1' }], START_MS))

  const { held: shown, frozenTimers, timers } = (await hub.get('/api/groups/g1')).json()

  const common = { since: '2026-01-01T00:00:00.000Z', type: 'TASK_CREATED', messageId: 'm1' }
  expect(shown).toEqual([
    { id: 'h1', where: 'process_consume.dead', state: 'held', ...common },
    { id: 'h2', where: parked.place, rule: 'acme#1', state: 'released', ...common },
  ])
  expect([timers, frozenTimers]).toEqual([
    [],
    [{ id: 'group:g1:deadline', name: 'deadline', leftMs: 30_000, since: '2026-01-01T00:00:00.000Z' }],
  ])
  const { correlationId } = (await hub.get('/api/groups')).json().items[0]
  expect(held.held.heldOf.mock.calls).toEqual([[correlationId, 100]])
})

test('rules and jobs are no conversations: they are cancelled by acts of their own', async () => {
  await using hub = await hubFixture({ kinds: shownKinds })
  const answers = [await hub.post('/api/sidelines/x/cancel'), await hub.post('/api/replays/x/cancel')]
  expect(answers.map((response) => response.json().detail)).toEqual([
    expect.stringContaining('There is nothing at /api/sidelines/x/cancel'),
    expect.stringContaining('There is no replay x'),
  ])
})

test('an id with anything in it is found under its url-encoded form', async () => {
  await using hub = await hubFixture()
  const id = 'ä/b:c~d%2F e'.padEnd(128, '語')
  await hub.hear(groupBody(id))

  expect((await hub.get(`/api/groups/${encodeURIComponent(id)}`)).json()).toMatchObject({ id, status: 'open' })
})

test('lists are newest first, filtered, and follow each other by cursor without a gap', async () => {
  await using hub = await hubFixture()
  for (const id of ['g1', 'g2', 'g3']) {
    await hub.hear(groupBody(id, ['a']))
    await hub.clock.advance(1_000)
  }
  await hub.hear(doneBody('g2', 'a'))

  const first = await hub.get('/api/groups?limit=2')
  const second = await hub.get(`/api/groups?limit=2&cursor=${encodeURIComponent(first.json().next)}`)
  const [open, ended, success, early, flows] = await Promise.all(
    [
      'groups?open=true',
      'groups?open=false',
      'groups?status=success',
      'groups?createdBefore=2026-01-01T00:00:01Z',
      'flows',
    ].map((url) => hub.get(`/api/${url}`)),
  )

  expect([idsOf(first), idsOf(second), second.json().next]).toEqual([['g3', 'g2'], ['g1'], undefined])
  expect([open, ended, success, early, flows].map((response) => response && idsOf(response))).toEqual([
    ['g3', 'g1'],
    ['g2'],
    ['g2'],
    ['g1'],
    [],
  ])
})

test.each([
  'limit=0',
  'limit=1001',
  'open=maybe',
  'createdBefore=yesterday',
  'unknown=1',
  'cursor=',
  'cursor=nonsense',
])('a list refuses ?%s', async (query) => {
  await using hub = await hubFixture()
  expect((await hub.get(`/api/groups?${query}`)).statusCode).toBe(400)
})

test('a cancelled group has ended, says by whom and why, and takes its timers along; cancelling again is 409', async () => {
  await using hub = await hubFixture()
  await hub.hear(groupBody('g1'))

  const first = await hub.post('/api/groups/g1/cancel', { actor: 'ann', reason: 'no longer wanted' })
  const second = await hub.post('/api/groups/g1/cancel')

  expect([first.statusCode, second.statusCode]).toEqual([200, 409])
  expect(first.json()).toMatchObject({ status: 'failure', timers: [] })
  expect(JSON.stringify(first.json())).toContain('ann: no longer wanted')
  expect(second.json()).toMatchObject({ status: 409, ended: { status: 'failure', at: '2026-01-01T00:00:00.000Z' } })
  expect(second.json().detail).toBe(
    'The group g1 is failure since 2026-01-01T00:00:00.000Z; there is nothing to cancel.',
  )
  // Its wake-up, and its end once.
  expect(hub.store.countPending()).toBe(2)
})

test('a cancelled flow ends with its one error reply, and no timer is left', async () => {
  await using hub = await hubFixture()
  await hub.hear(flowBody('f1'))

  const response = await hub.post('/api/flows/f1/cancel', { actor: 'ann', reason: 'no longer wanted' })

  expect(response.statusCode).toBe(200)
  expect(response.json()).toMatchObject({
    status: 'error',
    result: { type: 'FLOW_FAILED', kind: 'cancelled' },
    timers: [],
  })
  expect(hub.store.reader.countTimers()).toBe(0)
})

test.each([
  ['GET', '/api/groups/none'],
  ['GET', '/api/flows/none'],
  ['POST', '/api/groups/none/cancel'],
  ['POST', '/api/flows/none/cancel'],
])('%s %s is 404 and names the id', async (method, url) => {
  await using hub = await hubFixture()
  const response = await (method === 'GET' ? hub.get(url) : hub.post(url))
  expect([response.statusCode, response.json().detail]).toEqual([404, expect.stringContaining('none')])
})

test.each([{}, { actor: 'ann' }, { actor: ' ', reason: 'x' }, { actor: 'ann', reason: 'x', more: 1 }])(
  'an act without who and why is refused: %j',
  async (body) => {
    await using hub = await hubFixture()
    await hub.hear(groupBody('g1'))
    expect((await hub.post('/api/groups/g1/cancel', body)).statusCode).toBe(400)
    expect((await hub.get('/api/groups/g1')).json().status).toBe('open')
  },
)

test('a database that takes no writes is a passing trouble: 503 with Retry-After', async () => {
  await using hub = await hubFixture()
  await hub.hear(groupBody('g1'))
  await hub.store.close()

  const response = await hub.post('/api/groups/g1/cancel')

  expect([response.statusCode, response.headers['retry-after']]).toEqual([503, '5'])
})
