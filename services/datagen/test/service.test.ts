import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { z } from 'zod'
import { answerQuestions } from '../../../shared/bus/answer.ts'
import type { Bus } from '../../../shared/bus/bus.ts'
import { MemoryBroker } from '../../../shared/bus/memory-broker.ts'
import { noRules, noWatcher } from '../../../shared/bus/rules.ts'
import { systemClock } from '../../../shared/clock.ts'
import type { Body } from '../../../shared/events.ts'
import { startService } from '../../../shared/service/lifecycle.ts'
import { createLog } from '../../../shared/service/log.ts'
import { createMetrics } from '../../../shared/service/metrics.ts'
import { topologyPlan } from '../../../shared/topology.ts'
import { datagen } from '../service.ts'
import { completed, failed } from './objects-api.ts'

const releases: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release()
})

const log = createLog({ service: 'test', level: 'silent' })
const madeSchema = z.object({ id: z.string() })

/** datagen as a service on a broker in memory, and somebody else on the same bus. */
async function startDatagen({ isBrokerAway = false } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'ebs-datagen-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const memory = new MemoryBroker()
  if (isBrokerAway) memory.stop()
  const broker = memory.connect({ service: 'hub', plan: topologyPlan('quorum') })
  const bus: Bus = {
    broker,
    service: 'hub',
    clock: systemClock,
    log,
    recorder: createMetrics().recorder,
    rules: noRules,
    outcomes: noWatcher,
  }
  releases.push(() => broker.close(0))
  const running = await startService(datagen, {
    env: { EBS_DATA_DIR: folder, EBS_DATAGEN_PORT: '0' },
    connect: (options) => memory.connect(options),
    log,
  })
  releases.push(running.stop)
  return {
    stop: running.stop,
    memory,
    bus,
    make: async () => madeSchema.parse(await (await fetch(`${running.url}/api/objects`, { method: 'POST' })).json()).id,
    show: async (id: string): Promise<unknown> => (await fetch(`${running.url}/api/objects/${id}`)).json(),
    say: (body: Body<'OBJECT_COMPLETED' | 'OBJECT_FAILED'>, messageId = 'm1') =>
      broker.publish({
        exchange: 'ebs',
        key: body.type === 'OBJECT_COMPLETED' ? 'objects.completed' : 'objects.failed',
        body: Buffer.from(JSON.stringify(body)),
        properties: { messageId },
      }),
  }
}

const eventually = (check: () => Promise<void>) => vi.waitFor(check, { timeout: 8_000, interval: 10 })

test('G13: an object is accepted, then as the hub says, then as its end says, also when that is told twice', async () => {
  const { bus, make, show, say } = await startDatagen()
  const [good, bad] = [await make(), await make()]
  // There is no hub yet: it is not known which tasks are missing.
  const accepted = await show(good)
  expect(accepted).toMatchObject({ id: good, state: 'accepted' })
  expect(accepted).not.toHaveProperty('missing')

  const view = { status: 'open', completedBy: 'tasks', missing: [`${good}.2`] }
  const hub = await answerQuestions(bus, {
    queue: 'hub_ask',
    answer: ({ data }) =>
      data.type === 'CONVERSATION_ASKED'
        ? { type: 'CONVERSATION_TOLD', kind: data.kind, id: data.id, view: data.id === good ? view : undefined }
        : undefined,
  })
  releases.push(() => hub.stop(0))
  await eventually(async () => expect(await show(good)).toMatchObject({ state: 'running', missing: [`${good}.2`] }))
  expect(await show(bad)).toMatchObject({ state: 'accepted' })

  for (const messageId of ['m1', 'm1', 'm2']) await say(completed(good), messageId)
  await say(failed(bad, 'no'), 'm3')
  await say(completed('elsewhere'), 'm4')
  await eventually(async () => expect(await show(good)).toMatchObject({ state: 'completed', durationMs: 250 }))
  await eventually(async () =>
    expect(await show(bad)).toMatchObject({ state: 'failed', error: 'no', missing: [`${bad}.2`] }),
  )
  await eventually(async () => expect(await bus.broker.inspect('datagen_consume')).toMatchObject({ messages: 0 }))
  expect(await bus.broker.inspect('datagen_consume.dead')).toMatchObject({ messages: 0 })
})

test('D4: objects are made and shown while the broker is away, and their ends are heard once it is there', async () => {
  const { memory, make, show, say } = await startDatagen({ isBrokerAway: true })
  const id = await make()
  expect(await show(id)).toMatchObject({ id, state: 'accepted' })

  memory.start()
  await say(completed(id))

  await eventually(async () => expect(await show(id)).toMatchObject({ state: 'completed' }))
})

test('D6: it stops in order while it waits for a broker that never was there', async () => {
  const { stop } = await startDatagen({ isBrokerAway: true })

  expect(await stop()).toBe('clean')
})
