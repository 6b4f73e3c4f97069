import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import type { Bus } from '../../../../shared/bus/bus.ts'
import { parseEvent } from '../../../../shared/bus/envelope.ts'
import { RuleBook } from '../../../../shared/bus/rule-book.ts'
import { brokers, eventually } from '../../../../shared/bus/test/contract-rig.ts'
import { systemClock } from '../../../../shared/clock.ts'
import type { Body } from '../../../../shared/events.ts'
import { anyKind } from '../../../../shared/flow/any-kind.ts'
import { Kernel } from '../../../../shared/flow/kernel.ts'
import { sidelineKind } from '../../../../shared/flow/sideline.ts'
import type { Rule } from '../../../../shared/operation-events.ts'
import { SqliteHubStore } from '../../../../shared/store/sqlite-hub-store.ts'
import { controlStream, parkingQueue, parkingQueueOf, topologyPlan } from '../../../../shared/topology.ts'
import { sidelineTerms } from '../../sideline-terms.ts'
import { tell } from '../../told.ts'
import { ControlLog } from '../control-log.ts'
import { ControlUpkeep } from '../control-upkeep.ts'
import { applied, controlSite, rule, sayTo } from './control-fixture.ts'

/** A hub with rules of its own, and its upkeep of the stream. */
async function upkeepAt(bus: Bus, control: ControlLog, restateBytes?: number) {
  const folder = await mkdtemp(join(tmpdir(), 'ebs-control-'))
  const store = await SqliteHubStore.open({ path: join(folder, 'hub.db') })
  const kinds = [anyKind(sidelineKind(sidelineTerms))]
  const nothing = () => undefined
  const kernel = new Kernel({ bus, kinds, earlyKeepMs: 0, onFired: nothing, onIgnored: nothing })
  const handle = kernel.handle.bind(kernel)
  const hear = (body: Body) => tell(bus, { store, handle }, body)
  const options = { bus, store, control, tell: hear, ...(restateBytes !== undefined && { restateBytes }) }
  return {
    options,
    upkeep: new ControlUpkeep(options),
    hear,
    start: (id: string) =>
      hear({ type: 'SIDELINE_COMMAND', action: 'start', id, filter: 'tenant == "acme"', actor: 'ann', reason: 'test' }),
    status: async (key: string) => (await store.reader.findConversation({ kind: 'sideline', key }))?.status,
    async [Symbol.asyncDispose]() {
      await store.close()
      await rm(folder, { recursive: true })
    },
  }
}

const RESTATE_MS = 900_000
const BY_ANN = { type: 'SIDELINE_COMMAND', actor: 'ann', reason: 'not needed' } as const

/** Records of rules, as they come. */
async function rulesIn(bus: Bus): Promise<Rule[]> {
  const rules: Rule[] = []
  await bus.broker.follow(controlStream, (message) => {
    const event = parseEvent(message)
    if ('data' in event && event.type === 'SIDELINE_RULE') rules.push(event.data.rule)
  })
  return rules
}

test('S6: a rule of the stream that the hub does not know is taken over; one that is closed and empty is not', async () => {
  await using site = await controlSite()
  await using hub = await upkeepAt(site.bus, site.control)
  await site.bus.broker.declare(parkingQueue('lifted', 'process_consume', 'quorum'))
  const parking = parkingQueueOf('lifted', 'process_consume')
  await site.bus.broker.publish({
    exchange: '',
    key: parking,
    body: Buffer.from('{}'),
    properties: {},
    mandatory: true,
  })
  for (const one of [
    rule({ id: 'open' }),
    rule({ id: 'closed', phase: 'lifted', revision: 2 }),
    rule({ id: 'lifted', phase: 'lifted', revision: 2 }),
  ])
    await site.say({ type: 'SIDELINE_RULE', rule: one })

  await hub.upkeep.run()
  await hub.upkeep.run()

  expect(await hub.status('open')).toBe('starting')
  expect(await hub.status('closed')).toBeUndefined()
  expect(await hub.status('lifted')).toBe('resolving')
})

test('a rule of the hub that the stream lacks is said again, once it has been missing twice', async () => {
  await using site = await controlSite()
  await using hub = await upkeepAt(site.bus, site.control)
  await hub.start('r1')
  const said = await rulesIn(site.bus)

  await hub.upkeep.run()
  expect(said).toEqual([])
  await hub.upkeep.run()
  await site.clock.advance(0)
  expect(said).toMatchObject([{ id: 'r1', phase: 'park', filter: 'tenant == "acme"' }])
  await hub.upkeep.run()
  await hub.upkeep.run()
  expect(said).toHaveLength(1)
})

test('one that was decided long ago is not on its way: it is said again at once', async () => {
  await using site = await controlSite()
  await using hub = await upkeepAt(site.bus, site.control)
  await hub.start('r1')
  const said = await rulesIn(site.bus)

  await site.clock.advance(9_999)
  await hub.upkeep.run()
  expect(said).toEqual([])
  await site.clock.advance(1)
  // Another hub, which has not missed it before.
  await new ControlUpkeep(hub.options).run()
  await site.clock.advance(0)

  expect(said).toMatchObject([{ id: 'r1', phase: 'park' }])
})

