import { expect, test, vi } from 'vitest'
import { ClosedError } from '../../../shared/bus/broker.ts'
import type { Body } from '../../../shared/events.ts'
import { FakeBroker } from '../../../shared/service/test/fake-broker.ts'
import { gatewayOn, playground } from './gateway-fixture.ts'

const order = { type: 'order', payload: { items: 3 } }
const wait = { prefer: 'wait=15' }

/** A request for a journey whose client waits. */
async function waiting(body: object = order) {
  const ground = playground()
  const [gateway, hub] = [await ground.gateway(), await ground.hub()]
  const answering = gateway.postJourney(body, wait)
  const request = await hub.ordered('order')
  hub.asked.splice(0)
  return { ...ground, gateway, hub, answering, request, id: request.data.sagaId }
}

const about = { journeyType: 'order', definitionVersion: 2, tenant: 'default' }
const ended = { ...about, durationMs: 12 }
type Ends = (sagaId: string) => Body
const ends: Readonly<Record<string, Ends>> = {
  completed: (sagaId) => ({ type: 'JOURNEY_COMPLETED', sagaId, ...ended, output: { parcel: 7 } }),
  failed: (sagaId) => ({ type: 'JOURNEY_FAILED', sagaId, ...ended, error: 'no money', step: 'charge' }),
  compensated: (sagaId) => ({
    type: 'JOURNEY_COMPENSATED',
    sagaId,
    ...ended,
    error: 'no money',
    compensated: ['reserve'],
  }),
  cancelled: (sagaId) => ({ type: 'JOURNEY_CANCELLED', sagaId, ...ended, actor: 'ann', reason: 'a test' }),
  rejected: (sagaId) => ({ type: 'JOURNEY_REJECTED', sagaId, journeyType: 'order', error: 'another payload' }),
  stuck: (sagaId) => ({
    type: 'JOURNEY_NEEDS_REMEDIATION',
    sagaId,
    ...about,
    cause: 'permanent',
    error: 'no money',
    steps: ['charge'],
  }),
  unknown: (sagaId) => ({
    type: 'JOURNEY_NEEDS_REMEDIATION',
    sagaId,
    ...about,
    cause: 'unknown-type',
    error: 'nobody has registered it',
    steps: [],
  }),
}

const problem = { title: 'Bad Gateway', type: 'about:blank', journeyType: 'order', version: 2 }
const answers: Readonly<Record<string, { status: number; body: object }>> = {
  completed: { status: 200, body: { type: 'order', version: 2, status: 'COMPLETED', output: { parcel: 7 } } },
  failed: { status: 502, body: { ...problem, status: 502, kind: 'journey-failed', detail: 'no money' } },
  compensated: {
    status: 502,
    body: { ...problem, status: 502, kind: 'journey-compensated', detail: 'no money', compensated: ['reserve'] },
  },
  cancelled: { status: 502, body: { ...problem, status: 502, kind: 'journey-cancelled', detail: 'ann: a test' } },
  rejected: { status: 409, body: { kind: 'conflict', detail: 'another payload' } },
  stuck: { status: 202, body: { status: 'NEEDS_REMEDIATION' } },
  unknown: { status: 202, body: { status: 'ACCEPTED' } },
}

test.each(Object.entries(ends))('who waits for a journey that is %s is answered', async (name, end) => {
  const { hub, gateway, answering, request, id } = await waiting()

  await hub.reply(request, end(id))
  const answer = await answering

  const { status, body } = answers[name] ?? {}
  expect([answer.statusCode, answer.json()]).toEqual([status, expect.objectContaining({ id, ...body })])
  expect(answer.headers['preference-applied']).toBe('wait=15')
  expect(answer.headers.location).toBe(status === 202 ? `/api/journeys/${id}` : undefined)
  expect(gateway.watches.size).toBe(0)
})

