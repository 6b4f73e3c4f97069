import { expect } from 'vitest'
import { z } from 'zod'
import { ignoredCounts, ignoredSince } from './support/collector.ts'
import { guest, standIn } from './support/guests.ts'
import { distinct, type Onlooker, onlooker } from './support/onlooker.ts'
import { testsOfOneSystem } from './support/shared-system.ts'
import type { System } from './support/system.ts'
import { waitUntil } from './support/wait-until.ts'

/** Two attempts of a second: short enough for the patience of a test, long enough for a busy machine. */
const DEADLINE_MS = 5_000
const short = {
  EBS_FLOW_CALL_TIMEOUT_MS: '1000',
  EBS_FLOW_CALL_RETRIES: '1',
  EBS_FLOW_CALL_BACKOFF_MS: '50',
  EBS_FLOW_DEADLINE_MS: String(DEADLINE_MS),
}
/** For calls that a test answers itself, in its own time. That is why there is no processor; a story that wants one starts it. */
const patient = { EBS_FLOW_CALL_TIMEOUT_MS: '10000', EBS_FLOW_CALL_RETRIES: '0', EBS_FLOW_DEADLINE_MS: '20000' }
const prefer = { prefer: 'wait=15' }
const ENDS = ['flows.succeeded', 'flows.failed', 'flows.refused']
const TIMED_OUT = 'OPERATION_TIMED_OUT'

const test = testsOfOneSystem({ services: ['hub', 'gateway', 'gateway'], env: patient })
const REPLICAS = ['gateway', 'gateway-2']

/** Which replica, and with which headers. */
type To = { readonly gateway?: string; readonly headers?: Readonly<Record<string, string>> }

const post = (system: System, json: unknown, { gateway = 'gateway', headers = prefer }: To = {}) =>
  system.ask(gateway, '/api/flows', { json, headers })
const statusOf = async (system: System, id: string) =>
  z.looseObject({ status: z.string() }).parse((await system.ask('gateway', `/api/flows/${id}`)).json).status
/** What was heard of these flows, each once. */
const heardOf = async (onlooker: Onlooker, ...flowIds: readonly string[]) =>
  distinct(await onlooker.heard()).filter(({ body }) => flowIds.includes(String(body.flowId)))
/** Ends of a flow that were announced. */
const endsOf = async (ends: Onlooker, flowId: string) => (await heardOf(ends, flowId)).map(({ key }) => key)

test('the three classic requests: happy, an error in the hub, an error in the worker or its backend', async ({
  system,
}) => {
  const { name: impatient } = await standIn(system, 'hub', short)
  await guest(system, 'processor')
  const ends = await onlooker(system.vhost, ...ENDS)
  const calls = await onlooker(system.vhost, 'flow-worker')
  const request = (flowId: string, more: object = {}) => post(system, { flowId, length: 3, ...more })

  const [parallel, sequential, hub, worker, backend] = await Promise.all([
    request('parallel'),
    request('sequential', { mode: 'sequential' }),
    request('hub', { error: 'hub' }),
    request('worker', { error: 'worker' }),
    request('backend', { error: 'backend', mode: 'sequential' }),
  ])

  const output = { installed: [1, 2, 3], validated: [1, 2, 3] }
  for (const [id, answer] of Object.entries({ parallel, sequential })) {
    expect(answer.status, id).toBe(200)
    expect(answer.json).toMatchObject({ id, status: 'success', length: 3, mode: id, output })
  }
  // H2: only the hub's own deadline is a hub-timeout, and it comes when it is due.
  expect(hub).toMatchObject({ status: 504, json: { kind: 'hub-timeout', id: 'hub', undone: [] } })
  expect(hub.tookMs).toBeGreaterThanOrEqual(DEADLINE_MS)
  for (const [id, answer] of Object.entries({ worker, backend })) {
    expect(answer, id).toMatchObject({
      status: 502,
      json: { kind: 'worker-error', id, callId: `${id}.3`, notUndone: [`${id}.3`] },
    })
    expect(answer.json, id).toMatchObject({ detail: TIMED_OUT })
    expect(answer.tookMs, id).toBeLessThan(DEADLINE_MS)
  }
  // H9: what had been installed was undone; one after the other, newest first.
  expect(worker.json).toMatchObject({
    undone: expect.toSatisfy((ids: string[]) => [...ids].sort().join() === 'worker.1,worker.2'),
  })
  expect(backend.json).toMatchObject({ undone: ['backend.2', 'backend.1'] })

  // H1: one reply each. H3: two attempts under one call id, and the worker was told of both timeouts.
  const own = ['parallel', 'sequential', 'hub', 'worker', 'backend']
  await waitUntil(async () => expect(await heardOf(ends, ...own)).toHaveLength(own.length))
  for (const id of ['parallel', 'sequential'])
    await waitUntil(async () => expect(await endsOf(ends, id)).toEqual(['flows.succeeded']))
  for (const id of ['hub', 'worker', 'backend'])
    await waitUntil(async () => expect(await endsOf(ends, id)).toEqual(['flows.failed']))
  const attempts = (await heardOf(calls, 'worker'))
    .filter(({ body }) => body.callId === 'worker.3')
    .map(({ body }) => [body.type, body.attempt])
  expect(attempts).toEqual([
    ['FLOW_CALLED', 1],
    ['FLOW_CALL_TIMED_OUT', 1],
    ['FLOW_CALLED', 2],
    ['FLOW_CALL_TIMED_OUT', 2],
  ])
  expect(await timersOf(system, own, impatient)).toEqual([])
})

