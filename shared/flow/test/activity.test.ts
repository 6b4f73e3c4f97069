import { expect, test, vi } from 'vitest'
import { z } from 'zod'
import { Retryable, Unrecoverable } from '../../bus/retry.ts'
import { eventually } from '../../bus/test/bus-fixture.ts'
import { type ActivityContext, ActivityError, activity, deferred } from '../activity.ts'
import { request, serving } from './activity-fixture.ts'

const made = {
  name: 'charge',
  input: z.object({ amount: z.int().min(1), card: z.object({ last4: z.string().length(4) }).optional() }),
  output: z.object({ paid: z.int() }),
}
const pays = activity({ ...made, run: ({ amount }) => ({ paid: amount }) })
const done = { type: 'ACTIVITY_SUCCEEDED', callId: request.callId, attempt: 1, status: 200 }
const failed = { type: 'ACTIVITY_FAILED', callId: request.callId, attempt: 1 }
const throwing = (error: unknown) =>
  activity({
    ...made,
    run() {
      throw error
    },
  })

test('J7: what an activity gives is its answer, which echoes call and attempt', async () => {
  await using work = await serving(pays)

  await work.ask({ attempt: 3 })
  await work.clock.advance(0)

  expect(work.answers()).toEqual([{ ...done, attempt: 3, output: { paid: 1 } }])
  expect(work.heard[0]?.properties.correlationId).toBe('s1.main')
})

test('an activity knows its call, whose tenant it is, and what to tell other systems', async () => {
  const seen: ActivityContext[] = []
  await using work = await serving(activity({ ...made, run: (_, context) => ({ paid: seen.push(context) }) }))

  await work.ask({ idempotencyKey: 's1.main:charge#2', attempt: 4, decidedAfter: 3 }, 5_000, { 'x-ebs-tenant': 'acme' })
  await work.ask({ attempt: 5 })
  await work.clock.advance(0)

  const { callId, sagaId } = request
  expect(seen[0]).toMatchObject({ callId, sagaId, attempt: 4, idempotencyKey: 's1.main:charge#2', tenant: 'acme' })
  expect(seen[1]).toMatchObject({ attempt: 5, idempotencyKey: request.idempotencyKey, tenant: 'default' })
  expect(seen.map(({ decidedAfter }) => decidedAfter)).toEqual([3, undefined])
})

test.each([
  { what: 'a field that is wrong', input: { amount: 0 }, error: /input of charge.*amount: / },
  { what: 'a field inside another', input: { amount: 1, card: { last4: '12' } }, error: /card\.last4: / },
  { what: 'two fields', input: { amount: 'x', card: 1 }, error: /amount: .*; card: / },
  { what: 'nothing', input: null, error: /input of charge has mistakes: .*expected object/ },
])('bad input, $what, is refused for good and names what is wrong', async ({ input, error }) => {
  const run = vi.fn(() => ({ paid: 1 }))
  await using work = await serving(activity({ ...made, run }))

  await work.ask({ input })
  await work.clock.advance(0)

  expect(work.answers()).toEqual([{ ...failed, status: 400, error: expect.stringMatching(error) }])
  expect(run).not.toHaveBeenCalled()
})

test('output that is not what the activity promised fails for good and names the field: a retry gives the same', async () => {
  await using work = await serving(activity({ ...made, run: () => ({ paid: 1.5 }) }))

  await work.ask()
  await work.clock.advance(0)

  expect(work.answers()).toEqual([
    { ...failed, status: 400, carriedOut: true, error: expect.stringMatching(/What charge gave.*paid: /) },
  ])
})

test.each([
  { what: 'text that fits to the byte', output: 'x'.repeat(65_534), says: { type: 'ACTIVITY_SUCCEEDED' } },
  {
    what: 'text of a byte too many',
    output: 'x'.repeat(65_535),
    says: { ...failed, status: 400, carriedOut: true, error: expect.stringMatching(/charge.*65537 bytes/) },
  },
  {
    what: 'bytes count, not characters',
    output: 'ä'.repeat(40_000),
    says: { ...failed, status: 400, carriedOut: true, error: expect.stringContaining('80002 bytes') },
  },
  {
    what: '10 MB',
    output: 'x'.repeat(10_000_000),
    says: { ...failed, status: 400, carriedOut: true, error: expect.stringContaining('10000002 bytes') },
  },
  {
    what: 'what is no JSON',
    output: 1n,
    says: { ...failed, status: 400, carriedOut: true, error: expect.stringContaining('no JSON') },
  },
  { what: 'nothing, as null', output: undefined, says: { type: 'ACTIVITY_SUCCEEDED', output: null } },
])('output: $what', async ({ output, says }) => {
  await using work = await serving(activity({ ...made, output: z.unknown(), run: () => output }))

  await work.ask()
  await work.clock.advance(0)

  expect(work.answers()).toEqual([expect.objectContaining(says)])
})

