import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Surroundings } from './sideline-surroundings.ts'

/** One thing that happens; numbers choose among what there is. */
type Step = (around: Surroundings) => void

const nth = <T>(all: readonly T[], n: number): T | undefined => all[n % Math.max(1, all.length)]
const take = <T>(all: T[], n: number): T | undefined => all.splice(n % Math.max(1, all.length), 1)[0]
const n = fc.nat(20)

const commands = fc
  .record({
    action: fc.constantFrom('start', 'start', 'resume', 'resolve', 'resolve', 'discard'),
    ordered: fc.boolean(),
    probeMs: fc.constantFrom(undefined, 5_000),
  } as const)
  .map(
    ({ action, ordered, probeMs }): Step =>
      ({ rule }) => {
        const isStart = action === 'start'
        rule.command(action, {
          ...(ordered && !isStart && { ordered }),
          ...(isStart && probeMs !== undefined && { probeMs }),
          ...(isStart && ordered && { expiresAt: new Date(rule.nowMs + 20_000).toISOString() }),
        })
      },
  )
const parking = fc.nat(40).map(
  (count): Step =>
    (around) => {
      if (around.rule.opened.phase === 'park') around.parked += count
    },
)
const errands = fc.tuple(n, fc.boolean()).map(
  ([i, isMissing]): Step =>
    (around) =>
      around.run(take(around.errands, i), isMissing ? ['processor 1'] : []),
)
const lostErrands = n.map(
  (i): Step =>
    (around) =>
      void take(around.errands, i),
)
const facts = n.map(
  (i): Step =>
    (around) =>
      around.deliver(take(around.facts, i)),
)
const repeatedFacts = n.map(
  (i): Step =>
    (around) =>
      around.deliver(nth(around.facts, i)),
)
const lostFacts = n.map(
  (i): Step =>
    (around) =>
      void take(around.facts, i),
)
const ends = fc.constantFrom('completed', 'completed', 'stopped', 'cancelled').map(
  (status): Step =>
    (around) =>
      around.end(around.atWork, status),
)
const timers = n.map(
  (i): Step =>
    ({ rule }) =>
      void rule.fire(nth([...rule.timers.keys()], i) ?? 'none'),
)
const clocks = fc.constantFrom(0, 1, 700, 11_000, -11_000).map(
  (ms): Step =>
    ({ rule }) => {
      rule.nowMs += ms
    },
)
const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: commands },
    { weight: 2, arbitrary: parking },
    { weight: 8, arbitrary: errands },
    { weight: 1, arbitrary: lostErrands },
    { weight: 8, arbitrary: facts },
    { weight: 1, arbitrary: repeatedFacts },
    { weight: 1, arbitrary: lostFacts },
    { weight: 4, arbitrary: ends },
    { weight: 2, arbitrary: timers },
    { weight: 2, arbitrary: clocks },
  ),
  { maxLength: 60, size: 'max' },
)

function play(all: readonly Step[]): Surroundings {
  const around = new Surroundings()
  around.rule.command('start')
  for (const step of all) {
    step(around)
    around.carry()
  }
  return around
}

describe('whatever happens to a rule, in whatever order', () => {
  test('it never has two jobs at once, and its records grow', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const { busiest, revisions } = play(all)

        expect(busiest).toBeLessThanOrEqual(1)
        expect(revisions).toEqual([...new Set(revisions)].toSorted((a, b) => a - b))
      }),
      { numRuns: 200 },
    )
  })

  test.each(['resolve', 'discard'] as const)(
    '%s brings it to its end once errands are answered, and nothing is left',
    (action) => {
      fc.assert(
        fc.property(steps, fc.boolean(), (all, ordered) => {
          const around = play(all)
          const { rule } = around

          // Once for what has stopped, or was cancelled by a hand whose word was still on its way.
          for (let i = 0; i < 3 && !rule.hasEnded; i++) {
            const isRefused = rule
              .command(action, ordered && action === 'resolve' ? { ordered } : {})
              .startsWith('refuse')
            if (isRefused) rule.command('discard')
            around.comeToRest()
          }

          expect(rule.hasEnded).toBe(true)
          expect(rule.timers.size).toBe(0)
          expect(around.atWork).toBeUndefined()
          expect(around.parked).toBe(0)
        }),
        { numRuns: 200 },
      )
    },
  )

  test('one that nobody resolves is active once errands are answered, and still parks', () => {
    const harmless = fc.array(fc.oneof(parking, errands, lostErrands, facts, repeatedFacts, lostFacts, clocks))
    fc.assert(
      fc.property(harmless, fc.boolean(), (all, isResumed) => {
        const around = new Surroundings()
        around.rule.command('start')
        around.carry()
        if (isResumed) around.rule.command('resume')
        for (const step of all) {
          step(around)
          around.carry()
        }
        around.comeToRest()

        const { phase, isSettled, task, wait } = around.rule.opened
        expect({ phase, isSettled, task, wait }).toEqual({ phase: 'park', isSettled: true })
        if (isResumed) expect(around.jobs.size).toBeLessThanOrEqual(1)
      }),
    )
  })
})
