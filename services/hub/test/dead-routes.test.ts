import { expect, test } from 'vitest'
import { InvalidCursorError } from '../../../shared/store/conversations.ts'
import { StoreUnavailableError } from '../../../shared/store/store.ts'
import type { ReplayAnswer } from '../held-operations.ts'
import { fakeHeldOperations, heldRow } from './fake-held.ts'
import { groupBody, hubFixture } from './hub-fixture.ts'

const by = { actor: 'ann', reason: 'fixed' }
const here = ['held', 'chosen']

async function deadFixture() {
  const held = fakeHeldOperations()
  const hub = await hubFixture({ held })
  return { ...hub, held, [Symbol.asyncDispose]: () => hub[Symbol.asyncDispose]() }
}

test.each([
  ['', { isParked: false, states: here }],
  ['?queue=process_consume', { isParked: false, queue: 'process_consume', states: here }],
  ['?queue=ebs.unrouted', { isParked: false, place: 'ebs.unrouted', states: here }],
  [
    '?fingerprint=f1&type=TASK_CREATED&tenant=acme&state=handled',
    { isParked: false, fingerprint: 'f1', type: 'TASK_CREATED', tenant: 'acme', states: ['handled'] },
  ],
  ['?state=all', { isParked: false, states: undefined }],
])('GET /api/dead%s lists what is dead or unrouted, never what is parked', async (query, filter) => {
  await using hub = await deadFixture()
  hub.held.held.listHeld.mockReturnValue({ items: [heldRow()], next: 'more' })

  const response = await hub.get(`/api/dead${query}`)

  expect(response.json()).toEqual({
    items: [
      {
        ...{ id: 'h1', place: 'process_consume.dead', queue: 'process_consume', state: 'held', messageId: 'm1' },
        ...{ type: 'TASK_CREATED', key: 'task-requests', tenant: 'acme', correlationId: 'o1', rule: null },
        ...{ reason: 'exhausted', error: 'Error: no disk', attempts: 26, fingerprint: 'f1', replay: null },
        firstFailedAt: '2025-12-31T23:59:00.000Z',
        heldAt: '2026-01-01T00:00:00.000Z',
        changedAt: '2026-01-01T00:00:00.000Z',
      },
    ],
    next: 'more',
  })
  expect(hub.held.held.listHeld.mock.calls).toEqual([[filter, { limit: 100, cursor: undefined }]])
})

test('where searches in contents; one that does not compile is 422', async () => {
  await using hub = await deadFixture()
  hub.held.search.mockResolvedValue({ items: [heldRow()], next: undefined })

  const found = await hub.get(`/api/dead?limit=7&where=${encodeURIComponent('event.object.name == "x"')}`)
  const refused = await hub.get(`/api/dead?where=${encodeURIComponent('event.')}`)

  expect(found.json().items).toHaveLength(1)
  expect(hub.held.search.mock.calls).toEqual([
    [
      { filter: { isParked: false, states: here }, where: 'event.object.name == "x"' },
      { limit: 7, cursor: undefined },
    ],
  ])
  expect([refused.statusCode, refused.json().errors]).toEqual([
    422,
    [expect.objectContaining({ field: 'where', position: expect.any(Number) })],
  ])
})

test('a queue that there is not is 422 and lists those that there are; one that has dead letters left is known', async () => {
  await using hub = await deadFixture()
  hub.held.held.countByPlace.mockReturnValue([{ place: 'activity.charge.dead', count: 1 }])

  const [unknown, old] = [await hub.get('/api/dead?queue=proces'), await hub.get('/api/dead?queue=activity.charge')]

  expect([unknown.statusCode, unknown.json().known]).toEqual([
    422,
    expect.arrayContaining(['process_consume', 'ebs.unrouted']),
  ])
  expect(old.statusCode).toBe(200)
})

test('groups are listed by queue, type and tenant', async () => {
  await using hub = await deadFixture()
  const group = {
    fingerprint: 'f1',
    queue: 'process_consume',
    type: 'T',
    reason: 'exhausted',
    error: 'Error: <n>',
    count: 200,
  }
  hub.held.held.listGroups.mockReturnValue({
    items: [{ ...group, firstAtMs: 0, lastAtMs: 1_000, example: 'h1' }],
    next: undefined,
  })

  const response = await hub.get('/api/dead/groups?queue=process_consume&tenant=acme')

  expect(response.json().items).toEqual([
    { ...group, firstAt: '1970-01-01T00:00:00.000Z', lastAt: '1970-01-01T00:00:01.000Z', example: 'h1' },
  ])
  expect(hub.held.held.listGroups.mock.calls[0]?.[0]).toEqual({
    isParked: false,
    queue: 'process_consume',
    tenant: 'acme',
  })
})

