import { expect, test } from 'vitest'
import { activityPlan, activityQueueOf, queues } from '../../../../shared/topology.ts'
import { hubFixture } from '../../test/hub-fixture.ts'
import { trip } from './journey-site.ts'

type Hub = Awaited<ReturnType<typeof hubFixture>>
const activities = ['book.flight', 'book.hotel', 'mail']
const version = (n: number, changed: object = {}) => ({ ...trip, version: n, ...changed })

/** A hub with its broker up. */
async function hubUp(): Promise<Hub> {
  const hub = await hubFixture()
  await hub.broker.ready()
  return hub
}
const register = (hub: Hub, document: object, headers?: Record<string, string>) =>
  hub.post('/api/definitions', document, headers)
const outboxOf = (hub: Hub) => hub.store.readPending(0, 100).map(({ body }) => JSON.parse(body))

test('J1: registered: 201 with its place and what is suspicious; said on the bus; its queues are there; the same again is 200', async () => {
  await using hub = await hubUp()

  const first = await register(hub, trip, { 'x-ebs-actor': 'ann', 'x-ebs-reason': 'summer' })

  expect([first.statusCode, first.headers.location]).toEqual([201, '/api/definitions/trip/1'])
  expect(first.json()).toMatchObject({ type: 'trip', version: 1 })
  for (const activity of activities) {
    expect(await hub.broker.inspect(activityQueueOf(activity))).toMatchObject({ messages: 0, consumers: 0 })
    expect(first.json().warnings).toContainEqual(expect.stringContaining(`nobody consumes activity.${activity} yet`))
  }
  expect(outboxOf(hub)).toEqual([
    { type: 'DEFINITION_REGISTERED', journeyType: 'trip', definitionVersion: 1, actor: 'ann', reason: 'summer' },
  ])

  for (const activity of activities)
    await hub.broker.consume(activityQueueOf(activity), { prefetch: 1 }, () => undefined)
  const again = await register(hub, Object.fromEntries(Object.entries(trip).toReversed()))
  expect([again.statusCode, again.json()]).toEqual([200, { type: 'trip', version: 1, warnings: [] }])
  expect(outboxOf(hub)).toHaveLength(1)
  expect((await hub.get('/api/definitions/trip')).json()).toMatchObject({ actor: 'ann', reason: 'summer' })
})

test('J1: versions never change: another document with the same version is 409 with the difference, and changes nothing', async () => {
  await using hub = await hubUp()
  await register(hub, trip)

  const changed = await register(hub, version(1, { deadline: '2m', output: undefined }))

  expect(changed.statusCode).toBe(409)
  expect(changed.json()).toMatchObject({
    detail: expect.stringContaining('differs in deadline, output: register what has changed as version 2'),
    differences: [
      { field: 'deadline', from: '1m', to: '2m' },
      { field: 'output', from: trip.output },
    ],
  })
  expect((await hub.get('/api/definitions/trip/1')).json().document).toEqual(trip)
})

test('J1: an invalid document is 422 with every fault at once, and nothing is registered or declared', async () => {
  await using hub = await hubUp()
  const { flight, hotel, mail } = trip.activities
  const activities = { flight: { ...flight, after: ['mail'] }, hotel: { ...hotel, input: 'payload.' }, mail }

  const response = await register(hub, version(0, { activities, colour: 'red' }))

  expect(response.statusCode).toBe(422)
  const { errors } = response.json()
  expect(errors.length).toBeGreaterThanOrEqual(3)
  for (const fault of errors)
    expect(fault).toEqual({ field: expect.any(String), message: expect.any(String), in: 'body' })
  expect((await hub.get('/api/definitions')).json()).toEqual({ items: [] })
  expect(await hub.broker.inspect('activity.mail')).toBeUndefined()
})

test.each(['null', '[]', '"trip"', '1', '{}', '{"activities":{}}'])(
  'a body that is no definition is refused: %s',
  async (body) => {
    await using hub = await hubUp()
    const response = await hub.postText('/api/definitions', body)
    expect([response.statusCode, response.json().title]).toEqual([422, 'Invalid definition'])
  },
)

test('lists by type, newest first, only the newest, page by page; one version, the newest, where two differ; the schema', async () => {
  await using hub = await hubUp()
  for (const document of [trip, version(2, { deadline: '2m' }), { ...trip, type: 'cruise.long' }])
    await register(hub, document)
  const named = async (query: string) =>
    (await hub.get(`/api/definitions${query}`))
      .json()
      .items.map(({ type, version }: typeof trip) => `${type} ${version}`)

  expect(await named('')).toEqual(['cruise.long 1', 'trip 2', 'trip 1'])
  expect(await named('?latest=true')).toEqual(['cruise.long 1', 'trip 2'])
  expect(await named('?type=trip')).toEqual(['trip 2', 'trip 1'])
  const { next } = (await hub.get('/api/definitions?limit=2')).json()
  expect(await named(`?limit=2&cursor=${encodeURIComponent(next)}`)).toEqual(['trip 1'])
  expect((await hub.get('/api/definitions/trip')).json()).toMatchObject({
    version: 2,
    steps: ['flight', 'hotel', 'mail'],
  })
  expect((await hub.get('/api/definitions/cruise.long/1')).json()).toMatchObject({ type: 'cruise.long' })
  expect((await hub.get('/api/definitions/trip/diff?from=1&to=2')).json()).toEqual({
    ...{ type: 'trip', from: 1, to: 2 },
    differences: [
      { field: 'version', from: 1, to: 2 },
      { field: 'deadline', from: '1m', to: '2m' },
    ],
  })
  expect((await hub.get('/api/definitions/schema')).json()).toMatchObject({
    type: 'object',
    additionalProperties: false,
  })
})

test.each(['none', 'trip/3', 'trip/diff?from=1&to=9'])('GET /api/definitions/%s is 404', async (path) => {
  await using hub = await hubUp()
  await register(hub, trip)
  const response = await hub.get(`/api/definitions/${path}`)
  expect([response.statusCode, response.json().detail]).toEqual([
    404,
    expect.stringContaining('GET /api/definitions lists'),
  ])
})

test('while the broker is away nothing is registered: 503 with Retry-After', async () => {
  await using hub = await hubUp()
  await hub.broker.close()
  const response = await register(hub, trip)
  expect([response.statusCode, response.headers['retry-after']]).toEqual([503, '1'])
  expect((await hub.get('/api/definitions')).json()).toEqual({ items: [] })
})

test('D8: a queue of that name which is made otherwise is 409 with the difference, and nothing is registered', async () => {
  await using hub = await hubUp()
  await hub.broker.declare({ name: 'activity.mail', arguments: { 'x-queue-type': 'classic' } })

  const response = await register(hub, trip)

  expect([response.statusCode, response.json().detail]).toEqual([409, expect.stringContaining('activity.mail')])
  expect((await hub.get('/api/definitions')).json()).toEqual({ items: [] })
})

test('queues of activities may have dead letters and sideline rules, but only rules that name them are about them', async () => {
  await using hub = await hubUp()
  await hub.broker.extend(activityPlan('mail', 'quorum'))
  const known = async () => (await hub.get('/api/dead?queue=activity.mail')).statusCode
  const { sidelineTerms } = hub.operations
  expect([await known(), sidelineTerms.queues.includes('activity.mail')]).toEqual([422, false])

  await register(hub, trip)

  expect([await known(), sidelineTerms.queues.includes('activity.mail')]).toEqual([200, true])
  expect(sidelineTerms.defaultQueues.every((queue) => Object.hasOwn(queues, queue))).toBe(true)
})
