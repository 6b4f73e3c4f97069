import { describe, expect, test } from 'vitest'
import { MemoryStore } from '../../store/memory-store.ts'
import type { Received } from '../broker.ts'
import { subscribe } from '../consumer.ts'
import { probedUse, probeJob } from '../replay-headers.ts'
import { type RetryPolicy, Unrecoverable } from '../retry.ts'
import type { Arrived } from '../stateful-consumer.ts'
import { listen, retryPolicy, virtualSite } from './bus-fixture.ts'
import { replayed, sidelineOn } from './sideline-fixture.ts'
import { startService } from './stateful-fixture.ts'

const PROBE = probeJob('r1', 'k3x')
const notYet = () => new Error('their database is down')
const never = () => new Unrecoverable('400')

/** Loops that fail at every attempt; each gives the attempts that were made. */
type Start = (bench: Bench, retry: RetryPolicy, error: () => Error) => Promise<readonly number[]>
const loops: Record<string, Start> = {
  stateless: async ({ site, broker, sideline }, retry, error) => {
    const attempts: number[] = []
    await subscribe(site.bus(broker, { rules: sideline.rules }), {
      queue: 'work',
      retry,
      handlers: {
        TASK_CREATED: (_event, { attempt }) => {
          attempts.push(attempt)
          throw error()
        },
      },
    })
    return attempts
  },
  stateful: async ({ site, sideline }, retry, error) => {
    const attempts: number[] = []
    const check = ({ meta }: Arrived) => {
      attempts.push(meta.attempt)
      throw error()
    }
    await startService(site, new MemoryStore(), { retry, check }, { rules: sideline.rules })
    return attempts
  },
  'stateful, refusing': async ({ site, sideline }, retry) => {
    const attempts: number[] = []
    const handle = (arrived: readonly Arrived[]) => {
      attempts.push(...arrived.map(({ meta }) => meta.attempt))
      return arrived.map((refused) => ({ refused, reason: 'another one is there' }))
    }
    await startService(site, new MemoryStore(), { retry, handle }, { rules: sideline.rules })
    return attempts
  },
}

type Bench = Awaited<ReturnType<typeof bench>>
async function bench() {
  const { site, clock } = virtualSite()
  const broker = site.connect()
  const heard = await listen(broker, 'watch')
  return {
    site,
    clock,
    broker,
    heard,
    sideline: sidelineOn(broker),
    [Symbol.asyncDispose]: () => site[Symbol.asyncDispose](),
  }
}
const outcomesIn = (heard: readonly Received[]) =>
  heard.map(({ properties: { type }, body }) => `${type} ${JSON.parse(body.toString()).replay?.job}`)

const paths = [
  { loop: 'stateless', what: 'might be tried again', retry: retryPolicy(), error: notYet },
  {
    loop: 'stateless',
    what: 'would be tried again at once',
    retry: retryPolicy({ policy: 'immediate' }),
    error: notYet,
  },
  { loop: 'stateless', what: 'has no other attempt', retry: retryPolicy({ retries: 0 }), error: notYet },
  { loop: 'stateless', what: 'cannot succeed', retry: retryPolicy(), error: never },
  { loop: 'stateful', what: 'might be tried again', retry: retryPolicy(), error: notYet },
  { loop: 'stateful', what: 'has no other attempt', retry: retryPolicy({ policy: 'never' }), error: notYet },
  { loop: 'stateful', what: 'cannot succeed', retry: retryPolicy(), error: never },
  { loop: 'stateful, refusing', what: 'is refused', retry: retryPolicy(), error: never },
]

describe('a probe that fails', () => {
  test.each(paths)('S8: gives its message back to the rule at once: $loop, $what', async ({ loop, retry, error }) => {
    await using it = await bench()
    const { broker, clock, heard, sideline } = it
    await sideline.park([1])
    const attempts = await loops[loop]?.(it, retry, error)
    for (const round of [1, 2, 3]) {
      const headers = { 'x-ebs-released': 'older#1,r1#1' }
      await broker.publish(replayed(1, probeJob('r1', `${round}`), headers))
      await clock.advance(1_000)
    }

    expect(attempts).toEqual([1, 1, 1])
    expect(outcomesIn(heard)).toEqual(
      [1, 2, 3].flatMap((round) => [`MESSAGE_FAILING r1:probe.${round}`, `MESSAGE_PARKED r1:probe.${round}`]),
    )
    expect(await broker.inspect('work.dead')).toMatchObject({ messages: 0 })
    const parked = await listen(broker, 'ebs.sideline.r1.work')
    await clock.advance(0)
    expect(parked).toHaveLength(3)
    expect(parked[0]?.properties.headers).toMatchObject({ 'x-ebs-released': 'older#1', 'x-ebs-rule': 'r1#1' })
    expect(parked[0]?.properties.headers).not.toHaveProperty('x-ebs-replay')
  })

  test.each(['stateless', 'stateful'])('S8: costs no attempt when the rule was lifted meanwhile: %s', async (loop) => {
    await using it = await bench()
    const { broker, clock, heard } = it
    const attempts = await loops[loop]?.(it, retryPolicy({ retries: 2, minMs: 10 }), notYet)
    await broker.publish(replayed(1, PROBE, { 'x-ebs-released': 'r1#1' }))
    await clock.advance(2_000)

    expect(attempts).toEqual([1, 1, 2, 3])
    expect(outcomesIn(heard).at(-1)).toBe(`MESSAGE_DEAD ${PROBE}`)
  })

  test('S7: another job of the same rule brings its message back for good', async () => {
    await using it = await bench()
    const { broker, clock, heard, sideline } = it
    await sideline.park([1])
    await loops.stateless?.(it, retryPolicy({ retries: 0 }), notYet)
    await broker.publish(replayed(1, 'r1:k3x', { 'x-ebs-released': 'r1#1' }))
    await clock.advance(1_000)

    expect(outcomesIn(heard)).toEqual(['MESSAGE_DEAD r1:k3x'])
  })
})

test.each([
  { what: 'a probe', job: PROBE, released: ['r1#1'], use: 'r1#1' },
  { what: 'a probe of the newest use', job: PROBE, released: ['r1#1', 'r1#2', 'other#3'], use: 'r1#2' },
  { what: 'a probe that is over', job: PROBE, released: [], use: undefined },
  { what: 'a probe of a rule whose name is the beginning of another', job: PROBE, released: ['r12#1'], use: undefined },
  { what: 'another job of the rule', job: 'r1:k3x', released: ['r1#1'], use: undefined },
  { what: 'a rule that is called so', job: 'probe.1:k3x', released: ['probe.1#1'], use: undefined },
  { what: 'a job of no rule', job: 'k3x', released: ['r1#1'], use: undefined },
])('of $what that let $released go, $use is probed', ({ job, released, use }) => {
  expect(probedUse({ released, replay: { job, held: 'h1' } })).toBe(use)
})

test('what no job brought back is no probe', () => {
  expect(probedUse({ released: ['r1#1'], replay: undefined })).toBeUndefined()
})
