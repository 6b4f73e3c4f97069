import { describe, expect, test } from 'vitest'
import { DELAY_MS_MAX, delayRoute } from '../bus/ladder.ts'
import { topicMatches } from '../bus/topic-match.ts'
import {
  deadQueueOf,
  exchanges,
  levelExchange,
  levels,
  type Plan,
  queues,
  rungQueue,
  topologyPlan,
  unroutedQueue,
} from '../topology.ts'

const HOLD_DELIVERIES_MAX = 1_000_000_000
const work = Object.keys(queues)
/** What lies in the others too long vanishes: it is worth nothing to anybody by then. */
const keeping = Object.entries(queues).flatMap(([name, row]) => ('ttlMs' in row ? [] : [name]))
const types = ['quorum', 'classic'] as const
const rungs = levels.flatMap(({ unitMs, rungs: names }) =>
  names.map((name, i) => ({ name: rungQueue(name), ttlMs: (i + 1) * unitMs })),
)

const argumentsOf = (plan: Plan, name: string) => plan.queues.find((queue) => queue.name === name)?.arguments
/** Where a message ends up, hop by hop, and how long it was under way. */
function walk(plan: Plan, exchange: string, key: string): { readonly queues: readonly string[]; readonly ms: number } {
  const bindings = plan.bindings.filter((one) => one.source === exchange && topicMatches(one.key, key))
  if (bindings.length === 0) return { queues: [], ms: 0 }
  expect(bindings).toHaveLength(1)
  const [{ to, destination } = { to: 'queue', destination: '' }] = bindings
  if (to === 'exchange') return walk(plan, destination, key)
  const { 'x-message-ttl': ttlMs, 'x-dead-letter-exchange': next } = argumentsOf(plan, destination) ?? {}
  if (typeof ttlMs !== 'number' || typeof next !== 'string') return { queues: [destination], ms: 0 }
  const rest = walk(plan, next, key)
  return { queues: [destination, ...rest.queues], ms: ttlMs + rest.ms }
}

describe.each(types)('topology of %s queues', (type) => {
  const plan = topologyPlan(type)

  test('names are unique, and every binding has both ends', () => {
    const names = plan.queues.map(({ name }) => name)
    const sources = plan.exchanges.map(({ name }) => name)

    expect(new Set(names).size).toBe(names.length)
    expect(new Set(sources).size).toBe(sources.length)
    for (const { source, destination, to } of plan.bindings) {
      expect(sources).toContain(source)
      expect(to === 'queue' ? names : sources).toContain(destination)
    }
  })

  test.each(keeping)('%s: a dead queue beside it, where the broker itself puts what crashes too often', (queue) => {
    expect(argumentsOf(plan, queue)).toMatchObject({
      'x-queue-type': type,
      'x-dead-letter-exchange': '',
      'x-dead-letter-routing-key': deadQueueOf(queue),
    })
    expect(deadQueueOf(queue)).toBe(`${queue}.dead`)
    expect(argumentsOf(plan, deadQueueOf(queue))).toMatchObject({ 'x-queue-type': type })
  })

  test('questions to the hub vanish when nobody has answered them; what is no question dies beside them', () => {
    const {
      'x-message-ttl': ttlMs,
      'x-dead-letter-exchange': next,
      'x-queue-type': queueType,
    } = argumentsOf(plan, 'hub_ask') ?? {}

    expect({ ttlMs, next, queueType }).toEqual({ ttlMs: 5_000, next: undefined, queueType: type })
    expect(argumentsOf(plan, 'hub_ask.dead')).toEqual(argumentsOf(plan, 'hub_consume.dead'))
    expect(plan.bindings.filter(({ destination, source }) => destination === 'hub_ask' && source === 'ebs')).toEqual([])
  })

  test.each(work)('%s: the ladder leads to it and nowhere else', (queue) => {
    for (const delayMs of [0, 10, 1_000, 12_340, 90_061_230, DELAY_MS_MAX]) {
      const { exchange, key } = delayRoute(delayMs, queue)
      const { queues: path, ms } = walk(plan, exchange, key)

      expect(path.at(-1)).toBe(queue)
      expect(path.slice(0, -1).every((name) => name.startsWith('ebs.delay.'))).toBe(true)
      expect(ms).toBe(delayMs)
    }
  })

  test.each(rungs)(
    'R2: rung $name loses nothing: quorum, at-least-once, reject-publish, $ttlMs ms',
    ({ name, ttlMs }) => {
      expect(argumentsOf(plan, name)).toMatchObject({
        'x-queue-type': 'quorum',
        'x-message-ttl': ttlMs,
        'x-dead-letter-strategy': 'at-least-once',
        'x-overflow': 'reject-publish',
      })
      expect(argumentsOf(plan, name)).not.toHaveProperty('x-dead-letter-routing-key')
    },
  )

  test('every exchange that a message could fall off has the alternate exchange, and that has its queue', () => {
    // What is sent straight to a queue that is gone is returned; to what is internal nobody sends anything.
    for (const { name, internal, arguments: args } of plan.exchanges)
      if (name !== exchanges.unrouted && name !== exchanges.direct && !internal)
        expect(args).toEqual({ 'alternate-exchange': 'ebs.unrouted' })
    expect(plan.exchanges).toContainEqual({ name: 'ebs.unrouted', type: 'fanout', arguments: {} })
    expect(plan.bindings).toContainEqual({ source: 'ebs.unrouted', destination: unroutedQueue, to: 'queue', key: '' })
  })
})

