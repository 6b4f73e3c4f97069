import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../clock.ts'
import { exchanges, type Plan, topologyPlan } from '../../topology.ts'
import { type Broker, ClosedError } from '../broker.ts'
import { delayRoute } from '../ladder.ts'
import { MemoryBroker } from '../memory-broker.ts'
import { collect, messageOf, numbers, planOf, publishAll } from './contract-rig.ts'

const HOUR_MS = 3_600_000
const plan = planOf('quorum', { work: { hears: ['work'] } })

/** A broker whose time stands still, and one connection to it. */
async function world(declared: Plan = plan) {
  const clock = new VirtualClock(HOUR_MS)
  const memory = new MemoryBroker({ clock })
  const bus = memory.connect({ service: 'tester', plan: declared })
  await bus.ready()
  return { clock, memory, bus, work: (text: string) => bus.publish(messageOf({ key: 'work' }, text)) }
}

describe('time', () => {
  test('a month in the ladder passes in a moment, and no message is early or late', async () => {
    const { clock, bus } = await world(topologyPlan('quorum'))
    const arrivals: [string, number][] = []
    await bus.consume('process_consume', { prefetch: 100 }, (delivery) => {
      arrivals.push([delivery.message.body.toString(), clock.now() - HOUR_MS])
      delivery.ack()
    })
    const delays = [0, 10, 20, 1_000, 12_340, HOUR_MS, 25 * HOUR_MS, 30 * 24 * HOUR_MS]

    for (const delayMs of delays.toReversed())
      await bus.publish(messageOf(delayRoute(delayMs, 'process_consume'), String(delayMs)))
    await clock.advance(31 * 24 * HOUR_MS)

    expect(arrivals).toEqual(delays.map((delayMs) => [String(delayMs), delayMs]))
  })

  test('only the head of a queue expires: one that came back waits with the place it had', async () => {
    const { clock, memory, bus } = await world(expiring)
    const { deliveries } = await collect(bus, 'brief', { prefetch: 1, hold: true })
    await publishAll(bus, [messageOf({ key: 'brief' }, '1'), messageOf({ key: 'brief' }, '2')])

    await clock.advance(100)
    // '1' is with a consumer and cannot expire; '2' was the head of what is ready.
    expect([memory.depth('brief'), memory.depth('after')]).toEqual([1, 1])
    deliveries[0]?.requeue()
    await clock.advance(0)

    expect([memory.depth('brief'), memory.depth('after')]).toEqual([0, 2])
  })

  test('what expires while the broker is down expires when it is back', async () => {
    const { clock, memory, bus } = await world(expiring)
    await bus.publish(messageOf({ key: 'brief' }, '1'))
    memory.stop()
    await clock.advance(1_000)
    expect([memory.depth('brief'), memory.depth('after')]).toEqual([1, 0])

    memory.start()
    await clock.advance(1_000)

    expect([memory.depth('brief'), memory.depth('after')]).toEqual([0, 1])
  })
})