test.each([
  { what: 'Unrecoverable', error: new Unrecoverable('no such card'), status: 400, says: 'no such card' },
  { what: 'Retryable', error: new Retryable('later'), status: 500, says: 'later' },
  { what: 'any error', error: new TypeError('a bug'), status: 500, says: 'a bug' },
  { what: 'an error without a text', error: new RangeError(), status: 500, says: 'RangeError' },
  { what: 'no error at all', error: { odd: 1 }, status: 500, says: '{ odd: 1 }' },
  { what: 'a status of its own', error: new ActivityError(422, 'no'), status: 422, says: 'no' },
  { what: 'the last status', error: new ActivityError(599, 'no'), status: 599, says: 'no' },
  { what: 'a long text', error: new Error('x'.repeat(10_000)), status: 500, says: 'x'.repeat(2_048) },
])('J3: $what that is thrown becomes an answer with $status', async ({ error, status, says }) => {
  await using work = await serving(throwing(error))

  await work.ask()
  await work.clock.advance(60_000)

  expect(work.answers()).toEqual([{ ...failed, status, error: says }])
  expect(work.deaths).toEqual([])
})

test.each([399, 600, Number.NaN])('%s is no status of a failure', (status) => {
  expect(() => new ActivityError(status, 'no')).toThrow(RangeError)
})

test('a name that is none is refused when the activity is made', () => {
  expect(() => activity({ ...made, name: 'charge.dead', run: () => ({ paid: 1 }) })).toThrow(/dead/)
})

test('a request for another activity is refused by name', async () => {
  await using work = await serving(pays)

  await work.ask({ activity: 'refund' })
  await work.clock.advance(0)

  expect(work.answers()).toEqual([{ ...failed, status: 400, error: expect.stringMatching(/charge.*refund/) }])
})

test('H8: an activity that defers gives no answer, and its request is done', async () => {
  await using work = await serving(activity({ ...made, run: () => deferred }))

  await work.ask()
  await work.clock.advance(60_000)

  expect(work.answers()).toEqual([])
  expect(work.memory.depth(work.queue)).toBe(0)
  expect(work.deaths).toEqual([])
})

test('at the deadline, not earlier, the signal is aborted; who stops then is not answered for', async () => {
  let signal: AbortSignal | undefined
  const waits = activity({
    ...made,
    run: (_, context) =>
      new Promise<never>((_resolve, reject) => {
        signal = context.signal
        signal.addEventListener('abort', () => reject(context.signal.reason))
      }),
  })
  await using work = await serving(waits)

  await work.ask({}, 5_000)
  await work.clock.advance(4_999)
  expect(signal?.aborted).toBe(false)

  await work.clock.advance(1)
  expect(signal?.aborted).toBe(true)
  expect(work.answers()).toEqual([])
  expect(work.memory.depth(work.queue)).toBe(0)
})

test('who is done a little after the deadline answers all the same: by the clock of the hub it may be before', async () => {
  await using work = await serving(
    activity({
      ...made,
      run: () => new Promise<{ paid: number }>((resolve) => work.clock.after(6_000, () => resolve({ paid: 1 }))),
    }),
  )

  await work.ask({}, 5_000)
  await work.clock.advance(6_000)

  expect(work.answers()).toEqual([{ ...done, output: { paid: 1 } }])
})

test('who does not heed the signal is left alone 30 s later: its place is for others', async () => {
  await using work = await serving(activity({ ...made, run: () => new Promise<never>(() => undefined) }))

  await work.ask({}, 5_000)
  await work.clock.advance(34_999)
  expect(work.memory.depth(work.queue)).toBe(1)

  await work.clock.advance(1)
  expect(work.memory.depth(work.queue)).toBe(0)
  expect(work.answers()).toEqual([])
})

test.each([
  { overdueMs: 30_000, runs: 1 },
  { overdueMs: 30_001, runs: 0 },
])('$overdueMs ms after its deadline a request is begun $runs times: clocks differ', async ({ overdueMs, runs }) => {
  const run = vi.fn((_: unknown, { signal }: ActivityContext) => ({ paid: signal.aborted ? 0 : 1 }))
  await using work = await serving(activity({ ...made, run }))

  await work.ask({}, -overdueMs)
  await work.clock.advance(0)

  expect(run).toHaveBeenCalledTimes(runs)
  expect(work.answers()).toHaveLength(runs)
  expect(work.memory.depth(work.queue)).toBe(0)
})

test('one that is begun after its deadline has as long as clocks may differ', async () => {
  let signal: AbortSignal | undefined
  await using work = await serving(
    activity({
      ...made,
      run: (_, context) => {
        signal = context.signal
        return new Promise<never>(() => undefined)
      },
    }),
  )

  await work.ask({}, -10_000)
  await work.clock.advance(19_999)
  expect(signal?.aborted).toBe(false)

  await work.clock.advance(1)
  expect(signal?.aborted).toBe(true)
})

test('D5: a request that cannot be read is dead, and nobody is answered', async () => {
  await using work = await serving(pays)

  await work.ask({ attempt: 0 })
  await work.clock.advance(0)

  await eventually(() => expect(work.deaths).toHaveLength(1))
  expect(work.memory.depth(`${work.queue}.dead`)).toBe(1)
  expect(work.answers()).toEqual([])
})