const shown = { type: 'order', version: 2, tenant: 'default', payload: order.payload }
test.each([
  ['completed', { status: 'COMPLETED', output: { parcel: 7 } }],
  ['failed', { status: 'FAILED', error: 'no money' }],
  ['compensated', { status: 'COMPENSATED', error: 'no money', compensated: ['reserve'] }],
  ['cancelled', { status: 'CANCELLED', cancelledBy: { actor: 'ann', reason: 'a test' } }],
  ['stuck', { status: 'NEEDS_REMEDIATION', error: 'no money' }],
  ['unknown', { status: 'ACCEPTED', waitingFor: 'definition' }],
])('an answer that was lost is found by asking: %s', async (name, more) => {
  const { clock, hub, answering, id } = await waiting()

  hub.views.set(`journey ${id}`, { id, ...shown, status: 'RUNNING' })
  await clock.advance(2_000)
  hub.views.set(`journey ${id}`, { id, ...shown, ...more })
  await clock.advance(4_000)
  const answer = await answering

  const { status, body } = answers[name] ?? {}
  expect([answer.statusCode, answer.json()]).toEqual([status, expect.objectContaining({ id, ...body })])
  expect(hub.asked).toEqual([`journey ${id}`, `journey ${id}`])
})

test('the end of a journey with the same key but another payload is not told as our own', async () => {
  const { clock, hub, answering, id } = await waiting({ ...order, key: 'a' })

  hub.views.set(`journey ${id}`, { id, ...shown, payload: 'another', status: 'COMPLETED' })
  await clock.advance(2_000)

  expect((await answering).json()).toMatchObject({ status: 409, kind: 'conflict', id })
})

test('202 when the time has passed, and not before', async () => {
  const { clock, gateway, hub, answering, id } = await waiting()
  const answered = vi.fn()
  void answering.then(answered)
  hub.views.set(`journey ${id}`, { id, ...shown, status: 'ACCEPTED' })

  await clock.advance(14_999)
  expect(answered).not.toHaveBeenCalled()
  await clock.advance(1)
  const answer = await answering

  expect([answer.statusCode, answer.json()]).toEqual([202, { id, status: 'ACCEPTED' }])
  expect(gateway.watches.size).toBe(0)
})

test('replies under one correlation id are not mistaken for each other', async () => {
  const ground = playground()
  const [one, other, hub] = [await ground.gateway(), await ground.gateway(), await ground.hub()]
  const headers = { ...wait, 'x-correlation-id': 'same' }
  const types = ['a', 'b', 'c']

  const answering = types.map((type, i) => (i % 2 ? other : one).postJourney({ type, payload: i }, headers))
  const requests = await Promise.all(types.map((type) => hub.ordered(type)))
  for (const request of requests.toReversed()) {
    const { sagaId } = request.data
    await hub.reply(request, { type: 'JOURNEY_COMPLETED', sagaId, ...ended, output: sagaId })
  }

  const outputs = (await Promise.all(answering)).map((answer) => answer.json().output)
  expect(outputs).toEqual(requests.map(({ data }) => data.sagaId))
})

test('J2: two replicas with one key are both answered with the end of the one journey', async () => {
  const ground = playground()
  const [one, other, hub] = [await ground.gateway(), await ground.gateway(), await ground.hub()]

  const answering = [one, other].map((replica) => replica.postJourney({ ...order, key: 'a' }, wait))
  await vi.waitFor(() => expect(hub.journeys).toHaveLength(2))
  for (const request of hub.journeys)
    await hub.reply(request, { type: 'JOURNEY_COMPLETED', sagaId: request.data.sagaId, ...ended })
  const bodies = (await Promise.all(answering)).map((answer) => answer.json())

  expect(bodies[0]).toMatchObject({ status: 'COMPLETED' })
  expect(bodies[1]).toEqual(bodies[0])
})

test.each([
  [order, /without a key that starts another one/],
  [{ ...order, key: 'a' }, /Repeat with the same key/],
])('D2: a request that the broker refuses is 503, which says what to do: %j', async (body, what) => {
  const ground = playground()
  const { bus, asker } = await ground.gateway()
  await ground.hub()
  const broker = new FakeBroker()
  broker.publish = () => Promise.reject(new ClosedError('gone'))
  broker.become('up')
  const gateway = await gatewayOn({ bus: { ...bus, broker }, asker })

  const answer = await gateway.postJourney(body, wait)

  expect([answer.statusCode, answer.headers['retry-after'], answer.headers.location]).toEqual([503, '5', undefined])
  expect(answer.json().detail).toMatch(/may still start/)
  expect(answer.json().detail).toMatch(what)
  expect(gateway.watches.size).toBe(0)
})
