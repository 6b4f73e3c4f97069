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

const start = fc.record(
  {
    what: fc.constant('start' as const),
    rule,
    way,
    expiresInMs: fc.constantFrom(2_000, 15_000),
    probeMs: fc.constantFrom(1_000, 5_000),
  },
  { requiredKeys: ['what', 'rule', 'way'] },
)
const end = fc.record({
  what: fc.constantFrom(...(['resume', 'resume', 'resolve', 'resolve', 'resolve', 'discard'] as const)),
  rule,
  way,
  pacing,
})
const inOrder = fc.record({
  what: fc.constant('resolve' as const),
  rule,
  way,
  pacing: fc.record({ ordered: fc.constant(true) }),
})
const dead = fc.record({
  what: fc.constant('dead' as const),
  act: fc.constantFrom(...(['replay', 'replay', 'replay', 'discard', 'archive'] as const)),
  tenant: fc.option(fc.constantFrom(...TENANTS), { nil: undefined }),
  pacing,
})
const job = fc.record({
  what: fc.constant('job' as const),
  nth: fc.nat(3),
  action: fc.constantFrom('pause' as const, 'resume' as const, 'cancel' as const),
})
const outage = fc.record({
  what: fc.constant('break' as const),
  tenant: fc.constantFrom(...TENANTS),
  forMs: fc.nat(10_000),
})
const act = fc.oneof(
  { weight: 4, arbitrary: start },
  { weight: 5, arbitrary: end },
  { weight: 2, arbitrary: inOrder },
  { weight: 3, arbitrary: dead },
  { weight: 2, arbitrary: job },
  { weight: 1, arbitrary: outage },
)
export type Act = typeof act extends fc.Arbitrary<infer T> ? T : never

const forMs = fc.oneof(fc.nat(200), fc.nat(5_000))
export const services = ['hub', 'processor-1', 'processor-2', 'keeper', 'outside'] as const
export type ServiceName = (typeof services)[number]

/** It burns until its process has published or committed so often, and strikes so many turns of the event loop later. */
const fuse = fc.record({
  what: fc.constant('fuse' as const),
  service: fc.constantFrom('hub' as const, 'hub' as const, 'processor-1' as const, 'keeper' as const),
  count: fc.nat(20),
  turns: fc.nat(4),
  isCut: fc.boolean(),
  forMs,
})
const fault = fc.oneof(
  { weight: 8, arbitrary: fuse },
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
    arbitrary: fc.record({
      what: fc.constant('delete parking' as const),
      rule,
      queue: fc.constantFrom(TASKS, OBJECTS),
    }),
  },
)
export type Fault = typeof fault extends fc.Arbitrary<infer T> ? T : never

/** Several things at about the same time are what goes wrong. */
const moment = fc.oneof(
  fc.nat(BUSY_MS),
  fc.nat(BUSY_MS / 1_000).map((s) => s * 1_000),
  fc.nat(BUSY_MS / 100).map((n) => n * 100),
)
const timed = <T>(event: fc.Arbitrary<T>, atMs = moment) => fc.record({ atMs, event })
/** Without it most stories would be short ones. */
const LONG = { size: 'max' } as const

export const story = fc.record({
  starts: fc.array(timed(start, fc.nat(5_000)), { minLength: 1, maxLength: 3 }),
  sendings: fc.array(sending, { maxLength: 30, ...LONG }),
  bursts: fc.array(burst, { maxLength: 4, ...LONG }),
  acts: fc.array(timed(act), { minLength: 1, maxLength: 16, ...LONG }),
  faults: fc.oneof(
    { weight: 1, arbitrary: fc.constant([]) },
    { weight: 2, arbitrary: fc.array(timed(fault), { minLength: 1, maxLength: 5, ...LONG }) },
  ),
})
export type Story = typeof story extends fc.Arbitrary<infer T> ? T : never

export const actsOf = ({ starts, acts }: Story) => [...starts, ...acts]

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