describe('operating', () => {
  test('a stopped broker leaves its services connecting; started again it serves what waited, in order', async () => {
    const { clock, memory, bus, work } = await world()
    const { texts } = await collect(bus, 'work')
    memory.stop()
    const published = Promise.all(numbers(3).map(work))
    await clock.advance(10_000)
    expect([bus.state, bus.saturated, texts()]).toEqual(['connecting', true, []])

    memory.start()
    await clock.advance(1_000)
    await published

    expect([bus.state, bus.saturated, texts()]).toEqual(['up', false, numbers(3)])
  })

  test('a service may connect before the broker runs', async () => {
    const clock = new VirtualClock()
    const memory = new MemoryBroker({ clock })
    memory.stop()
    const bus = memory.connect({ service: 'early', plan })
    const published = bus.publish(messageOf({ key: 'work' }, '1'))
    await clock.advance(1_000)
    expect(bus.state).toBe('connecting')

    memory.start()
    await clock.advance(1_000)

    await Promise.all([bus.ready(), published])
    expect(memory.depth('work')).toBe(1)
  })

  test('D4: an alarm lets deliveries go on and publishes wait, and says so', async () => {
    const { clock, memory, bus, work } = await world()
    await publishAll(bus, [messageOf({ key: 'work' }, '1')])
    memory.block()
    const { texts } = await collect(bus, 'work')
    let confirmed = false
    const published = work('2').then(() => {
      confirmed = true
    })
    await clock.advance(1_000)
    expect([bus.state, bus.saturated, confirmed, texts()]).toEqual(['blocked', true, false, ['1']])

    memory.cut('tester')
    await clock.advance(1_000)
    expect([bus.state, confirmed]).toEqual(['blocked', false])
    memory.unblock()
    await published
    await clock.advance(0)

    expect([bus.state, bus.saturated, texts()]).toEqual(['up', false, ['1', '2']])
  })

  test('a restart cuts everybody and keeps what is stored', async () => {
    const { clock, memory, bus, work } = await world()
    await Promise.all(numbers(3).map(work))
    const held = await collect(bus, 'work', { prefetch: 2, hold: true })
    await clock.advance(0)
    expect(held.texts()).toEqual(['1', '2'])

    memory.restart()
    await clock.advance(1_000)

    expect(held.texts()).toEqual(['1', '2', '1', '2'])
    expect(memory.depth('work')).toBe(3)
  })

  test('a publish that was stored but not confirmed when the wire was cut is sent again', async () => {
    const { clock, memory, work } = await world()
    const published = work('1')
    while (memory.depth('work') === 0) await new Promise((resolve) => setImmediate(resolve))
    memory.cut('tester')
    await clock.advance(1_000)
    await published

    expect(memory.depth('work')).toBe(2)
  })

  test('a deleted queue is declared again by the consumer that lost it', async () => {
    const { clock, memory, bus, work } = await world()
    const { texts } = await collect(bus, 'work')
    await work('1')
    memory.deleteQueue('work')
    await clock.advance(1_000)
    await bus.publish(messageOf({ exchange: exchanges.events, key: 'work' }, '2'))
    await clock.advance(0)

    expect(texts().at(-1)).toBe('2')
    expect(await bus.inspect('work')).toMatchObject({ messages: 0, consumers: 1 })
  })

  test("a connection's own queue that was deleted is declared again, and the connection goes on", async () => {
    const { clock, memory, bus } = await world()
    const heard: string[] = []
    const listener = await bus.listen('own', ({ body }) => void heard.push(body.toString()))
    memory.deleteQueue('own')
    expect([listener.isUp, bus.state]).toEqual([false, 'up'])
    await clock.advance(1_000)

    await bus.publish(messageOf({ key: 'own', mandatory: true }, '1'))
    await clock.advance(0)
    expect([listener.isUp, heard, memory.depth('own'), memory.isIdle()]).toEqual([true, ['1'], 0, true])
  })

  test('drift is put right by an operator: the link that waits comes up', async () => {
    const { clock, memory } = await world()
    const other = memory.connect({ service: 'other', plan: planOf('classic', { work: { hears: ['work'] } }) })
    await expect(other.ready()).rejects.toThrow(/queue work: x-queue-type is quorum, this version of ebs wants classic/)

    for (const name of ['work', 'work.dead', 'work.replay', 'ebs.unrouted']) memory.deleteQueue(name)
    await clock.advance(1_000)

    expect(other.state).toBe('up')
  })

  test('it is idle when nothing is on its way; what nobody consumes does not count', async () => {
    const { clock, memory, bus, work } = await world()
    expect(memory.isIdle()).toBe(true)
    const published = work('1')
    expect(memory.isIdle()).toBe(false)
    await published
    expect(memory.isIdle()).toBe(true)

    const { deliveries } = await collect(bus, 'work', { hold: true })
    expect(memory.isIdle()).toBe(false)
    await clock.advance(0)
    expect(memory.isIdle()).toBe(false)
    deliveries[0]?.ack()
    expect(memory.isIdle()).toBe(true)
  })
})

describe('publishing', () => {
  test('nothing is delivered or confirmed before publish has returned', async () => {
    const { bus, work } = await world()
    const order: string[] = []
    await bus.consume('work', { prefetch: 10 }, (delivery) => {
      order.push('delivered')
      delivery.ack()
    })

    const published = work('1').then(() => order.push('confirmed'))
    await Promise.resolve()
    order.push('returned')
    await published

    expect(order[0]).toBe('returned')
    expect(order.toSorted()).toEqual(['confirmed', 'delivered', 'returned'])
  })

  test('many waiting publishes saturate, far too many are refused, and all that were taken arrive', async () => {
    const { clock, memory, bus } = await world()
    memory.cut('tester')
    const outcomes = Promise.allSettled(numbers(50_001).map((text) => bus.publish(messageOf({ key: 'work' }, text))))
    await clock.advance(1_000)
    const statuses = (await outcomes).map(({ status }) => status)

    expect(statuses.slice(0, 50_000).every((status) => status === 'fulfilled')).toBe(true)
    expect((await outcomes)[50_000]).toMatchObject({ status: 'rejected', reason: { name: 'BufferFullError' } })
    expect([memory.depth('work'), bus.saturated]).toEqual([50_000, false])
  })

  test('close gives up after its time and tells who waits', async () => {
    const { clock, memory, bus, work } = await world()
    memory.stop()
    const published = work('1').catch((error: unknown) => error)
    const closed = bus.close(3_000)
    await clock.advance(2_999)
    expect(bus.state).toBe('connecting')
    await clock.advance(1)
    await closed

    expect(await published).toBeInstanceOf(ClosedError)
    expect(bus.state).toBe('closed')
  })
})

test('the same calls give the same order, every time', async () => {
  const run = async () => {
    const { clock, memory, bus, work } = await world()
    const seen: string[] = []
    const consume = (name: string, on: Broker) =>
      on.consume('work', { prefetch: 3 }, (delivery) => {
        seen.push(`${name}:${delivery.message.body}`)
        clock.after(7, () => delivery.ack())
      })
    await Promise.all(['a', 'b', 'c'].map((name) => consume(name, bus)))
    await Promise.all(numbers(50).map(work))
    await clock.advance(20)
    memory.cut('tester')
    await clock.advance(1_000)
    return seen
  }

  const first = await run()
  expect(await run()).toEqual(first)
  expect(first.length).toBeGreaterThan(50)
})

const expiring: Plan = planOf(
  'quorum',
  { after: { hears: [] } },
  {
    queues: [
      {
        name: 'brief',
        arguments: {
          'x-queue-type': 'quorum',
          'x-message-ttl': 100,
          'x-dead-letter-exchange': '',
          'x-dead-letter-routing-key': 'after',
        },
      },
    ],
  },
)
