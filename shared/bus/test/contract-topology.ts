import { describe, expect, test } from 'vitest'
import {
  activityPlan,
  exchanges,
  type Plan,
  type QueueType,
  queues,
  topologyPlan,
  unroutedQueue,
} from '../../topology.ts'
import { ClosedError, TopologyDriftError } from '../broker.ts'
import { delayRoute } from '../ladder.ts'
import { collect, eventually, messageOf, planOf, type Rig, untilReady } from './contract-rig.ts'

/** Promises about declaring, connecting and states. */
export const declaring = (start: () => Promise<Rig>, queueType: QueueType) =>
  describe('declaring', () => {
    test('every service declares the whole topology, and what waits in it stays', async () => {
      await using rig = await start()
      const plan = topologyPlan(queueType)
      const first = rig.connect({ service: 'first', plan })
      await first.publish(messageOf({ exchange: exchanges.events, key: 'objects' }, '1'))

      const second = rig.connect({ service: 'second', plan })
      await second.ready()

      for (const name of Object.keys(queues)) expect(await second.inspect(name)).toMatchObject({ consumers: 0 })
      await untilReady(second, 'distributor_consume', 1)
      await untilReady(second, 'statistics', 1)
      expect(await second.inspect(unroutedQueue)).toMatchObject({ messages: 0, consumers: 0 })
    })

    test('D8: what is there with other arguments is reported with both values and stays as it is', async () => {
      await using rig = await start()
      const there = rig.connect({ service: 'old', plan: odd(queueType, { ttlMs: 60_000, type: 'topic' }) })
      await there.publish(messageOf({ key: 'odd' }, 'kept'))
      const other = rig.connect({ service: 'new', plan: odd(queueType, { ttlMs: 30_000, type: 'fanout' }) })

      const error: unknown = await other.ready().catch((thrown: unknown) => thrown)

      if (!(error instanceof TopologyDriftError)) return expect.unreachable('drift was not noticed')
      expect([...error.drifts].sort((a, b) => a.name.localeCompare(b.name))).toEqual([
        { kind: 'queue', name: 'odd', argument: 'x-message-ttl', wanted: '30000', found: '60000' },
        { kind: 'exchange', name: 'odd.exchange', argument: 'type', wanted: 'fanout', found: 'topic' },
      ])
      expect(error.message).toContain('queue odd: x-message-ttl is 60000, this version of ebs wants 30000')
      await untilReady(there, 'odd', 1)
    })

    test('an exchange bound to an exchange passes on what the binding hears', async () => {
      await using rig = await start()
      const bus = rig.connect({ service: 'writer', plan: chained(queueType) })
      const near = await collect(bus, 'near')
      const far = await collect(bus, 'far')

      for (const key of ['a', 'a.b', 'b', 'stop']) await bus.publish(messageOf({ exchange: 'outer', key }, key))

      await eventually(() =>
        expect([near.texts(), far.texts()]).toEqual([
          ['a', 'a.b', 'b'],
          ['a', 'a.b'],
        ]),
      )
    })

    test('what is added later is there when it resolves, hears its keys, and is declared again with each connection', async () => {
      await using rig = await start()
      const plan = topologyPlan(queueType)
      const bus = rig.connect({ service: 'reader', plan })
      const other = rig.connect({ service: 'writer', plan })
      await bus.extend(activityPlan('charge', queueType))
      await bus.extend(activityPlan('charge', queueType))
      const heard = await collect(bus, 'activity.charge')
      await other.publish(messageOf({ exchange: exchanges.events, key: 'activity.charge' }, 'asked'))
      await other.publish({ ...messageOf({ key: '' }, 'late'), ...delayRoute(10, 'activity.charge') })
      await eventually(() => expect(heard.texts()).toEqual(['asked', 'late']))
    })

    test('what was added is declared again with each connection', async () => {
      await using rig = await start()
      const bus = rig.connect({ service: 'reader', plan: planOf(queueType, {}) })
      const added: Plan = {
        exchanges: [],
        bindings: [],
        queues: [{ name: 'later', arguments: { 'x-queue-type': queueType } }],
      }
      await bus.extend(added)
      expect(await bus.removeEmpty('later')).toBe(true)
      expect(await bus.inspect('later')).toBeUndefined()

      await rig.cut('reader')

      await untilReady(bus, 'later', 0)
    })

    test('D8: what is added with other arguments than there are is drift, and is not declared again', async () => {
      await using rig = await start()
      const plan = planOf(queueType, { charge: { hears: [] } })
      const bus = rig.connect({ service: 'reader', plan })
      await bus.ready()

      const added: Plan = {
        exchanges: [],
        bindings: [],
        queues: [{ name: 'charge', arguments: { 'x-queue-type': queueType, 'x-expires': 60_000 } }],
      }
      await expect(bus.extend(added)).rejects.toThrow(TopologyDriftError)

      await rig.cut('reader')
      await eventually(() => expect(bus.state).toBe('up'))
    })

    test('D8: what was added and has drifted since keeps nobody away: the rest is declared again, and consuming goes on', async () => {
      await using rig = await start()
      const bus = rig.connect({ service: 'reader', plan: planOf(queueType, { work: { hears: [] } }) })
      const other = rig.connect({ service: 'writer', plan: planOf(queueType, {}) })
      const heard = await collect(bus, 'work')
      const queue = (name: string) => ({ name, arguments: { 'x-queue-type': queueType } })
      for (const name of ['first', 'charge', 'last'])
        await bus.extend({ exchanges: [], bindings: [], queues: [queue(name)] })
      for (const name of ['first', 'charge', 'last']) expect(await other.removeEmpty(name)).toBe(true)
      await other.declare({ name: 'charge', arguments: { 'x-queue-type': queueType, 'x-expires': 60_000 } })
      const states: string[] = []
      bus.onState((state) => states.push(state))

      await rig.cut('reader')

      await eventually(() => expect(states).toEqual(['connecting', 'up']))
      await untilReady(bus, 'first', 0)
      await untilReady(bus, 'last', 0)
      await other.publish(messageOf({ key: 'work' }, 'heard'))
      await eventually(() => expect(heard.texts()).toEqual(['heard']))
    })

    test('states: connecting, up, connecting while cut, up again, closed', async () => {
      await using rig = await start()
      const bus = rig.connect({ service: 'reader', plan: planOf(queueType, {}) })
      const states = [bus.state]
      bus.onState((state) => states.push(state))
      await bus.ready()
      expect([bus.state, bus.saturated]).toEqual(['up', false])

      await rig.cut('reader')
      await eventually(() => expect(states).toEqual(['connecting', 'up', 'connecting', 'up']))
      await bus.close()

      expect(states).toEqual(['connecting', 'up', 'connecting', 'up', 'closed'])
      expect(bus.version).toMatch(/\w/)
    })

    test('closing twice is harmless, and who waited for the connection is told', async () => {
      await using rig = await start()
      const bus = rig.connect({ service: 'reader', plan: planOf(queueType, {}) })
      const ready = bus.ready().catch((error: unknown) => error)

      await bus.close()
      await bus.close()

      expect([undefined, expect.any(ClosedError)]).toContainEqual(await ready)
      expect(bus.state).toBe('closed')
    })
  })

const odd = (queueType: QueueType, { ttlMs, type }: { ttlMs: number; type: 'topic' | 'fanout' }): Plan =>
  planOf(
    queueType,
    {},
    {
      exchanges: [{ name: 'odd.exchange', type, arguments: {} }],
      queues: [{ name: 'odd', arguments: { 'x-queue-type': queueType, 'x-message-ttl': ttlMs } }],
    },
  )

/** `outer` passes what begins with `a` to `inner`; both have a queue, and `outer` does not hear `stop`. */
const chained = (queueType: QueueType): Plan =>
  planOf(
    queueType,
    { near: { hears: [] }, far: { hears: [] } },
    {
      exchanges: [
        { name: 'outer', type: 'topic', arguments: {} },
        { name: 'inner', type: 'topic', arguments: {} },
      ],
      bindings: [
        { source: 'outer', destination: 'inner', to: 'exchange', key: 'a.#' },
        { source: 'outer', destination: 'near', to: 'queue', key: 'a.#' },
        { source: 'outer', destination: 'near', to: 'queue', key: 'b' },
        { source: 'inner', destination: 'far', to: 'queue', key: '#' },
      ],
    },
  )