test.each(brokers)(
  'S1, $broker: the stream is deleted with a rule open, and a consumer that starts later knows it',
  async ({ start }) => {
    await using rig = await start()
    const plan = topologyPlan('quorum', { queues: { process_consume: { hears: [] } }, withLadder: false })
    await using site = await controlSite()
    const connect = (service: string) => ({
      ...site.bus,
      clock: systemClock,
      broker: rig.connect({ service, plan }),
    })
    const bus = connect('hub')
    await bus.broker.ready()
    const control = new ControlLog(bus)
    await control.start()
    await using hub = await upkeepAt(bus, control)
    await hub.start('r1')
    const untilSaid = () =>
      eventually(async () => {
        await hub.upkeep.run()
        expect(control.rules.has('r1')).toBe(true)
      })
    await untilSaid()

    await rig.deleteQueue(controlStream)
    await eventually(() => expect(control.rules.has('r1')).toBe(false))
    await untilSaid()
    const late = new RuleBook({ ...connect('late'), queueType: 'quorum' })
    await late.loaded()

    expect(late.isInForce('r1')).toBe(true)
    await late.stop()
    await control.stop()
  },
)

test('a rule that is decided anew while all are said again is said as it is then', async () => {
  await using site = await controlSite()
  await using hub = await upkeepAt(site.bus, site.control)
  await hub.start('r1')
  await hub.upkeep.run()
  await hub.upkeep.run()
  const said = await rulesIn(site.bus)
  await site.clock.advance(RESTATE_MS)

  const { reader } = hub.options.store
  const list = reader.listConversations.bind(reader)
  vi.spyOn(reader, 'listConversations').mockImplementationOnce(async (...which) => {
    const page = await list(...which)
    expect(await hub.hear({ ...BY_ANN, action: 'discard', id: 'r1' })).toEqual({})
    return page
  })
  await hub.upkeep.run()
  await site.clock.advance(0)

  expect(said.map(({ phase }) => phase)).toEqual(['park', 'lifted'])
})

test('open rules are said again after so many bytes, and no more often than bytes come', async () => {
  await using site = await controlSite()
  await using hub = await upkeepAt(site.bus, site.control, 20_000)
  await hub.start('r1')
  await hub.upkeep.run()
  await hub.upkeep.run()
  const said = await rulesIn(site.bus)
  await site.clock.advance(0)
  expect(said).toHaveLength(1)

  const restated: number[] = []
  for (let n = 1; n <= 300; n++) {
    await site.say(applied({ revision: n }))
    await site.clock.advance(0)
    await hub.upkeep.run()
    if (said.length > restated.length + 1) restated.push(n)
  }

  // 300 records of some 350 bytes each, and its own.
  expect(restated.length).toBeGreaterThanOrEqual(4)
  expect(restated.length).toBeLessThanOrEqual(8)
  expect(Math.max(...restated.map((n, i) => n - (restated[i - 1] ?? 0)))).toBeLessThan(80)
})

test('without a record they are said again every quarter of an hour, because not everything in the stream is seen', async () => {
  await using site = await controlSite()
  await using hub = await upkeepAt(site.bus, site.control)
  await hub.start('r1')
  await hub.upkeep.run()
  await hub.upkeep.run()
  const said = await rulesIn(site.bus)

  for (let minute = 0; minute < 31; minute++) {
    await site.clock.advance(60_000)
    await hub.upkeep.run()
  }

  expect(said).toHaveLength(3)
})

test('no open rule, nothing to say', async () => {
  await using site = await controlSite()
  await using hub = await upkeepAt(site.bus, site.control, 1_000)
  const said = await rulesIn(site.bus)
  for (let n = 0; n < 50; n++) await site.say(applied({ revision: n }))

  await site.clock.advance(3_600_000)
  await hub.upkeep.run()

  expect(said).toEqual([])
})

test('S1: RabbitMQ drops old segments, and a reader that starts then still finds the open rule', async () => {
  const found = brokers.find(({ broker }) => broker === 'RabbitMQ')
  if (!found) throw new Error('There is no RabbitMQ to test on.')
  await using rig = await found.start()
  const plan = topologyPlan('quorum', { queues: { process_consume: { hears: [] } }, withLadder: false })
  // A tenth of the real bounds.
  const small = { 'x-max-length-bytes': 800_000, 'x-stream-max-segment-size-bytes': 100_000 }
  const queues = plan.queues.map((queue) =>
    queue.name === controlStream ? { ...queue, arguments: { ...queue.arguments, ...small } } : queue,
  )
  await using site = await controlSite()
  const connect = () => ({
    ...site.bus,
    clock: systemClock,
    broker: rig.connect({ service: 'hub', plan: { ...plan, queues } }),
  })
  const bus = connect()
  await bus.broker.ready()
  const control = new ControlLog(bus)
  await control.start()
  await using hub = await upkeepAt(bus, control, 300_000)
  await hub.start('forgotten')
  await hub.upkeep.run()
  await hub.upkeep.run()

  // Three times what the stream keeps.
  const filler = 'x'.repeat(200)
  for (let batch = 0; batch < 48; batch++) {
    await Promise.all(
      Array.from({ length: 100 }, (_, n) => sayTo(bus, applied({ revision: batch * 100 + n, consumer: filler }))),
    )
    await hub.upkeep.run()
  }
  await control.stop()
  const later = new ControlLog(connect())
  await later.start()

  expect(later.rules.get('forgotten')).toMatchObject({ id: 'forgotten', phase: 'park' })
  // What came first is gone.
  expect(later.bytes).toBeLessThan(2_000_000)
  await later.stop()
})
