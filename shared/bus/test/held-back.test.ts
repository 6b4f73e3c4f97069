import { describe, expect, test } from 'vitest'
import { MemoryStore } from '../../store/memory-store.ts'
import type { Message, Received } from '../broker.ts'
import { subscribe } from '../consumer.ts'
import { eventually, listen, retryPolicy, type Site, sites } from './bus-fixture.ts'
import { idsOf, sidelineOn, task } from './sideline-fixture.ts'
import { numberOf, startService } from './stateful-fixture.ts'

/** 0: a message of another tenant. */
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i + 1)

type Loop = { readonly handled: readonly number[]; readonly atOnceMax: () => number }
type Start = (site: Site, sideline: ReturnType<typeof sidelineOn>) => Promise<Loop>

const stateless =
  (prefetch?: number): Start =>
  async (site, { rules }) => {
    const handled: number[] = []
    let [atOnce, atOnceMax] = [0, 0]
    await subscribe(site.bus(site.connect('consumer'), { rules }), {
      queue: 'work',
      retry: retryPolicy(),
      prefetch,
      handlers: {
        TASK_CREATED: async ({ data }) => {
          handled.push(Number(data.task.id.slice(1)))
          atOnceMax = Math.max(atOnceMax, ++atOnce)
          await new Promise((resolve) => setImmediate(resolve))
          atOnce -= 1
          return []
        },
      },
    })
    return { handled, atOnceMax: () => atOnceMax }
  }

const stateful: Start = async (site, { rules }) => {
  const handled: number[] = []
  const handle = (arrived: Parameters<typeof numberOf>[0][]) => {
    handled.push(...arrived.map(numberOf))
    return []
  }
  await startService(site, new MemoryStore(), { handle: (arrived) => handle([...arrived]) }, { rules })
  return { handled, atOnceMax: () => 0 }
}

const publishAll = (site: Site, messages: readonly Message[]) => {
  const broker = site.connect('publisher')
  return Promise.all(messages.map((message) => broker.publish(message)))
}

const loops = [
  { loop: 'stateless', start: stateless() },
  { loop: 'stateless, prefetch 1', start: stateless(1) },
  { loop: 'stateless, prefetch 10', start: stateless(10) },
  { loop: 'stateful', start: stateful },
]
const table = sites.flatMap(({ site, open }) =>
  // How many, a broker does not see: RabbitMQ has the more that they are.
  loops.flatMap((one) => (site === 'RabbitMQ' ? [600] : [60, 600]).map((count) => ({ ...one, site, open, count }))),
)

describe('S4: what rules hold keeps nobody else waiting', () => {
  test.each(table)('$count held, $loop, $site', async ({ open, count, start }) => {
    await using site = await open()
    const broker = site.connect()
    const sideline = sidelineOn(broker)
    await sideline.restore('r1', 'work')
    sideline.hold(numbers(count))
    const { handled } = await start(site, sideline)

    await publishAll(
      site,
      numbers(count).map((n) => task(n)),
    )
    await broker.publish(task(0))
    // These rules hold for ever: it is handled beside what they hold, or never.
    await eventually(() => expect(handled).toEqual([0]))
  })
})

describe('S4: the order of what a rule concerns', () => {
  test.each(sites)('of what is held, deep as the consumer then is, $site', async ({ open }) => {
    await using site = await open()
    const sideline = sidelineOn(site.connect())
    sideline.hold(numbers(101))
    const { handled, atOnceMax } = await stateless(20)(site, sideline)
    await publishAll(
      site,
      [...numbers(100), 0].map((n) => task(n)),
    )
    await eventually(() => expect(handled).toEqual([0]))

    sideline.lift()
    await publishAll(site, [task(101)])
    await eventually(() => expect(handled).toHaveLength(102))

    expect(handled).toEqual([0, ...numbers(101)])
    expect(atOnceMax()).toBeLessThanOrEqual(20)
  })

  test.each([
    { loop: 'stateless', start: stateless() },
    { loop: 'stateful', start: stateful },
  ])('of what is set aside because it is too much, and of what comes after it: $loop', async ({ start }) => {
    await using site = await (sites[0]?.open() ?? Promise.reject(new Error('there is no site')))
    const broker = site.connect()
    const sideline = sidelineOn(broker)
    await sideline.restore('r1', 'work')
    sideline.hold(numbers(601))
    const { handled } = await start(site, sideline)
    await publishAll(
      site,
      numbers(600).map((n) => task(n)),
    )
    const parkedIn = async () => (await broker.inspect('ebs.sideline.r1.work'))?.messages
    await eventually(async () => expect(await parkedIn()).toBe(600))
    await publishAll(site, [task(601)])
    await eventually(async () => expect(await parkedIn()).toBe(601))

    const parked: readonly Received[] = await listen(broker, 'ebs.sideline.r1.work')
    await eventually(() =>
      expect(idsOf(parked)).toBe(
        numbers(601)
          .map((n) => `m${n}`)
          .join(' '),
      ),
    )
    expect(handled).toEqual([])
  })

  test('a newer record of the rule holds again', async () => {
    await using site = await (sites[0]?.open() ?? Promise.reject(new Error('there is no site')))
    const broker = site.connect()
    const sideline = sidelineOn(broker)
    await sideline.restore('r1', 'work')
    sideline.hold(numbers(601))
    const { handled } = await stateful(site, sideline)
    await publishAll(
      site,
      numbers(600).map((n) => task(n)),
    )
    await eventually(async () => expect((await broker.inspect('ebs.sideline.r1.work'))?.messages).toBe(600))

    sideline.hold([601], 'r1', 3)
    await publishAll(site, [task(601), task(0)])
    await eventually(() => expect(handled).toEqual([0]))
    sideline.lift()
    await eventually(() => expect(handled).toEqual([0, 601]))
    expect((await broker.inspect('ebs.sideline.r1.work'))?.messages).toBe(600)
  })
})
