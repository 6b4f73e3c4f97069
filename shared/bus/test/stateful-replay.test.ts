import { describe, expect, test } from 'vitest'
import { MemoryStore } from '../../store/memory-store.ts'
import type { Message, Received } from '../broker.ts'
import { Unrecoverable } from '../retry.ts'
import type { Arrived } from '../stateful-consumer.ts'
import { finishedBody, latch, listen, retryPolicy, virtualSite } from './bus-fixture.ts'
import { replayed, sidelineOn, task } from './sideline-fixture.ts'
import { failingStore, numberOf, type ServiceOptions, startService } from './stateful-fixture.ts'

const outcomesIn = (heard: readonly Received[]) =>
  heard.flatMap(({ properties, body }) => {
    const { reason, replay } = JSON.parse(body.toString())
    if (!properties.type?.startsWith('MESSAGE_')) return []
    return [
      `${properties.type.slice('MESSAGE_'.length)} ${reason} ${replay ? `${replay.job}/${replay.held}` : 'of none'}`,
    ]
  })
const failingAt = (attempts: number, error: () => Error = () => new Error('not yet')): Partial<ServiceOptions> => ({
  check: (arrived: Arrived) => {
    if (arrived.meta.attempt <= attempts) throw error()
  },
})
const retry = retryPolicy({ minMs: 10, retries: 2 })

const paths: readonly {
  readonly what: string
  readonly messages?: readonly Message[]
  readonly options?: Partial<ServiceOptions>
  readonly parksAtOnce?: boolean
  readonly outcomes: readonly string[]
}[] = [
  { what: 'is handled', outcomes: ['REPLAYED handled'] },
  { what: 'was handled before', messages: [task(1), replayed(1)], outcomes: ['REPLAYED duplicate'] },
  { what: 'is ignored', options: { decode: () => undefined }, outcomes: ['REPLAYED ignored'] },
  {
    what: 'is of a type that nobody knows, where that is taken',
    messages: [
      {
        ...replayed(1),
        body: Buffer.from('{"type":"NOBODY_KNOWS"}'),
        properties: { headers: { 'x-ebs-replay': 'job1/held1' } },
      },
    ],
    options: { takesStrangers: true },
    outcomes: ['REPLAYED handled'],
  },
  {
    what: 'fails twice, then is handled',
    options: failingAt(2),
    outcomes: ['FAILING failed', 'FAILING failed', 'REPLAYED handled'],
  },
  { what: 'fails to the end', options: failingAt(9), outcomes: ['FAILING failed', 'FAILING failed', 'DEAD exhausted'] },
  {
    what: 'cannot succeed',
    options: failingAt(1, () => new Unrecoverable('no such object')),
    outcomes: ['DEAD unrecoverable'],
  },
  {
    what: 'is refused',
    options: { handle: (arrived) => arrived.map((refused) => ({ refused, reason: 'another one is there' })) },
    outcomes: ['DEAD unrecoverable'],
  },
  { what: 'is poison', messages: [{ ...replayed(1), body: Buffer.from('hello') }], outcomes: ['DEAD poison'] },
  { what: 'matches another rule', parksAtOnce: true, outcomes: ['PARKED their database is down'] },
]

describe('S7: exactly one outcome of a message that came back to a stateful loop', () => {
  test.each(paths)('it $what: $outcomes', async ({ messages = [replayed(1)], options, parksAtOnce, outcomes }) => {
    const { site, clock } = virtualSite()
    await using _ = site
    const broker = site.connect()
    const heard = await listen(broker, 'watch')
    const sideline = sidelineOn(broker)
    if (parksAtOnce) await sideline.park([1])
    await startService(site, new MemoryStore(), { retry, ...options }, { rules: sideline.rules })

    for (const message of messages) {
      await broker.publish(message)
      await clock.advance(2_000)
    }

    expect(outcomesIn(heard)).toEqual(outcomes.map((outcome) => `${outcome} job1/held1`))
    expect(new Set(heard.map(({ properties }) => properties.messageId)).size).toBe(heard.length)
    expect(await broker.inspect('work.replay')).toMatchObject({ messages: 0 })
  })

  test('D1: it is not acked before its outcome is confirmed, and live ones of its batch do not wait for that', async () => {
    const { site, clock, memory } = virtualSite()
    await using _ = site
    const broker = site.connect()
    const confirm = latch()
    const gate = ({ properties }: Message) =>
      properties.type === 'MESSAGE_REPLAYED' ? confirm.opened : Promise.resolve()
    await startService(site, new MemoryStore(), { gate, lingerMs: 5 })
    await Promise.all([broker.publish(replayed(1)), broker.publish(task(2))])
    await clock.advance(5_000)
    expect([memory.depth('work.replay'), memory.depth('work')]).toEqual([1, 0])

    confirm.open()
    await clock.advance(100)
    expect(memory.depth('work.replay')).toBe(0)
  })
})

test('S7: a replay makes way for live messages, and goes on by itself when none come any more', async () => {
  const { site, clock } = virtualSite()
  await using _ = site
  const broker = site.connect()
  const { batches } = await startService(site, new MemoryStore())
  await broker.publish(task(1))
  await clock.advance(100)
  for (const n of [2, 3, 4]) await broker.publish(replayed(n))
  await clock.advance(500)
  expect(batches).toEqual([[1]])

  await broker.publish(task(5))
  await clock.advance(100)
  expect(batches).toEqual([[1], [5]])
  await clock.advance(2_000)
  expect(batches).toEqual([[1], [5], [2, 3, 4]])
})

