import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { openAsker } from '../../../shared/bus/ask.ts'
import type { Bus } from '../../../shared/bus/bus.ts'
import { parseEvent, toMessage } from '../../../shared/bus/envelope.ts'
import { newId } from '../../../shared/bus/ids.ts'
import { MemoryBroker } from '../../../shared/bus/memory-broker.ts'
import { noRules, noWatcher } from '../../../shared/bus/rules.ts'
import { connectService } from '../../../shared/bus/service-bus.ts'
import { systemClock } from '../../../shared/clock.ts'
import type { Body } from '../../../shared/events.ts'
import { launch } from '../../../shared/service/launch.ts'
import { startService } from '../../../shared/service/lifecycle.ts'
import { createLog } from '../../../shared/service/log.ts'
import { silentRecorder } from '../../../shared/service/recorder.ts'
import { topologyPlan } from '../../../shared/topology.ts'
import { hub } from '../service.ts'
import { doneBody, flowBody, groupBody } from './hub-fixture.ts'

const envOf = (folder: string) => ({ EBS_HUB_PORT: '0', EBS_DATA_DIR: folder, EBS_LOG_LEVEL: 'silent' })
/** Connections to port 1 of loopback are refused at once. */
const NOBODY_THERE = 'amqp://guest:guest@127.0.0.1:1'

/** The whole service on a broker in memory, and someone on the bus beside it. */
async function serviceFixture() {
  const folder = await mkdtemp(join(tmpdir(), 'ebs-hub-'))
  const broker = new MemoryBroker()
  const plan = topologyPlan('quorum')
  const link = broker.connect({ service: 'someone', plan })
  await link.ready()
  const log = createLog({ service: 'someone', level: 'silent' })
  const bus: Bus = {
    broker: link,
    service: 'someone',
    clock: systemClock,
    log,
    recorder: silentRecorder,
    rules: noRules,
    outcomes: noWatcher,
  }
  const heard: Body[] = []
  await link.consume('statistics', { prefetch: 100 }, (delivery) => {
    const parsed = parseEvent(delivery.message)
    if ('data' in parsed) heard.push(parsed.data)
    delivery.ack()
  })
  return {
    bus,
    heard,
    start: () => startService(hub, { env: envOf(folder), connect: (options) => broker.connect(options) }),
    say: (body: Body) => {
      const id = newId(Date.now())
      return link.publish(toMessage(body, { id, service: 'someone', correlationId: id, atMs: Date.now() }))
    },
    async [Symbol.asyncDispose]() {
      await link.close()
      await rm(folder, { recursive: true })
    },
  }
}
const apiAnswer = z.object({
  paths: z.record(z.string(), z.unknown()).default({}),
  items: z.array(z.unknown()).default([]),
  timers: z.object({ pending: z.int() }).default({ pending: 0 }),
})
const read = async (url: string) => apiAnswer.parse(await (await fetch(url)).json())
const endsOf = (heard: readonly Body[]) =>
  heard.flatMap((body) => (/Success|Failure/.test(body.type) && 'id' in body ? [`${body.type} ${body.id}`] : []))

test('a group opens, hears its members and ends with one Success; the API, the bus and the docs tell of it', async () => {
  await using system = await serviceFixture()
  const service = await system.start()

  await system.say(groupBody('g1'))
  await system.say(doneBody('g1', 'b'))
  await system.say(doneBody('g1', 'a'))
  await expect.poll(() => endsOf(system.heard)).toEqual(['EventGroupCollectorSuccess g1'])

  const shown = await (await fetch(`${service.url}/api/groups/g1`)).json()
  expect(shown).toMatchObject({ id: 'g1', status: 'success' })
  const asker = await openAsker(system.bus)
  const told = await asker.ask('hub_ask', { type: 'CONVERSATION_ASKED', kind: 'group', id: 'g1' }, { withinMs: 5_000 })
  expect(told?.data).toMatchObject({ type: 'CONVERSATION_TOLD', view: shown })
  const { paths } = await read(`${service.url}/openapi.json`)
  expect(Object.keys(paths)).toEqual(
    expect.arrayContaining([
      '/api/groups/{id}/cancel',
      '/api/flows',
      '/api/timers/{id}/move',
      '/api/status',
      '/api/ignored',
    ]),
  )

  await asker.stop()
  expect(await service.stop()).toBe('clean')
})

test('G9: what was open when the hub stopped goes on when it is back, and what fell due meanwhile ends at once', async () => {
  await using system = await serviceFixture()
  const before = await system.start()
  await system.say(groupBody('lives'))
  await system.say(groupBody('expires', ['a'], 1))
  await expect.poll(async () => (await read(`${before.url}/api/status`)).timers.pending).toBe(2)
  const dueMs = Date.now() + 1_000
  await before.stop()
  await system.say(doneBody('lives', 'a'))
  await system.say(doneBody('lives', 'b'))
  await expect.poll(() => Date.now(), { timeout: 5_000 }).toBeGreaterThan(dueMs)
  expect(endsOf(system.heard)).toEqual([])

  const after = await system.start()
  await expect
    .poll(() => endsOf(system.heard).toSorted())
    .toEqual(['EventGroupCollectorFailure expires', 'EventGroupCollectorSuccess lives'])
  await after.stop()
})

test('a timer fires by itself, no earlier than due', async () => {
  await using system = await serviceFixture()
  const service = await system.start()
  const startMs = Date.now()

  await system.say(groupBody('g1', ['a'], 0.2))
  await expect.poll(() => endsOf(system.heard)).toEqual(['EventGroupCollectorFailure g1'])

  expect(Date.now() - startMs).toBeGreaterThanOrEqual(200)
  expect(Date.now() - startMs).toBeLessThan(5_000)
  await service.stop()
})

test('a timer that is moved to a time that has passed fires at once', async () => {
  await using system = await serviceFixture()
  const service = await system.start()
  await system.say(groupBody('g1', ['a'], 3_600))
  await expect.poll(async () => (await read(`${service.url}/api/timers`)).items).toHaveLength(1)

  const moved = await fetch(`${service.url}/api/timers/group:g1:deadline/move`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ actor: 'ann', reason: 'enough', due: '2020-01-01T00:00:00Z' }),
  })

  expect(moved.status).toBe(200)
  await expect.poll(() => endsOf(system.heard)).toEqual(['EventGroupCollectorFailure g1'])
  await service.stop()
})

test('stopped while it waits for a broker that is away, it ends in order and lets go of its database', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ebs-hub-'))
  const env = { ...envOf(folder), EBS_AMQP_URL: NOBODY_THERE }
  const launched = launch(hub, { env, connect: connectService })
  launched.started.catch(() => undefined)
  await expect.poll(() => readdir(folder)).toContain('hub.db-wal')

  expect(await launched.stop()).toBe('clean')

  // The last connection that closes folds the log into the file.
  expect(await readdir(folder)).toEqual(['hub.db'])
  await rm(folder, { recursive: true })
})

test('a flow is requested and its first calls go out, with the deadline armed', async () => {
  await using system = await serviceFixture()
  const service = await system.start()

  await system.say(flowBody('f1'))
  await expect.poll(() => system.heard.filter(({ type }) => type === 'FLOW_CALLED')).toHaveLength(2)

  const { items } = await read(`${service.url}/api/timers?kind=flow`)
  expect(items.length).toBeGreaterThanOrEqual(2)
  await service.stop()
})
