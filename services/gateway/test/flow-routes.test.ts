import { expect, test, vi } from 'vitest'
import type { Body } from '../../../shared/events.ts'
import { failed, playground, succeeded } from './gateway-fixture.ts'

const wait = (seconds: number, more: Readonly<Record<string, string>> = {}) => ({ prefer: `wait=${seconds}`, ...more })

test('a flow is accepted once the broker has it, under an id that can be asked for', async () => {
  const ground = playground()
  const [gateway, hub] = [await ground.gateway(), await ground.hub()]

  const answer = await gateway.post({ length: 3 })

  const { id } = answer.json()
  expect(answer.statusCode).toBe(202)
  expect(answer.json()).toEqual({ id, status: 'accepted' })
  expect(answer.headers.location).toBe(`/api/flows/${id}`)
  expect(answer.headers['preference-applied']).toBeUndefined()
  const { data, meta } = await hub.requested(id)
  expect(data).toEqual({ type: 'FLOW_REQUESTED', flowId: id, length: 3, mode: 'parallel' })
  expect(meta.replyTo).toBeUndefined()
})

test('what the client says about the request travels with it', async () => {
  const ground = playground()
  const [gateway, hub] = [await ground.gateway(), await ground.hub()]
  const wish = { flowId: 'a@b:7~+=', length: 100, mode: 'sequential', error: 'backend' }

  const answer = await gateway.post(wish, {
    'idempotency-key': 'key 7',
    'x-correlation-id': 'order-7',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  })

  expect(answer.headers.location).toBe('/api/flows/a%40b%3A7~%2B%3D')
  const { data, meta } = await hub.requested(wish.flowId)
  expect(data).toEqual({ type: 'FLOW_REQUESTED', ...wish, requestKey: 'key 7' })
  expect(meta).toMatchObject({ correlationId: 'order-7', traceparent: expect.stringContaining('0af7651916cd43dd') })
})

test('a repeated request is a message of its own, because it is owed an answer of its own', async () => {
  const ground = playground()
  const [gateway, hub] = [await ground.gateway(), await ground.hub()]

  await gateway.post({ flowId: 'f', length: 1 })
  await gateway.post({ flowId: 'f', length: 1 })

  await vi.waitFor(() => expect(hub.requests).toHaveLength(2))
  expect(new Set(hub.requests.map(({ meta }) => meta.id)).size).toBe(2)
})

const refused: Body = { type: 'FLOW_REFUSED', flowId: 'f', error: 'flow f is another one' }
test.each([
  { reply: succeeded('f'), status: 200, body: { id: 'f', status: 'success', length: 3, durationMs: 12 } },
  {
    reply: failed('f', 'worker-error'),
    status: 502,
    body: { kind: 'worker-error', id: 'f', detail: 'OPERATION_TIMED_OUT', callId: 'f.3', undone: ['f.1'] },
  },
  { reply: failed('f', 'hub-timeout'), status: 504, body: { kind: 'hub-timeout', id: 'f' } },
  { reply: failed('f', 'cancelled'), status: 409, body: { kind: 'cancelled', id: 'f' } },
  { reply: refused, status: 409, body: { kind: 'conflict', id: 'f', detail: 'flow f is another one' } },
])('who waits is answered $status to $reply.type $reply.kind', async ({ reply, status, body }) => {
  const ground = playground()
  const [gateway, hub] = [await ground.gateway(), await ground.hub()]

  const answering = gateway.post({ flowId: 'f', length: 3 }, wait(15))
  await hub.reply(await hub.requested('f'), reply)
  const answer = await answering

  expect(answer.statusCode).toBe(status)
  expect(answer.json()).toMatchObject(body)
  expect(answer.headers['preference-applied']).toBe('wait=15')
  expect(answer.headers['content-type']).toMatch(status === 200 ? /^application\/json/ : /^application\/problem\+json/)
  expect(gateway.watches.size).toBe(0)
})

test.each([
  { prefer: 'wait=1', applied: 'wait=1', afterMs: 1_000 },
  { prefer: 'respond-async, WAIT="7"; x=y', applied: 'wait=7', afterMs: 7_000 },
  { prefer: 'wait=100000', applied: 'wait=600', afterMs: 600_000 },
])('$prefer: 202 when $afterMs ms have passed, and not before', async ({ prefer, applied, afterMs }) => {
  const ground = playground()
  const [gateway, hub] = [await ground.gateway(), await ground.hub()]
  const answered = vi.fn()

  const answering = gateway.post({ flowId: 'f', length: 3 }, { prefer })
  void answering.then(answered)
  await hub.requested('f')
  await ground.clock.advance(afterMs - 1)
  expect(answered).not.toHaveBeenCalled()
  await ground.clock.advance(1)
  const answer = await answering

  expect([answer.statusCode, answer.json()]).toEqual([202, { id: 'f', status: 'accepted' }])
  expect(answer.headers).toMatchObject({ location: '/api/flows/f', 'preference-applied': applied })
  expect(gateway.watches.size).toBe(0)
})

