import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { connectAmqp } from '../shared/bus/amqp-broker.ts'
import type { Received } from '../shared/bus/broker.ts'
import { parseEvent } from '../shared/bus/envelope.ts'
import { activityPlan, topologyPlan } from '../shared/topology.ts'
import { findPython } from './support/python.ts'
import { testVhost } from './support/vhost.ts'
import { waitUntil } from './support/wait-until.ts'

const PROGRAM = join(import.meta.dirname, '..', 'docs', 'examples', 'python', 'activity_worker.py')
/** Installing a package may be part of it. */
const SET_UP_MS_MAX = 300_000
let python = ''

beforeAll(async () => {
  python = await findPython()
}, SET_UP_MS_MAX)

/** The topology on a broker, who hears the answers, and requests as the hub publishes them. */
async function site() {
  const vhost = await testVhost()
  const plan = topologyPlan('quorum', { withLadder: true, queues: { answers: { hears: ['activities.*'] } } })
  const broker = connectAmqp(vhost.url, { service: 'hub', plan })
  onTestFinished(async () => {
    await broker.close()
    await vhost[Symbol.asyncDispose]()
  })
  await broker.extend(activityPlan('gift-wrap', 'quorum'))
  const heard: Received[] = []
  await broker.consume('answers', { prefetch: 10 }, (delivery) => {
    heard.push(delivery.message)
    delivery.ack()
  })
  return {
    vhost,
    broker,
    heard,
    request: (input: unknown, attempt = 1) =>
      broker.publish({
        exchange: 'ebs',
        key: 'activity.gift-wrap',
        body: Buffer.from(
          JSON.stringify({
            type: 'ACTIVITY_REQUESTED',
            callId: 's1.main:wrap',
            sagaId: 's1.main',
            activity: 'gift-wrap',
            attempt,
            idempotencyKey: 's1.main:wrap',
            input,
            deadline: new Date(Date.now() + 60_000).toISOString(),
          }),
        ),
        properties: {
          messageId: `request-${attempt}`,
          correlationId: 's1.main',
          contentType: 'application/json',
          headers: { 'x-ebs-call-attempt': attempt },
        },
      }),
    answers: () => heard.map(parseEvent),
  }
}

/** Starts the example; resolves when it waits for requests. */
async function startWorker(url: string): Promise<ChildProcess> {
  const child = spawn(python, [PROGRAM, 'gift-wrap'], {
    env: { EBS_AMQP_URL: url },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  })
  let said = ''
  child.stdout?.on('data', (chunk) => {
    said += String(chunk)
  })
  await waitUntil(() => said.includes('waiting for requests in activity.gift-wrap'))
  return child
}

test('J7: an activity written in Python answers for the attempt that it was asked for', async () => {
  const { vhost, request, answers } = await site()
  await startWorker(vhost.url)

  await request({ to: 'Ada' }, 3)

  await waitUntil(() => answers().length === 1)
  expect(answers()).toMatchObject([
    {
      type: 'ACTIVITY_SUCCEEDED',
      data: { callId: 's1.main:wrap', status: 200, output: { label: 'For Ada, with love' } },
      meta: { callAttempt: 3, correlationId: 's1.main' },
    },
  ])
  expect(await vhost.depth('activity.gift-wrap')).toBe(0)
})

test.each([
  { what: 'a field that is missing', input: {}, error: 'to: expected a name' },
  { what: 'no object', input: null, error: 'to: expected a name' },
])('its bad input, $what, fails for good', async ({ input, error }) => {
  const { vhost, request, answers } = await site()
  await startWorker(vhost.url)

  await request(input)

  await waitUntil(() => answers().length === 1)
  expect(answers()).toMatchObject([{ type: 'ACTIVITY_FAILED', data: { status: 400, error }, meta: { callAttempt: 1 } }])
})

test('killed with a request in hand: the next one that is started answers it', async () => {
  const { vhost, request, answers } = await site()
  const first = await startWorker(vhost.url)
  // Stopped, not killed: so it is certain that the request lies with it, unanswered.
  first.kill('SIGSTOP')
  await request({ to: 'Ada' })
  await waitUntil(async () => (await vhost.depth('activity.gift-wrap')) === 0)
  expect(answers()).toEqual([])
  first.kill('SIGKILL')
  await once(first, 'exit')

  await startWorker(vhost.url)

  await waitUntil(() => answers().length === 1)
  expect(answers()).toMatchObject([{ type: 'ACTIVITY_SUCCEEDED', meta: { callAttempt: 1 } }])
})

test('what is no request it rejects: it is dead, and the next one is answered', async () => {
  const { vhost, broker, request, answers } = await site()
  await startWorker(vhost.url)

  for (const body of ['no JSON', '[]', '{"callId":"s1.main:wrap"}'])
    await broker.publish({ exchange: 'ebs', key: 'activity.gift-wrap', body: Buffer.from(body), properties: {} })
  await request({ to: 'Ada' })

  await waitUntil(() => answers().length === 1)
  await waitUntil(async () => (await vhost.depth('activity.gift-wrap.dead')) === 3)
})
