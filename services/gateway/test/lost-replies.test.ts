import { expect, onTestFinished, test, vi } from 'vitest'
import { TooManyQuestionsError } from '../../../shared/bus/ask.ts'
import { ClosedError } from '../../../shared/bus/broker.ts'
import { FakeBroker } from '../../../shared/service/test/fake-broker.ts'
import { failed, gatewayOn, playground, succeeded } from './gateway-fixture.ts'

const wait = { prefer: 'wait=15' }
const request = { type: 'FLOW_REQUESTED', flowId: 'f', length: 3, mode: 'parallel' }
const shown = (status: string, members: object) => ({ id: 'f', type: 'flow', version: 7, status, ...members })

/** A request that waits while its direct reply is lost: the hub only knows the flow once it is asked. */
async function waiting(payload: object, headers: Readonly<Record<string, string>> = wait) {
  const ground = playground()
  const [gateway, hub] = [await ground.gateway(), await ground.hub()]
  const answering = gateway.post({ flowId: 'f', ...payload }, headers)
  await hub.requested('f')
  // Whether the id is taken was asked before.
  hub.asked.splice(0)
  return { ...ground, hub, gateway, answering }
}

test.each([
  { result: succeeded('f'), status: 200, body: { status: 'success', output: succeeded('f').output } },
  { result: failed('f', 'worker-error'), status: 502, body: { kind: 'worker-error', undone: ['f.1'] } },
  { result: failed('f', 'hub-timeout'), status: 504, body: { kind: 'hub-timeout' } },
])('a reply that was lost is found by asking: $status', async ({ result, status, body }) => {
  const { clock, hub, answering } = await waiting({ length: 3 })

  hub.views.set('flow f', shown('running', { request }))
  await clock.advance(2_000)
  hub.views.set('flow f', shown('success', { request, result }))
  await clock.advance(4_000)
  const answer = await answering

  expect(hub.asked).toEqual(['flow f', 'flow f'])
  expect([answer.statusCode, answer.json()]).toEqual([status, expect.objectContaining({ id: 'f', ...body })])
})

test.each([
  ['another length', { length: 4 }, {}],
  ['another mode', { length: 3, mode: 'sequential' }, {}],
  ['another error', { length: 3, error: 'hub' }, {}],
  ['a key', { length: 3 }, { 'idempotency-key': 'k' }],
])('the end of a flow that has the same id and %s is not told as our own', async (_, payload, headers) => {
  const { clock, hub, answering } = await waiting(payload, { ...wait, ...headers })

  hub.views.set('flow f', shown('success', { request, result: succeeded('f') }))
  await clock.advance(2_000)
  const answer = await answering

  expect([answer.statusCode, answer.json().kind]).toEqual([409, 'conflict'])
})

test('requests with one key are one, whatever they want', async () => {
  const { clock, hub, answering } = await waiting({ length: 4 }, { ...wait, 'idempotency-key': 'k' })

  hub.views.set('flow f', shown('success', { request: { ...request, requestKey: 'k' }, result: succeeded('f') }))
  await clock.advance(2_000)

  expect((await answering).statusCode).toBe(200)
})

test('a reply that comes after a reconnect is heard', async () => {
  const { clock, memory, hub, gateway, answering } = await waiting({ length: 3 })

  memory.cut('gateway')
  await clock.advance(1_000)
  expect(gateway.bus.broker.state).toBe('up')
  await hub.reply(await hub.requested('f'), succeeded('f'))

  expect((await answering).statusCode).toBe(200)
  expect(hub.asked).toEqual([])
})

test('while the hub cannot be asked, the wait goes on until its time is over', async () => {
  const { clock, hub, gateway, answering } = await waiting({ length: 3 })
  hub.state.isSilent = true

  await clock.advance(15_000)

  expect((await answering).statusCode).toBe(202)
  expect(hub.asked.length).toBeGreaterThan(1)
  await clock.advance(60_000)
  expect(hub.asked.length).toBeLessThan(4)
  expect(gateway.watches.size).toBe(0)
})

test('the hub is asked less and less often, but every 30 seconds', async () => {
  const { clock, hub } = await waiting({ length: 3 }, { prefer: 'wait=600' })
  const startMs = clock.now()

  for (const [n, atMs] of [2_000, 6_000, 14_000, 30_000, 60_000, 90_000, 120_000].entries()) {
    await clock.advance(startMs + atMs - 1 - clock.now())
    expect(hub.asked).toHaveLength(n)
    await clock.advance(1)
    expect(hub.asked).toHaveLength(n + 1)
  }
  await clock.advance(480_000)
  expect(hub.asked.length).toBeLessThanOrEqual(23)
})

test('ten minutes of waiting are not cut off by the limit for answers', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const { clock, gateway, answering } = await waiting({ length: 3 }, { prefer: 'wait=600' })

  await vi.advanceTimersByTimeAsync(600_000)
  expect(gateway.watches.size).toBe(1)
  await clock.advance(600_000)

  expect((await answering).statusCode).toBe(202)
})

/** A gateway that hears answers, on a broker to which it publishes in vain. */
async function publishing(publish: () => Promise<never>) {
  const ground = playground()
  const { bus, asker } = await ground.gateway()
  const broker = new FakeBroker()
  broker.publish = publish
  broker.become('up')
  return { clock: ground.clock, gateway: await gatewayOn({ bus: { ...bus, broker }, asker }) }
}

test('D2: a request that is not confirmed within five seconds is 503, and may be repeated with the same id', async () => {
  const publish = vi.fn(() => new Promise<never>(() => {}))
  const { clock, gateway } = await publishing(publish)
  const answered = vi.fn()

  const answering = gateway.post({ flowId: 'f', length: 3 })
  void answering.then(answered)
  await vi.waitFor(() => expect(gateway.asks).toBe(1))
  await clock.advance(500)
  await vi.waitFor(() => expect(publish).toHaveBeenCalled())
  await clock.advance(4_999)
  expect(answered).not.toHaveBeenCalled()
  await clock.advance(1)
  const answer = await answering

  expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '5'])
  expect(answer.json()).toMatchObject({ id: 'f', detail: expect.stringMatching(/may still start.*same flowId/) })
})

test('D2: a request that the broker refuses is 503, and nobody waits for it any more', async () => {
  const { gateway } = await publishing(() => Promise.reject(new ClosedError('gone')))

  const answer = await gateway.post({ length: 3 }, wait)

  const { id, detail } = answer.json()
  expect(answer.statusCode).toBe(503)
  expect(detail).toContain(id)
  expect(gateway.watches.size).toBe(0)
})

test('503 when too many wait already, and nothing is started', async () => {
  const ground = playground()
  const { bus, asker } = await ground.gateway()
  const expectNone = () => {
    throw new TooManyQuestionsError('full')
  }
  const gateway = await gatewayOn({ bus, asker: { ...asker, expect: expectNone } })

  const answer = await gateway.post({ length: 3 }, wait)

  expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '1'])
  expect(ground.memory.depth('hub_consume')).toBe(0)
})