test('S7: beside live messages that are all set aside a replay gets more places by and by', async () => {
  const { site, clock } = virtualSite()
  await using _ = site
  const broker = site.connect()
  const sideline = sidelineOn(broker)
  const live = Array.from({ length: 600 }, (_, i) => 10_000 + i)
  await sideline.park(live)
  const { batches } = await startService(site, new MemoryStore(), {}, { rules: sideline.rules })
  for (let n = 1; n <= 2_000; n++) await broker.publish(replayed(n))
  for (const n of live) {
    await broker.publish(task(n))
    await clock.advance(10)
  }

  expect(Math.max(...batches.map((batch) => batch.length))).toBeGreaterThan(3)
})

describe('rules and the stateful loop', () => {
  test('S3: what matches is parked and its batch is not disturbed; poison and strangers are not judged', async () => {
    const { site, clock } = virtualSite()
    await using _ = site
    const broker = site.connect()
    const heard = await listen(broker, 'watch')
    const sideline = sidelineOn(broker)
    await sideline.park([2, 4])
    const { batches } = await startService(
      site,
      new MemoryStore(),
      {
        takesStrangers: true,
        handle: (arrived) => arrived.map((cause) => ({ cause, body: finishedBody(numberOf(cause)) })),
      },
      { rules: sideline.rules },
    )
    for (const n of [1, 2, 3, 4]) await broker.publish(task(n))
    await broker.publish({ exchange: '', key: 'work', body: Buffer.from('{"type":"NOBODY_KNOWS"}'), properties: {} })
    await broker.publish({ exchange: '', key: 'work', body: Buffer.from('hello'), properties: {} })
    await clock.advance(1_000)

    expect(batches).toEqual([])
    expect(heard.map(({ properties }) => properties.type).toSorted()).toEqual([
      'MESSAGE_DEAD',
      'MESSAGE_PARKED',
      'MESSAGE_PARKED',
      'TASK_FINISHED',
      'TASK_FINISHED',
      'TASK_FINISHED',
    ])
    expect(sideline.judged.toSorted()).toEqual(['park work m2', 'park work m4', 'pass work m1', 'pass work m3'])
    expect((await broker.inspect('ebs.sideline.r1.work'))?.messages).toBe(2)
    expect([...(sideline.members[0]?.underWay() ?? [])]).toEqual([])
  })

  test('S4: what is held does not block its batch, and comes in order and first when the rule is lifted', async () => {
    const { site, clock } = virtualSite()
    await using _ = site
    const broker = site.connect()
    const sideline = sidelineOn(broker)
    sideline.hold([1, 2, 5])
    const { batches } = await startService(site, new MemoryStore(), {}, { rules: sideline.rules })
    for (const n of [1, 2, 3, 4]) await broker.publish(task(n))
    await clock.advance(1_000)
    expect(batches.flat()).toEqual([3, 4])

    sideline.lift()
    await broker.publish(task(5))
    await clock.advance(1_000)
    expect(batches.flat()).toEqual([3, 4, 1, 2, 5])
  })

  test('D6: a stop while messages are held gives them back', async () => {
    const { site, clock } = virtualSite()
    await using _ = site
    const broker = site.connect()
    const sideline = sidelineOn(broker)
    sideline.hold([1, 2])
    const { loop } = await startService(site, new MemoryStore(), {}, { rules: sideline.rules })
    for (const n of [1, 2]) await broker.publish(task(n))
    await clock.advance(1_000)
    await loop.stop(1_000)

    expect(await broker.inspect('work')).toMatchObject({ messages: 2, consumers: 0 })
    expect(sideline.members).toEqual([])
  })

  test('S2: what had to wait for its store is judged again', async () => {
    const { site, clock } = virtualSite()
    await using _ = site
    const broker = site.connect()
    const sideline = sidelineOn(broker)
    const store = failingStore(new MemoryStore(), 2)
    const { batches } = await startService(site, new MemoryStore(), { store }, { rules: sideline.rules })
    for (const n of [1, 2]) await broker.publish(task(n))
    await clock.advance(500)
    await sideline.park([1])
    await clock.advance(5_000)

    expect(batches).toEqual([[2]])
    expect((await broker.inspect('ebs.sideline.r1.work'))?.messages).toBe(1)
  })

  test('breakers hear of each message', async () => {
    const { site, clock } = virtualSite()
    await using _ = site
    const broker = site.connect()
    const seen: string[] = []
    const observe = (_queue: string, { meta }: { meta: { id: string } }, hasFailed: boolean) =>
      void seen.push(`${meta.id} ${hasFailed}`)
    await startService(
      site,
      new MemoryStore(),
      {
        check: (arrived) => {
          if (numberOf(arrived) === 2) throw new Unrecoverable('no such object')
        },
      },
      { outcomes: { observe } },
    )
    for (const n of [1, 2, 1]) await broker.publish(task(n))
    await clock.advance(1_000)

    expect(seen.toSorted()).toEqual(['m1 false', 'm2 true'])
  })
})