test.each(['wait=0', 'wait=soon', 'respond-async'])('%s: nobody waits', async (prefer) => {
  const gateway = await playground().gateway()

  const answer = await gateway.post({ length: 3 }, { prefer })

  expect([answer.statusCode, answer.headers['preference-applied']]).toEqual([202, undefined])
})

test('a reply reaches the replica that waits for it, and no other', async () => {
  const ground = playground()
  const [one, other, hub] = [await ground.gateway(), await ground.gateway(), await ground.hub()]
  const answered = vi.fn()

  const waiting = one.post({ flowId: 'mine', length: 3 }, wait(15, { 'x-correlation-id': 'same' }))
  const alsoWaiting = other.post({ flowId: 'yours', length: 3 }, wait(15, { 'x-correlation-id': 'same' }))
  void waiting.then(answered)
  await hub.reply(await hub.requested('yours'), succeeded('yours'))
  expect((await alsoWaiting).json()).toMatchObject({ id: 'yours', status: 'success' })
  expect(answered).not.toHaveBeenCalled()
  await hub.reply(await hub.requested('mine'), succeeded('mine'))

  expect((await waiting).json()).toMatchObject({ id: 'mine', status: 'success' })
})

test('flows under one correlation id are not mistaken for each other', async () => {
  const ground = playground()
  const [gateway, hub] = [await ground.gateway(), await ground.hub()]
  const flows = ['a', 'b', 'c']

  const answering = flows.map((flowId) => gateway.post({ flowId, length: 3 }, wait(15, { 'x-correlation-id': 'same' })))
  const requests = await Promise.all(flows.map((flowId) => hub.requested(flowId)))
  for (const request of requests.toReversed()) await hub.reply(request, succeeded(request.data.flowId))
  const answers = await Promise.all(answering)

  expect(answers.map((answer) => answer.json().id)).toEqual(flows)
})

test('D4: without a broker it is 503 at once, and nothing happens later', async () => {
  const ground = playground()
  const gateway = await ground.gateway()
  ground.memory.stop()

  const answer = await gateway.post({ flowId: 'f', length: 3 }, wait(15))

  expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '5'])
  expect(answer.json()).toMatchObject({ id: 'f', detail: expect.stringContaining('was not started') })
  expect(gateway.watches.size).toBe(0)
  ground.memory.start()
  await ground.clock.advance(1_000)
  expect(ground.memory.depth('hub_consume')).toBe(0)
})

test('D4: 503 while the broker blocks publishers', async () => {
  const ground = playground()
  const gateway = await ground.gateway()
  ground.memory.block()

  expect((await gateway.post({ length: 3 })).statusCode).toBe(503)
})

test.each([
  [{}, ['length']],
  [{ length: 0 }, ['length']],
  [{ length: 101 }, ['length']],
  [{ length: 1.5 }, ['length']],
  [{ length: '3' }, ['length']],
  [{ length: 3, mode: 'sideways', error: 'none' }, ['mode', 'error']],
  [{ length: 3, lenght: 4 }, ['lenght']],
  [{ length: 3, flowId: '' }, ['flowId']],
  [{ length: 3, flowId: 'x'.repeat(129) }, ['flowId']],
  [{ length: 3, flowId: 'a b' }, ['flowId']],
  [{ length: 3, flowId: 'a/b' }, ['flowId']],
  [{ length: 3, flowId: 'ä' }, ['flowId']],
  [{ length: 3, flowId: '..' }, ['flowId']],
  [{ length: 3, flowId: 7 }, ['flowId']],
])('400 for %j names %j', async (body, fields) => {
  const ground = playground()
  const gateway = await ground.gateway()

  const answer = await gateway.post(body, wait(15))

  expect(answer.statusCode).toBe(400)
  expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
  const named = answer.json().errors.map(({ field }: { field: string }) => field)
  expect(new Set(named)).toEqual(new Set(fields))
  expect(ground.memory.depth('hub_consume')).toBe(0)
})

test('an empty body is told what is missing', async () => {
  const gateway = await playground().gateway()

  const answer = await gateway.postNothing()

  expect([answer.statusCode, answer.json().errors]).toEqual([400, [expect.objectContaining({ field: 'length' })]])
})

test('the documentation shows what can be asked', async () => {
  const gateway = await playground().gateway({ docs: true })

  const api = (await gateway.get('/openapi.json')).json()

  expect(Object.keys(api.paths)).toEqual(expect.arrayContaining(['/api/flows', '/api/flows/{id}', '/api/groups/{id}']))
  const { schema } = api.paths['/api/flows'].post.requestBody.content['application/json']
  expect(Object.keys(schema.properties)).toEqual(expect.arrayContaining(['flowId', 'length', 'mode', 'error']))
})
