import { expect, test } from 'vitest'
import { fakeHeldOperations, heldRow } from './fake-held.ts'
import { hubFixture } from './hub-fixture.ts'
import { jobShown, put, shownKinds } from './shown-kinds.ts'

async function replayFixture() {
  const held = fakeHeldOperations()
  const hub = await hubFixture({ kinds: shownKinds, held })
  const job = (status: string, fields: object = {}, key = 'j1') =>
    put(hub.store, 'replay', { key, status, state: jobShown(fields), hasEnded: /completed|cancelled/.test(status) })
  return { ...hub, held, job, [Symbol.asyncDispose]: () => hub[Symbol.asyncDispose]() }
}

test('a job is shown with its counts, sources and history', async () => {
  await using hub = await replayFixture()
  await hub.job('running', { rule: 'acme#1', canary: 10 })

  const response = await hub.get('/api/replays/j1/')

  expect([response.statusCode, response.json()]).toEqual([
    200,
    expect.objectContaining({
      ...jobShown({ rule: 'acme#1', canary: 10 }),
      ...{ id: 'j1', status: 'running', startedAt: '2026-01-01T00:00:00.000Z', endedAt: null, timers: [] },
      history: [{ at: '2026-01-01T00:00:00.000Z', what: 'running' }],
    }),
  ])
})

test('jobs are listed newest first, by status, open or over', async () => {
  await using hub = await replayFixture()
  await hub.job('completed', {}, 'j1')
  await hub.job('running', {}, 'j2')
  await hub.job('stopped', { stopReason: 'too many failed' }, 'j3')

  const lists = await Promise.all(
    ['', '?status=running', '?open=true', '?open=false'].map((query) => hub.get(`/api/replays${query}`)),
  )

  expect(lists.map((list) => list.json().items.map(({ id }: { id: string }) => id))).toEqual([
    ['j3', 'j2', 'j1'],
    ['j2'],
    ['j3', 'j2'],
    ['j1'],
  ])
})

test('what became of each of its messages is listed', async () => {
  await using hub = await replayFixture()
  await hub.job('running')
  hub.held.held.listHeld.mockReturnValue({ items: [heldRow({ state: 'dead', job: 'j1' })], next: undefined })

  const response = await hub.get('/api/replays/j1/messages?state=dead&limit=5')

  expect(response.json().items).toEqual([expect.objectContaining({ id: 'h1', state: 'dead', replay: 'j1' })])
  expect(hub.held.held.listHeld.mock.calls).toEqual([
    [
      { job: 'j1', states: ['dead'] },
      { limit: 5, cursor: undefined },
    ],
  ])
})

test.each([
  ['pause', 'running', 'paused'],
  ['resume', 'stopped', 'running'],
  ['cancel', 'paused', 'cancelled'],
])('%s of a job that is %s answers with the job, now %s', async (action, before, after) => {
  await using hub = await replayFixture()
  await hub.job(before)
  hub.held.tell.mockImplementation(async () => {
    await hub.job(after)
    return {}
  })

  const response = await hub.post(`/api/replays/j1/${action}`)

  expect([response.statusCode, response.json().status]).toEqual([200, after])
  expect(hub.held.tell.mock.calls).toEqual([
    [{ type: 'REPLAY_COMMAND', id: 'j1', action, actor: 'ann', reason: 'test' }],
  ])
})

test.each([
  ['refused', 'completed', { refused: 'It is over.' }, 'Already ended', 'It is over.'],
  ['no news', 'paused', {}, 'Not now', 'The replay j1 is paused: there is nothing to pause.'],
])('an act that is %s is 409 with the status', async (_, status, told, title, detail) => {
  await using hub = await replayFixture()
  await hub.job(status)
  hub.held.tell.mockResolvedValue(told)

  const response = await hub.post('/api/replays/j1/pause')

  expect([response.statusCode, response.json()]).toEqual([
    409,
    expect.objectContaining({ title, detail, replay: expect.objectContaining({ id: 'j1', status }) }),
  ])
})

test.each([
  ['GET', '/api/replays/none'],
  ['GET', '/api/replays/none/messages'],
  ['POST', '/api/replays/none/pause'],
  ['POST', '/api/replays/none/resume'],
  ['POST', '/api/replays/none/cancel'],
])('%s %s is 404 and tells the kernel nothing', async (method, url) => {
  await using hub = await replayFixture()
  const response = await (method === 'GET' ? hub.get(url) : hub.post(url))
  expect([response.statusCode, response.json().detail]).toEqual([404, expect.stringContaining('no replay none')])
  expect(hub.held.tell).not.toHaveBeenCalled()
})

test.each([{}, { actor: 'ann' }, { actor: 'ann', reason: 'x', rate: 1 }])(
  'an act with the body %j is 400',
  async (body) => {
    await using hub = await replayFixture()
    await hub.job('running')
    expect((await hub.post('/api/replays/j1/pause', body)).statusCode).toBe(400)
    expect(hub.held.tell).not.toHaveBeenCalled()
  },
)
