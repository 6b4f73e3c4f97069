import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { migrations } from '../services/processor/shop/schema.ts'
import { connectAmqp } from '../shared/bus/amqp-broker.ts'
import { parseEvent } from '../shared/bus/envelope.ts'
import { SqliteStore } from '../shared/store/sqlite-store.ts'
import { topologyPlan } from '../shared/topology.ts'
import { type System, startSystem } from './support/system.ts'
import { systemFolder } from './support/system-folder.ts'
import { waitUntil } from './support/wait-until.ts'

const REQUESTS = 150

const requestOf = (n: number) => ({
  key: 'activity.charge',
  body: {
    type: 'ACTIVITY_REQUESTED',
    callId: `s${n}.main:charge`,
    sagaId: `s${n}.main`,
    activity: 'charge',
    attempt: 1,
    idempotencyKey: `s${n}.main:charge`,
    input: { amountCents: 5, card: '4242' },
    deadline: new Date(Date.now() + 600_000).toISOString(),
  },
})

/** Who was answered, how: call ids with their answers' types. */
async function listening({ vhost }: System) {
  const plan = topologyPlan('quorum', { withLadder: false, queues: { answers: { hears: ['activities.*'] } } })
  const broker = connectAmqp(vhost.url, { service: 'watcher', plan })
  onTestFinished(() => broker.close())
  const answers = new Map<string, string>()
  await broker.consume('answers', { prefetch: 100 }, (delivery) => {
    const event = parseEvent(delivery.message)
    if ('data' in event && (event.type === 'ACTIVITY_SUCCEEDED' || event.type === 'ACTIVITY_FAILED'))
      answers.set(event.data.callId, event.type)
    delivery.ack()
  })
  return answers
}

test('processors killed in the middle of their activities: each is answered, and each effect is there once', async () => {
  const dataDir = systemFolder()
  await using system = await startSystem({
    services: ['processor', 'processor'],
    // Nearly half of the requests fail, so that effects without an answer are plenty.
    env: { EBS_DATA_DIR: dataDir, EBS_ACTIVITIES: 'charge', EBS_SHOP_FAILURE_RATE: '0.4' },
  })
  const answers = await listening(system)
  const requests = Array.from({ length: REQUESTS }, (_, n) => requestOf(n))

  await system.publishMany(requests)
  for (const [name, answered] of [
    ['processor', 10],
    ['processor-2', REQUESTS / 2],
  ] as const) {
    await waitUntil(() => answers.size >= answered)
    await system.process(name).kill()
    await system.process(name).restart()
  }
  // As the hub does with those that failed: a further attempt, with the same idempotency key.
  for (let attempt = 2; ; attempt++) {
    await waitUntil(() => answers.size === REQUESTS)
    const failed = requests.filter(({ body }) => answers.get(body.callId) === 'ACTIVITY_FAILED')
    if (failed.length === 0) break
    for (const { body } of failed) answers.delete(body.callId)
    await system.publishMany(failed.map((one) => ({ ...one, body: { ...one.body, attempt } })))
  }

  const store = await SqliteStore.open({ path: join(dataDir, 'shop.db'), migrations })
  onTestFinished(() => store.close())
  const charged = store.read.all(z.object({ cents: z.number() }), 'select charged_cents as cents from orders')
  expect(charged).toEqual(Array.from({ length: REQUESTS }, () => ({ cents: 5 })))
})
