import { expect, test } from 'vitest'
import { subscribe } from '../../../shared/bus/consumer.ts'
import { listen, pasteInto, retryPolicy, virtualSite } from '../../../shared/bus/test/bus-fixture.ts'
import type { Body } from '../../../shared/events.ts'
import { workerHandlers } from '../../../shared/flow/worker.ts'
import { topologyPlan } from '../../../shared/topology.ts'
import { backendHandlers } from '../flow-backend.ts'
import { flowWorker } from '../flow-worker.ts'

const plan = topologyPlan('quorum', {
  withLadder: false,
  queues: {
    flow_worker_consume: { hears: ['flow-worker'] },
    flow_backend_consume: { hears: ['flow-backend'] },
    answers: { hears: ['flows.answered'] },
    dead: { hears: ['messages.dead'] },
  },
})

/** The worker and its backend on a broker in memory, with a clock that the test turns. */
async function working(backend: { readonly minMs: number; readonly maxMs: number }) {
  const { clock, site, memory } = virtualSite(plan)
  const broker = site.connect('processor')
  const bus = site.bus(broker, { service: 'processor' })
  const works = [
    { queue: 'flow_worker_consume', handlers: workerHandlers(flowWorker, clock) },
    { queue: 'flow_backend_consume', handlers: backendHandlers(backend, clock) },
  ]
  for (const work of works) await subscribe(bus, { ...work, retry: retryPolicy() })
  const heard = await listen(broker, 'answers')
  const deaths = await listen(broker, 'dead')
  const startMs = clock.now()
  return {
    clock,
    broker,
    memory,
    deaths,
    heard,
    answers: () => heard.map(({ body }): unknown => JSON.parse(body.toString())),
    /** Calls as the hub does, with a deadline in so many ms; each attempt has an id of its own. */
    call: (change: Partial<Body<'FLOW_CALLED'>> = {}, dueInMs = 2_000) =>
      broker.publish({
        ...pasteInto('', {
          type: 'FLOW_CALLED',
          ...install,
          deadline: new Date(startMs + dueInMs).toISOString(),
          ...change,
        }),
        exchange: 'ebs',
        key: 'flow-worker',
        properties: { messageId: `call-${change.attempt ?? 1}`, correlationId: 'the-flow' },
      }),
    say: (body: Body) => broker.publish({ ...pasteInto('', body), exchange: 'ebs', key: 'flow-worker' }),
    [Symbol.asyncDispose]: () => site[Symbol.asyncDispose](),
  }
}

const install = { callId: 'f1.1', flowId: 'f1', name: 'install', attempt: 1, input: { item: 1 } }
const installed = { type: 'FLOW_CALL_ANSWERED', callId: 'f1.1', flowId: 'f1', attempt: 1, status: 200, complete: true }

test.each(['install', 'validate', 'uninstall'])(
  '%s is answered when its backend is done, not earlier',
  async (name) => {
    await using work = await working({ minMs: 500, maxMs: 500 })

    await work.call({ name })
    await work.clock.advance(499)
    expect(work.answers()).toEqual([])

    await work.clock.advance(1)
    expect(work.answers()).toEqual([{ ...installed, output: { item: 1 } }])
    expect(work.heard[0]?.properties.correlationId).toBe('the-flow')
  },
)

test('the backend takes a time between its bounds', async () => {
  await using work = await working({ minMs: 100, maxMs: 300 })

  for (let attempt = 1; attempt <= 20; attempt++) await work.call({ attempt })
  await work.clock.advance(99)
  expect(work.answers()).toHaveLength(0)

  await work.clock.advance(201)
  expect(work.answers()).toHaveLength(20)
})

test('the answer names the attempt that was called', async () => {
  await using work = await working({ minMs: 0, maxMs: 0 })

  await work.call({ attempt: 3 })
  await work.clock.advance(0)

  expect(work.answers()).toMatchObject([{ callId: 'f1.1', attempt: 3 }])
})

test.each(['worker', 'backend'])('the fault of a %s: no answer to any attempt, and nothing is dead', async (fault) => {
  await using work = await working({ minMs: 0, maxMs: 0 })

  await work.call({ input: { item: 1, fault } })
  await work.call({ input: { item: 1, fault }, attempt: 2 })
  await work.say({ type: 'FLOW_CALL_TIMED_OUT', ...install, attempt: 2 })
  await work.clock.advance(60_000)

  expect(work.answers()).toEqual([])
  expect(work.deaths).toEqual([])
  for (const queue of ['flow_worker_consume', 'flow_backend_consume']) expect(work.memory.depth(queue)).toBe(0)
})

test.each([
  { what: 'a name that it does not know', change: { name: 'explode' }, error: /no call 'explode'.*install, validate/ },
  { what: 'an input without an item', change: { input: {} }, error: /item/ },
  { what: 'an input that is none', change: { input: null }, error: /input of install/ },
  { what: 'an item below the first', change: { input: { item: 0 } }, error: /item/ },
])('$what is refused with 400, so that the hub does not try again', async ({ change, error }) => {
  await using work = await working({ minMs: 0, maxMs: 0 })

  await work.call(change)
  await work.clock.advance(0)

  expect(work.answers()).toEqual([{ ...installed, status: 400, error: expect.stringMatching(error), complete: true }])
})

test.each([
  { overdueMs: 30_000, answers: 2 },
  { overdueMs: 30_001, answers: 0 },
])('$overdueMs ms after a deadline, worker and backend give $answers answers: clocks differ', async (late) => {
  await using work = await working({ minMs: 0, maxMs: 0 })
  const deadline = new Date(work.clock.now() - late.overdueMs).toISOString()

  await work.call({ deadline })
  await work.broker.publish({
    ...pasteInto('', { type: 'FLOW_BACKEND_REQUESTED', ...install, attempt: 2, deadline }),
    exchange: 'ebs',
    key: 'flow-backend',
  })
  await work.clock.advance(0)

  expect(work.answers()).toHaveLength(late.answers)
})

test.each([
  { what: 'an error', given: { status: 503, error: 'maintenance' }, answer: { status: 503, error: 'maintenance' } },
  {
    what: 'an error without a text',
    given: { status: 404 },
    answer: { status: 404, error: expect.stringContaining('404') },
  },
  { what: 'the highest success', given: { status: 399, output: 1 }, answer: { status: 200, output: 1 } },
  {
    what: 'the lowest failure',
    given: { status: 400 },
    answer: { status: 400, error: expect.stringContaining('400') },
  },
])('$what of a backend is handed on', async ({ given, answer }) => {
  await using work = await working({ minMs: 0, maxMs: 0 })

  await work.say({ type: 'FLOW_BACKEND_ANSWERED', ...install, ...given })
  await work.clock.advance(0)

  expect(work.answers()).toEqual([{ ...installed, ...answer }])
})

test('a call that is delivered twice is answered with the same message id', async () => {
  await using work = await working({ minMs: 0, maxMs: 0 })

  await work.call()
  await work.call()
  await work.clock.advance(0)

  const ids = work.heard.map(({ properties }) => properties.messageId)
  expect(ids).toHaveLength(2)
  expect(new Set(ids).size).toBe(1)
})