const contents = [
  { what: 'JSON', body: Buffer.from('{"a":[1]}'), shown: { body: { a: [1] }, bodyIs: 'json', bodyBytes: 9 } },
  { what: 'text', body: Buffer.from('{"a":'), shown: { body: '{"a":', bodyIs: 'text', bodyBytes: 5 } },
  { what: 'nothing', body: Buffer.alloc(0), shown: { body: '', bodyIs: 'text', bodyBytes: 0 } },
  { what: 'bytes', body: Buffer.from([0xff, 0xfe]), shown: { body: '//4=', bodyIs: 'base64', bodyBytes: 2 } },
  {
    what: 'JSON that is nested too deep',
    body: Buffer.from('['.repeat(65) + ']'.repeat(65)),
    shown: { body: '['.repeat(65) + ']'.repeat(65), bodyIs: 'text', bodyBytes: 130 },
  },
  {
    what: 'more than any event, cut within a character',
    body: Buffer.from(`x${'ä'.repeat(600_000)}`),
    shown: { body: `x${'ä'.repeat(524_287)}`, bodyIs: 'text', bodyBytes: 1_200_001 },
  },
]
test.each(contents)('a message is shown with its content: $what', async ({ body, shown }) => {
  await using hub = await deadFixture()
  hub.held.held.findHeld.mockReturnValue(heldRow())
  const properties = { messageId: 'm1', headers: { 'x-ebs-reason': 'exhausted' } }
  hub.held.contents.fetch.mockResolvedValue(new Map([['h1', { body, properties, edited: 'ann: typo' }]]))

  const response = await hub.get('/api/dead/h1')

  expect(response.json()).toMatchObject({ id: 'h1', reason: 'exhausted', ...shown, properties, edited: 'ann: typo' })
})

test('a message is shown with the conversations that it belongs to', async () => {
  await using hub = await deadFixture()
  await hub.hear(groupBody('g 1'), groupBody('o1'))
  hub.held.held.findHeld.mockReturnValue(heldRow())
  const body = Buffer.from(JSON.stringify({ type: 'EventGroupCollectorEntityDone', id: 'a', group: 'g 1', result: 1 }))
  hub.held.contents.fetch.mockResolvedValue(new Map([['h1', { body, properties: { headers: {} }, edited: null }]]))

  expect((await hub.get('/api/dead/h1')).json().conversations).toEqual(['/api/groups/g%201', '/api/groups/o1'])
})

test('of a message that is in its place no more the content is not known, and the row is', async () => {
  await using hub = await deadFixture()
  hub.held.held.findHeld.mockReturnValue(heldRow({ state: 'gone' }))
  expect((await hub.get('/api/dead/h1')).json()).toMatchObject({ state: 'gone', body: null, bodyIs: null })
})

test('an id that nobody holds is 404, and says that it is not the message id', async () => {
  await using hub = await deadFixture()
  const response = await hub.get('/api/dead/m1')
  expect([response.statusCode, response.json().detail]).toEqual([404, expect.stringContaining('not the message id')])
})

test.each(['replay', 'discard', 'archive'] as const)('%s asks for a job and answers with its id', async (act) => {
  await using hub = await deadFixture()
  hub.held.replays.request.mockResolvedValue({ outcome: 'requested', id: 'j1', count: 200 })

  const response = await hub.post(`/api/dead/${act}`, {
    filter: { queue: 'process_consume', fingerprint: 'f1', where: 'tenant == "acme"' },
    ...by,
    ...{ canary: 10, rate: 50, maxFailure: 5, force: true },
  })

  expect([response.statusCode, response.headers.location, response.json()]).toEqual([
    202,
    '/api/replays/j1',
    { replay: 'j1', count: 200 },
  ])
  expect(hub.held.replays.request.mock.calls).toEqual([
    [
      {
        act,
        filter: { isParked: false, queue: 'process_consume', fingerprint: 'f1', states: ['held'] },
        where: 'tenant == "acme"',
        by,
        pacing: { canary: 10, rate: 50, maxFailure: 5 },
        force: true,
        dryRun: false,
      },
    ],
  ])
})

test('a dry run only counts, and says how many need force', async () => {
  await using hub = await deadFixture()
  hub.held.replays.request.mockResolvedValue({ outcome: 'counted', count: 200, old: 3 })
  const response = await hub.post('/api/dead/replay', { filter: { ids: ['h1'] }, ...by, dryRun: true })
  expect([response.statusCode, response.json()]).toEqual([200, { count: 200, needForce: 3 }])
})