const timerList = z.object({ items: z.array(z.object({ key: z.string(), name: z.string() })) })
/** What these flows wait for. */
async function timersOf(system: System, flowIds: readonly string[], hub = 'hub') {
  const { items } = timerList.parse((await system.ask(hub, '/api/timers?kind=flow')).json)
  return items.filter(({ key }) => flowIds.includes(key)).map(({ key, name }) => [key, name])
}

test('without Prefer a flow is 202, and its Location works at once, at any replica', async ({ system }) => {
  await guest(system, 'processor')

  for (const [i, gateway] of REPLICAS.entries()) {
    const answer = await post(system, { length: 2 }, { gateway, headers: {} })
    expect(answer).toMatchObject({ status: 202, json: { status: 'accepted' } })
    const location = answer.headers.get('location') ?? ''
    expect(await system.ask(REPLICAS[1 - i] ?? '', location)).toMatchObject({ status: 200 })
    await waitUntil(async () =>
      expect((await system.ask(gateway, location)).json).toMatchObject({ type: 'flow', status: 'success' }),
    )
  }
  expect(await system.ask('gateway', '/api/flows/nobody')).toMatchObject({ status: 404 })

  // The reply comes to the replica that waits: asking the hub, its way out when a reply is lost, takes 2 s.
  const tookMs: Record<string, number[]> = {}
  for (let i = 0; i < 6; i++)
    await Promise.all(
      REPLICAS.map(async (gateway) => {
        const answer = await post(system, { flowId: `${gateway}.${i}`, length: 2 }, { gateway })
        expect(answer).toMatchObject({ status: 200, json: { id: `${gateway}.${i}` } })
        tookMs[gateway] = [...(tookMs[gateway] ?? []), answer.tookMs]
      }),
    )
  for (const gateway of REPLICAS) expect(Math.min(...(tookMs[gateway] ?? [])), gateway).toBeLessThan(1_000)
})

/** An answer to a call, made by hand. */
const answer = (callId: string, more: object = {}) => ({
  key: 'flows.answered',
  body: { type: 'FLOW_CALL_ANSWERED', callId, status: 200, ...more },
})

test('H4, H8: calls that the test answers: progress, deferred answers, those of other flows and of nobody', async ({
  system,
}) => {
  const calls = await onlooker(system.vhost, 'flow-worker')
  const called = async (count: number) =>
    waitUntil(async () => expect(await heardOf(calls, 'mine', 'other')).toHaveLength(count))
  const flows = [post(system, { flowId: 'mine', length: 1 }), post(system, { flowId: 'other', length: 1 })]
  await called(2)
  // What was said to the hub before the request has been counted: it hears one after the other.
  const before = await ignoredCounts(system)

  const nothing = [
    answer('mine.1', { flowId: 'other' }),
    answer('mine.9'),
    answer('mine.01'),
    answer('mine'),
    answer('nobody.1'),
  ]
  await system.publishMany([
    ...nothing,
    answer('mine.1', { attempt: 2 }),
    answer('mine.1', { complete: false, output: '50 %' }),
  ])
  await waitUntil(async () => {
    const { json } = await system.ask('hub', '/api/flows/mine')
    expect(json).toMatchObject({ status: 'running', calls: [{ state: 'waiting', progress: '50 %', attempt: 1 }] })
  })
  expect(await ignoredSince(system, before)).toEqual({ 'flow unknown': nothing.length, 'flow stale': 1 })

  await system.publishMany([answer('mine.1', { output: 1 }), answer('mine.1', { output: 2 }), answer('other.1')])
  await called(4)
  await system.publishMany([answer('mine.2'), answer('other.2', { status: 400, error: 'never' })])
  await called(5)
  // H9: what takes a call back is a call like any other.
  await system.publish(answer('other.3'))
  const [mine, other] = await Promise.all(flows)
  expect(mine).toMatchObject({ status: 200, json: { id: 'mine', output: { installed: [1], validated: [1] } } })
  expect(other).toMatchObject({
    status: 502,
    json: { kind: 'worker-error', detail: 'never', callId: 'other.2', undone: ['other.1'], notUndone: [] },
  })
  expect(await ignoredSince(system, before)).toEqual({
    'flow unknown': nothing.length,
    'flow stale': 1,
    'flow duplicate': 1,
  })
})

