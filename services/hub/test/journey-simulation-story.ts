import fc from 'fast-check'
import { definition, TYPES } from './journey-simulation-definitions.ts'

/** Random journeys, workers, operators and faults. Times are ms from the start of the simulation. */

/** Requests, acts and faults come within it. */
export const BUSY_MS = 30_000
const FATES_MAX = 8

/** What becomes of one attempt at an activity. */
const fate = fc.oneof(
  { weight: 10, arbitrary: fc.record({ what: fc.constant('done' as const), afterMs: fc.constantFrom(0, 0, 5, 300) }) },
  {
    weight: 5,
    arbitrary: fc.record({ what: fc.constant('failed' as const), status: fc.constantFrom(400, 422, 500, 503, 503) }),
  },
  /** The work is done, or not, and nobody says so. */
  { weight: 4, arbitrary: fc.record({ what: fc.constant('silent' as const), isDone: fc.boolean() }) },
  /** Behind its deadline. */
  { weight: 2, arbitrary: fc.record({ what: fc.constant('done' as const), afterMs: fc.constantFrom(1_000, 9_000) }) },
  /** Somebody else answers. `shift` says for which attempt, from this one; null: names none. */
  {
    weight: 4,
    arbitrary: fc.record({
      what: fc.constant('foreign' as const),
      afterMs: fc.oneof(fc.nat(100), fc.nat(3_000)),
      status: fc.constantFrom(200, 200, 200, 400, 500),
      shift: fc.constantFrom(0, 0, 0, null, -1),
      copies: fc.array(fc.record({ afterMs: fc.nat(2_000), hasOwnId: fc.boolean() }), { maxLength: 2 }),
    }),
  },
)
export type Fate = typeof fate extends fc.Arbitrary<infer T> ? T : never

const journey = fc.record({
  atMs: fc.oneof(fc.nat(2_000), fc.nat(BUSY_MS)),
  type: fc.constantFrom(...TYPES),
  tenant: fc.constantFrom('a', 'b'),
  n: fc.nat(5),
  /** Attempts at its steps take their turns at these. */
  fates: fc.array(fate, { minLength: 1, maxLength: FATES_MAX, size: 'max' }),
  /** The same key once more. */
  copies: fc.array(
    fc.record({
      afterMs: fc.oneof(fc.nat(50), fc.nat(10_000)),
      how: fc.constantFrom('same message' as const, 'same payload' as const, 'other payload' as const),
    }),
    { maxLength: 2 },
  ),
})
export type JourneyStory = typeof journey extends fc.Arbitrary<infer T> ? T : never

const act = fc.constantFrom(...(['retry', 'retry', 'retry', 'skip', 'compensate', 'cancel'] as const))
const remedy = fc.record({
  what: fc.constant('remedy' as const),
  act,
  nth: fc.nat(20),
  isPatched: fc.boolean(),
  isStale: fc.constantFrom(false, false, false, true),
  /** About any journey, whether it needs a person or not. */
  isEager: fc.constantFrom(false, false, false, true),
  way: fc.constantFrom(...(['told', 'told', 'published', 'published twice', 'cancelled'] as const)),
})
const bulk = fc.record({
  what: fc.constant('bulk' as const),
  act,
  type: fc.option(fc.constantFrom(...TYPES), { nil: undefined }),
  cause: fc.option(fc.constantFrom('exhausted', 'permanent', 'deadline'), { nil: undefined }),
})
const rule = fc.nat(1)
const sideline = fc.record({ what: fc.constantFrom('start' as const, 'resolve' as const), rule })
const action = fc.oneof(
  { weight: 6, arbitrary: remedy },
  { weight: 2, arbitrary: bulk },
  { weight: 2, arbitrary: sideline },
)
export type Action = typeof action extends fc.Arbitrary<infer T> ? T : never
export type Act = Extract<Action, { what: 'remedy' }>['act']

/** Rarely so long that a job asks again. */
const forMs = fc.oneof(
  { weight: 4, arbitrary: fc.nat(200) },
  { weight: 4, arbitrary: fc.nat(5_000) },
  { weight: 1, arbitrary: fc.nat(90_000) },
)
const process = fc.constantFrom('hub' as const, 'hub' as const, 'worker-1' as const, 'worker-2' as const)
/** It burns until its process has come to this point so often, and strikes so many turns of the event loop later. */
const fuse = fc.record({
  what: fc.constant('fuse' as const),
  process,
  point: fc.constantFrom(
    'before commit' as const,
    'after commit' as const,
    'before publish' as const,
    'after publish' as const,
    'after registration' as const,
  ),
  ...{ count: fc.oneof(fc.nat(3), fc.nat(20)), turns: fc.nat(4), isCut: fc.boolean(), forMs },
})
const fault = fc.oneof(
  { weight: 8, arbitrary: fuse },
  { weight: 3, arbitrary: fc.record({ what: fc.constant('kill' as const), process, forMs }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('cut' as const), process }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('restart' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      what: fc.constantFrom('stop' as const, 'block' as const, 'store out' as const, 'wake-ups lost' as const),
      forMs,
    }),
  },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('another hub' as const) }) },
  /** What was heard in the seconds before is heard once more. */
  { weight: 2, arbitrary: fc.record({ what: fc.constant('echo' as const), count: fc.integer({ min: 1, max: 20 }) }) },
)
export type Fault = typeof fault extends fc.Arbitrary<infer T> ? T : never

/** Several things at about the same time are what goes wrong. */
const moment = fc.oneof(
  // Most journeys begin then.
  fc.nat(3_000),
  fc.nat(BUSY_MS),
  fc.nat(BUSY_MS / 1_000).map((s) => s * 1_000),
)
const timed = <T>(event: fc.Arbitrary<T>) => fc.record({ atMs: moment, event })
/** Without it most stories would be short ones. */
const LONG = { size: 'max' } as const

const registration = fc.record({ definition, atMs: moment })

export const story = fc.record({
  /** The first is there before everything else. */
  definitions: fc.record({
    errand: fc.array(registration, { minLength: 1, maxLength: 2 }),
    order: fc.array(registration, { minLength: 1, maxLength: 2 }),
    late: fc.array(registration, { minLength: 1, maxLength: 1 }),
  }),
  journeys: fc.array(journey, { minLength: 1, maxLength: 6, ...LONG }),
  actions: fc.array(timed(action), { maxLength: 12, ...LONG }),
  faults: fc.oneof(
    { weight: 1, arbitrary: fc.constant([]) },
    { weight: 3, arbitrary: fc.array(timed(fault), { minLength: 1, maxLength: 5, ...LONG }) },
  ),
  /** Older journeys are shown to people; undefined: learned. */
  overdueMs: fc.option(fc.constantFrom(300, 5_000), { nil: undefined }),
  /** Time stands still for a journey while something of it is set aside. */
  isFrozenWhileParked: fc.boolean(),
  isOnDisk: fc.constantFrom(false, false, true),
})
export type Story = typeof story extends fc.Arbitrary<infer T> ? T : never