const refusals: readonly [string, ReplayAnswer, object][] = [
  ['matches nothing', { outcome: 'empty' }, { title: 'Nothing matches' }],
  [
    'holds what is too old',
    { outcome: 'too-old', count: 9, old: 3, olderThanDays: 30 },
    { title: 'Too old', count: 9, needForce: 3, detail: expect.stringMatching(/3 of 9 .* 30 days.*"force": true/) },
  ],
  ['is refused', { outcome: 'refused', reason: 'Too many.' }, { title: 'Refused', detail: 'Too many.' }],
]
test.each(refusals)('a bulk act whose set %s is 409', async (_, answer, problem) => {
  await using hub = await deadFixture()
  hub.held.replays.request.mockResolvedValue(answer)
  const response = await hub.post('/api/dead/replay', { filter: { type: 'T' }, ...by })
  expect([response.statusCode, response.json()]).toEqual([409, expect.objectContaining(problem)])
})

test('everything is only meant by whoever says so', async () => {
  await using hub = await deadFixture()

  const refused = await hub.post('/api/dead/discard', { filter: {}, ...by })
  const all = await hub.post('/api/dead/discard', { filter: {}, all: true, ...by })

  expect([refused.statusCode, refused.json().detail]).toEqual([400, expect.stringContaining('"all": true')])
  expect(hub.held.replays.request.mock.calls).toEqual([
    [expect.objectContaining({ filter: { isParked: false, states: ['held'] } })],
  ])
  expect(all.statusCode).toBe(409)
})

test.each([
  ['400', 'no filter', {}],
  ['400', 'a filter that is misspelt', { filter: { queu: 'process_consume' } }],
  ['400', 'no ids', { filter: { ids: [] } }],
  ['400', 'more ids than one request takes', { filter: { ids: Array.from({ length: 1_001 }, (_, n) => `h${n}`) } }],
  ['400', 'nobody who acts', { filter: { type: 'T' }, actor: undefined }],
  ['400', 'a share of failures above all', { filter: { type: 'T' }, maxFailure: 101 }],
  ['400', 'more than is known', { filter: { type: 'T' }, more: 1 }],
  ['422', 'an expression that does not compile', { filter: { where: 'event.' } }],
  ['422', 'an unknown queue', { filter: { queue: 'proces' } }],
])('%s for a bulk act with %s, and no job', async (status, _, body) => {
  await using hub = await deadFixture()
  expect((await hub.post('/api/dead/replay', { ...by, ...body })).statusCode).toBe(Number(status))
  expect(hub.held.replays.request).not.toHaveBeenCalled()
})

test('an edit is kept with who and why', async () => {
  await using hub = await deadFixture()
  hub.held.edit.mockResolvedValue({ outcome: 'edited', edited: 'ann: fixed' })

  const response = await hub.post('/api/dead/h1/edit', { body: { type: 'T' }, ...by })

  expect([response.statusCode, response.json()]).toEqual([200, { id: 'h1', edited: 'ann: fixed' }])
  expect(hub.held.edit.mock.calls).toEqual([['h1', { type: 'T' }, by]])
})

test.each([
  [404, { outcome: 'unknown' as const }, {}],
  [409, { outcome: 'not-held' as const, state: 'released' as const }, { state: 'released' }],
  [
    422,
    { outcome: 'invalid' as const, errors: [{ field: 'task.id', message: 'expected a string' }] },
    {
      detail: expect.stringContaining('task.id: expected a string'),
      errors: [{ field: 'task.id', message: 'expected a string' }],
    },
  ],
])('an edit is refused with %i', async (status, answer, problem) => {
  await using hub = await deadFixture()
  hub.held.edit.mockResolvedValue(answer)
  const response = await hub.post('/api/dead/h1/edit', { body: {}, ...by })
  expect([response.statusCode, response.json()]).toEqual([status, expect.objectContaining(problem)])
})

test.each([['text'], [[1]], [null], [undefined]])('an edit to %j is 400', async (body) => {
  await using hub = await deadFixture()
  expect((await hub.post('/api/dead/h1/edit', { body, ...by })).statusCode).toBe(400)
  expect(hub.held.edit).not.toHaveBeenCalled()
})

test('a cursor of another list is 400, a catalogue that cannot be read 503', async () => {
  await using hub = await deadFixture()
  hub.held.held.listHeld.mockRejectedValueOnce(new InvalidCursorError('no cursor'))
  hub.held.held.listHeld.mockRejectedValueOnce(new StoreUnavailableError('disk full'))

  const answers = [await hub.get('/api/dead?cursor=x'), await hub.get('/api/dead')]

  expect(answers.map(({ statusCode }) => statusCode)).toEqual([400, 503])
})
