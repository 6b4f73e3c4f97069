import fc from 'fast-check'
import { OBJECTS, rules, type Sending, TASKS } from './sideline-simulation-ledger.ts'

/** Random traffic, operators and faults. Times are ms from the start of the simulation. */

const TENANTS = ['a', 'b', 'c'] as const
/** Faults and acts come within it. */
export const BUSY_MS = 30_000

const sending = fc.record({
  atMs: fc.nat(BUSY_MS),
  what: fc.constantFrom('task' as const, 'task' as const, 'object' as const),
  tenant: fc.constantFrom(...TENANTS),
  index: fc.integer({ min: 1, max: 2 }),
  manner: fc.constantFrom(
    ...(['fine', 'fine', 'fine', 'fine', 'slow', 'fails once', 'fails twice', 'fails always'] as const),
  ),
})
/** Many of one tenant, one soon after another. */
const burst = fc.record({ sending, count: fc.integer({ min: 2, max: 30 }), everyMs: fc.constantFrom(0, 7, 90) })

const pacing = fc.record(
  {
    canary: fc.constantFrom(0, 1, 3),
    rate: fc.constantFrom(2, 50),
    maxFailure: fc.constantFrom(0, 50, 100),
    ordered: fc.boolean(),
  },
  { requiredKeys: [] },
)
const rule = fc.nat(rules.length - 1)
const way = fc.constantFrom('told' as const, 'told' as const, 'published' as const)

const act = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record(
      {
        what: fc.constant('start' as const),
        rule,
        way,
        expiresInMs: fc.constantFrom(2_000, 15_000),
        probeMs: fc.constantFrom(1_000, 5_000),
      },
      { requiredKeys: ['what', 'rule', 'way'] },
    ),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      what: fc.constantFrom('resume' as const, 'resolve' as const, 'resolve' as const, 'discard' as const),
      rule,
      way,
      pacing,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constant('dead' as const),
      act: fc.constantFrom('replay' as const, 'replay' as const, 'discard' as const, 'archive' as const),
      tenant: fc.option(fc.constantFrom(...TENANTS), { nil: undefined }),
      pacing,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constant('job' as const),
      nth: fc.nat(3),
      action: fc.constantFrom('pause' as const, 'resume' as const, 'cancel' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('break' as const), tenant: fc.constantFrom(...TENANTS), forMs: fc.nat(10_000) }) },
)
export type Act = typeof act extends fc.Arbitrary<infer T> ? T : never

const forMs = fc.oneof(fc.nat(200), fc.nat(5_000))
export const services = ['hub', 'processor-1', 'processor-2', 'keeper', 'outside'] as const
export type ServiceName = (typeof services)[number]

const fault = fc.oneof(
  { weight: 3, arbitrary: fc.record({ what: fc.constant('cut' as const), service: fc.constantFrom(...services) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      what: fc.constant('kill' as const),
      service: fc.constantFrom('hub' as const, 'hub' as const, 'processor-1' as const, 'keeper' as const),
      forMs,
    }),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('restart' as const) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('stop' as const), forMs }) },
  {
    weight: 2,
    arbitrary: fc.record({ what: fc.constant('delete parking' as const), rule, queue: fc.constantFrom(TASKS, OBJECTS) }),
  },
)
export type Fault = typeof fault extends fc.Arbitrary<infer T> ? T : never

/** Several things at about the same time are what goes wrong. */
const moment = fc.oneof(fc.nat(BUSY_MS), fc.nat(BUSY_MS / 1_000).map((s) => s * 1_000), fc.nat(300).map((n) => n * 100))

const timed = <T>(event: fc.Arbitrary<T>) => fc.record({ atMs: moment, event })

export const story = fc.record({
  sendings: fc.array(sending, { maxLength: 20 }),
  bursts: fc.array(burst, { maxLength: 3 }),
  acts: fc.array(timed(act), { minLength: 1, maxLength: 14 }),
  faults: fc.oneof(fc.constant([]), fc.array(timed(fault), { maxLength: 5 })),
})
export type Story = typeof story extends fc.Arbitrary<infer T> ? T : never

export const sendingsOf = ({ sendings, bursts }: Story): Sending[] =>
  [
    ...sendings,
    ...bursts.flatMap(({ sending: { index, ...one }, count, everyMs }) =>
      Array.from({ length: count }, (_, n) => ({
        ...one,
        // Of a burst one fails for good at most, or nothing else would be told.
        manner: n > 0 && one.manner === 'fails always' ? ('fine' as const) : one.manner,
        index: index + n,
        atMs: one.atMs + n * everyMs,
      })),
    ),
  ].toSorted((a, b) => a.atMs - b.atMs)
