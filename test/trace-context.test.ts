import { expect, test } from 'vitest'
import { otherSystem, saying } from '../services/processor/test/other-system.ts'
import { type Published, startInOneProcess } from './support/one-process.ts'
import { waitUntil } from './support/wait-until.ts'

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

/** The hub's clock, and what hubs and services say of themselves: nobody's request. */
const OWN = new Set(['TIMERS_DUE', 'HELD_ERRAND', 'DEFINITION_REGISTERED', 'FLOW_ASKED', 'STANDING_ASKED'])

const typesOf = (published: readonly Published[]) =>
  [...new Set(published.map(({ message }) => message.properties.type ?? message.key))].toSorted()
const ofOthers = (published: readonly Published[]) =>
  published.filter(({ message: { properties } }) => !OWN.has(properties.type ?? ''))
const headerOf = ({ message }: Published) => message.properties.headers?.traceparent

/** Without an SDK nobody has a span of his own: what came in is what everything carries. */
function expectAllTraced(published: readonly Published[], types: readonly string[]): void {
  const others = ofOthers(published)
  expect(typesOf(others)).toEqual(expect.arrayContaining([...types]))
  expect(typesOf(others.filter((one) => headerOf(one) !== traceparent))).toEqual([])
}

test('without an SDK, the traceparent of a request is carried by everything that an object leads to', async () => {
  await using ebs = await startInOneProcess()

  const { status } = await ebs.post('datagen', '/api/objects', {}, { traceparent })

  expect(status).toBe(201)
  await waitUntil(() => expect(typesOf(ebs.published)).toContain('OBJECT_COMPLETED'))
  expectAllTraced(ebs.published, [
    ...['OBJECT_CREATED', 'EventGroupCollectorCreate', 'TASK_CREATED', 'TASK_STARTED', 'TASK_FINISHED'],
    'OBJECT_COMPLETED',
  ])
})

test('by what a flow leads to: calls, backends, answers, and the copy to whoever waits', async () => {
  await using ebs = await startInOneProcess()

  const { json } = await ebs.post(
    'gateway',
    '/api/flows',
    { length: 4, mode: 'parallel' },
    { traceparent, prefer: 'wait=20' },
  )

  expect(json).toMatchObject({ status: 'success' })
  expectAllTraced(ebs.published, ['FLOW_REQUESTED', 'FLOW_CALLED', 'FLOW_CALL_ANSWERED', 'FLOW_SUCCEEDED'])
  const answers = ebs.published.filter(({ message }) => message.key.startsWith('gateway_reply.'))
  expect(answers.map(headerOf)).toEqual([traceparent])
})

test('by a journey: its activities, the systems that they call, attempts that time out, and who is told of it', async () => {
  const other = await otherSystem(saying({ status: 200 }))
  await using ebs = await startInOneProcess({
    ...{ EBS_HTTP_ALLOW: other.host, EBS_ACTIVITIES: 'http', EBS_REMEDIATION_WEBHOOK: `${other.url}/webhook` },
  })
  const activities = {
    call: { activity: 'http', input: `{"url": "${other.url}/"}` },
    // Nobody does it: its attempts end by the hub's timers.
    wait: { activity: 'nobody', after: ['call'], timeout: '50ms', retry: { retries: 1, initialMs: 1 } },
  }
  const definition = { type: 'traced', version: 1, deadline: '30s', activities }
  expect(await ebs.post('hub', '/api/definitions', definition)).toMatchObject({ status: 201 })

  await ebs.post('gateway', '/api/journeys', { type: 'traced', payload: {} }, { traceparent })

  await waitUntil(() => expect(typesOf(ebs.published)).toContain('JOURNEY_NEEDS_REMEDIATION'))
  await waitUntil(() => expect(other.seen).toHaveLength(2))
  expect(other.seen.map(({ url, headers }) => [url, headers.traceparent])).toEqual([
    ['/', traceparent],
    ['/webhook', traceparent],
  ])
  expectAllTraced(ebs.published, ['INITIATE_WORKFLOW', 'ACTIVITY_REQUESTED', 'ACTIVITY_SUCCEEDED'])
})

test('by what dies, and by what a replay brings back', async () => {
  await using ebs = await startInOneProcess({
    ...{ EBS_TASKS_PER_OBJECT: '1', EBS_TASK_FAILURE_RATE: '1', EBS_RETRY_PROCESS_CONSUME_RETRIES: '0' },
  })
  await ebs.post('datagen', '/api/objects', {}, { traceparent })
  await waitUntil(() => expect(typesOf(ebs.published)).toContain('OBJECT_FAILED'))

  const replay = { filter: {}, all: true, actor: 'ann', reason: 'mended' }
  await waitUntil(async () => expect(await ebs.post('hub', '/api/dead/replay', replay)).toMatchObject({ status: 202 }))

  const toReplay = () => ebs.published.filter(({ message: { key } }) => key === 'process_consume.replay')
  await waitUntil(() => expect(toReplay()).toHaveLength(1))
  expect(toReplay().map(headerOf)).toEqual([traceparent])
  const dead = ebs.published.filter(({ message: { key } }) => key === 'process_consume.dead')
  expect(dead.map(headerOf)).toContain(traceparent)
  const told = ebs.published.filter(({ message: { properties } }) => properties.type === 'MESSAGE_DEAD')
  expect(told.map(headerOf)).toContain(traceparent)
})

test.each([
  { what: 'none', given: undefined },
  { what: 'a word', given: 'nonsense' },
  { what: 'zeros', given: `00-${'0'.repeat(32)}-b7ad6b7169203331-01` },
  {
    what: 'longer than any header may be',
    given: `cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-${'a'.repeat(300)}`,
  },
])('a request with $what is taken, and nothing is made up', async ({ given }) => {
  await using ebs = await startInOneProcess()

  const headers = given === undefined ? {} : { traceparent: given }
  const { status } = await ebs.post('datagen', '/api/objects', {}, headers)

  expect(status).toBe(201)
  await waitUntil(() => expect(typesOf(ebs.published)).toContain('OBJECT_COMPLETED'))
  expect(ebs.published.filter((one) => headerOf(one) !== undefined)).toEqual([])
})