test('H5: a repeated request is the same flow, another one with its id is a conflict; an operator sees and ends flows', async ({
  system,
}) => {
  const ends = await onlooker(system.vhost, ...ENDS)
  const calls = await onlooker(system.vhost, 'flow-worker')
  const order = { flowId: 'once', length: 2 }
  const waiting = [post(system, order), post(system, order, { gateway: 'gateway-2' })]
  await waitUntil(async () => expect(await ignoredOrAsked(system)).toBe(true))

  expect(await post(system, { ...order, length: 3 })).toMatchObject({
    status: 409,
    json: { kind: 'conflict', id: 'once' },
  })
  // One that does not come through the gateway is refused by the hub.
  await system.publish({ key: 'flows.requested', body: { type: 'FLOW_REQUESTED', ...order, length: 3 } })
  await waitUntil(async () => expect(await endsOf(ends, 'once')).toEqual(['flows.refused']))
  expect(await heardOf(calls, 'once')).toHaveLength(2)
  expect(await openFlows(system)).toContain('once')
  expect(await timersOf(system, ['once'])).toEqual([
    ['once', 'call 1'],
    ['once', 'call 2'],
    ['once', 'deadline'],
  ])

  const act = { json: { actor: 'ann', reason: 'enough' } }
  expect(await system.ask('hub', '/api/flows/once/cancel', act)).toMatchObject({
    status: 200,
    json: { status: 'error' },
  })

  for (const answered of await Promise.all(waiting))
    expect(answered).toMatchObject({ status: 409, json: { kind: 'cancelled', detail: 'Cancelled by ann: enough' } })
  expect(await system.ask('hub', '/api/flows/once/cancel', act)).toMatchObject({ status: 409 })
  expect(await system.ask('hub', '/api/flows/nobody/cancel', act)).toMatchObject({ status: 404 })
  // Asked once more it gives the answer that it has.
  expect(await post(system, order)).toMatchObject({ status: 409, json: { kind: 'cancelled' } })
  await waitUntil(async () => expect(await endsOf(ends, 'once')).toEqual(['flows.refused', 'flows.failed']))
  expect(await openFlows(system)).not.toContain('once')
  expect(await timersOf(system, ['once'])).toEqual([])
})

const flowList = z.object({ items: z.array(z.looseObject({ id: z.string() })) })
const openFlows = async (system: System) =>
  flowList.parse((await system.ask('hub', '/api/flows?open=true')).json).items.map(({ id }) => id)

const history = z.looseObject({ history: z.array(z.object({ what: z.string() })) })

/** Whether the hub has heard a request a second time. */
async function ignoredOrAsked(system: System): Promise<boolean> {
  const shown = history.safeParse((await system.ask('hub', '/api/flows/once')).json)
  return shown.success && shown.data.history.some(({ what }) => what === 'asked again')
}

test('while the hub is away the gateway takes requests and cannot say how they stand; they run when it is back', async ({
  system,
}) => {
  await guest(system, 'processor')
  await system.process('hub').kill()

  const answer = await post(system, { flowId: 'patient', length: 2 }, { headers: { prefer: 'wait=1' } })
  expect(answer).toMatchObject({ status: 202, json: { id: 'patient', status: 'accepted' } })
  const shown = await system.ask('gateway', '/api/flows/patient')
  expect(shown).toMatchObject({ status: 503, json: { detail: expect.stringContaining('hub') } })
  expect(shown.headers.get('retry-after')).toMatch(/^\d+$/)

  await system.process('hub').restart()
  await waitUntil(async () => expect(await statusOf(system, 'patient')).toBe('success'))
  expect(await post(system, { flowId: 'patient', length: 2 })).toMatchObject({ status: 200 })
})