describe('limits', () => {
  const plan = topologyPlan('quorum')

  test.each([unroutedQueue, ...work.map(deadQueueOf)])('R6: %s survives being browsed', (name) => {
    expect(argumentsOf(plan, name)).toEqual({ 'x-queue-type': 'quorum', 'x-delivery-limit': HOLD_DELIVERIES_MAX })
  })

  test.each(keeping)(
    "R6: %s: the broker's limit is a backstop, and nothing is lost on the way to the dead queue",
    (name) => {
      const { 'x-delivery-limit': limit, ...others } = argumentsOf(plan, name) ?? {}

      expect(limit).toBeGreaterThan(25)
      expect(limit).toBeLessThan(HOLD_DELIVERIES_MAX)
      expect(others).toMatchObject({ 'x-dead-letter-strategy': 'at-least-once', 'x-overflow': 'reject-publish' })
    },
  )
})

describe('names', () => {
  test('of rungs are readable, and say how long: ebs.delay.10s', () => {
    const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
    for (const { name, ttlMs } of rungs) {
      const [, count, unit] = /^ebs\.delay\.(\d+)(ms|s|m|h|d)$/.exec(name) ?? []
      const [, ms] = Object.entries(unitMs).find(([label]) => label === unit) ?? []

      expect(Number(count) * (ms ?? Number.NaN)).toBe(ttlMs)
    }
    for (const name of ['100ms', '1s', '5s', '10s', '30s', '1m', '5m', '1h'])
      expect(rungs.map((rung) => rung.name)).toContain(`ebs.delay.${name}`)
  })

  test('of exchanges are those of the contract', () => {
    expect([exchanges.events, exchanges.unrouted, levelExchange(0), levelExchange(levels.length)]).toEqual([
      'ebs',
      'ebs.unrouted',
      'ebs.delay.10d',
      'ebs.delay.deliver',
    ])
    for (const name of work) expect(name.length).toBeLessThanOrEqual(200)
  })

  test('work queues hear what the contract says', () => {
    expect(queues.distributor_consume.hears).toEqual(['objects'])
    expect(queues.process_consume.hears).toEqual(['task-requests'])
    expect(queues.statistics.hears).toEqual(['#'])
    expect(queues.flow_worker_consume.hears).toEqual(['flow-worker'])
    expect(queues.datagen_consume.hears).toEqual(['objects.completed', 'objects.failed'])
    expect(queues.hub_consume.hears).toEqual([
      'eventbus-collector',
      'tasks.finished',
      'tasks.failed',
      'activities.*',
      'initiate_workflow',
      'initiate_journey.#',
      'flows.*',
      'messages.*',
      'sidelines.*',
    ])
  })

  test('that end alike are never mistaken for each other at the end of the ladder', () => {
    const names = ['b', 'a.b', 'x.a.b', '0.b', 'b.0', '0', '0.0.0']
    const plan = topologyPlan('quorum', {
      queues: Object.fromEntries(names.map((name) => [name, { hears: [] }])),
      withLadder: true,
    })

    for (const name of names)
      for (const delayMs of [0, 30, 1_230]) {
        const { exchange, key } = delayRoute(delayMs, name)
        expect(walk(plan, exchange, key).queues.at(-1)).toBe(name)
        expect(walk(plan, exchange, key).ms).toBe(delayMs)
      }
  })

  test('a queue that was deleted: its delayed messages fall into the alternate exchange, others pass', () => {
    const plan = topologyPlan('quorum', { queues: { here: { hears: [] } }, withLadder: true })
    const { exchange, key } = delayRoute(1_000, 'gone')

    expect(walk(plan, exchange, key).queues).toEqual(['ebs.delay.1s'])
    expect(walk(plan, exchange, delayRoute(1_000, 'here').key).queues).toEqual(['ebs.delay.1s', 'here'])
  })
})

test('without the ladder there is none of it', () => {
  const plan = topologyPlan('quorum', { queues: { alone: { hears: ['a', 'b'] } }, withLadder: false })

  expect(plan.exchanges.map(({ name }) => name)).toEqual(['ebs.unrouted', 'ebs.direct', 'ebs', 'ebs.topology.1'])
  expect(plan.queues.map(({ name }) => name)).toEqual([
    'ebs.unrouted',
    'alone.dead',
    'alone',
    'alone.replay',
    'ebs.control',
  ])
  expect(plan.bindings.filter(({ source }) => source === 'ebs').map(({ key }) => key)).toEqual(['a', 'b'])
})
