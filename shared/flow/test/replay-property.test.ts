import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ReplayRun, sourceOf } from './replay-run.ts'

/** Sources with what they really hold, a mover that runs errands, and messages that fare somehow. */
class Surroundings {
  readonly job = new ReplayRun()
  readonly #holds: Map<string, number>
  /** Newest errand of each source; how many of it are moved. */
  readonly upTo = new Map<string, number>()
  readonly moved = new Map<string, number>()
  /** Messages on their way, and those of them that have failed. */
  readonly released: string[] = []
  readonly failing: string[] = []
  stops = 0

  constructor(holds: readonly [string, number][]) {
    this.#holds = new Map(holds)
  }

  carry(): void {
    for (const sent of this.job.taken()) {
      if (!('body' in sent)) continue
      const { body } = sent
      if (body.type === 'REPLAY_ERRAND') this.upTo.set(body.from.slice(0, 1), body.upTo)
      if (body.type === 'REPLAY_ENDED' && body.status === 'stopped') this.stops++
    }
  }

  /** Runs the newest errand of a source, or some of it; the answer arrives, or is lost. */
  move(queue: string, { share, isLost }: { readonly share: number; readonly isLost: boolean }): void {
    const upTo = this.upTo.get(queue)
    if (upTo === undefined) return
    const before = this.moved.get(queue) ?? 0
    const holds = this.#holds.get(queue) ?? 0
    const to = Math.max(before, Math.min(before + Math.ceil((upTo - before) * share), holds))
    for (let i = before + 1; i <= to; i++) this.released.push(`${queue}.${i}`)
    this.moved.set(queue, to)
    if (!isLost) this.job.moved(queue, to, to >= holds && to < upTo)
  }

  settle(n: number, outcome: 'handled' | 'dead' | 'parked' | 'failing'): void {
    const at = n % Math.max(1, this.released.length)
    const held = this.released[at]
    if (held === undefined) return
    if (outcome === 'failing') {
      if (!this.failing.includes(held)) this.failing.push(held)
      else return
    } else this.released.splice(at, 1)
    this.job.tell(outcome, held)
  }
}

const QUEUES = ['a', 'b', 'c']
const setting = fc.record({
  sources: fc.array(fc.record({ count: fc.integer({ min: 1, max: 120 }), lacks: fc.constantFrom(0, 0, 0, 1, 30) }), {
    minLength: 1,
    maxLength: 3,
  }),
  canary: fc.constantFrom(undefined, 0, 1, 7, 40),
  maxFailure: fc.constantFrom<number | undefined>(undefined, 0, 20, 100),
  ordered: fc.constantFrom(undefined, false, true),
  rate: fc.constantFrom(undefined, undefined, 3, 50),
})
type Setting = typeof setting extends fc.Arbitrary<infer T> ? T : never

type Step = (around: Surroundings) => void
const queue = fc.constantFrom(...QUEUES)
const moves = fc
  .record({ queue, share: fc.constantFrom(1, 1, 0.5, 0), isLost: fc.constantFrom(false, false, false, true) })
  .map(
    ({ queue, ...how }): Step =>
      (around) =>
        around.move(queue, how),
  )
const outcomes = fc
  .tuple(fc.nat(50), fc.constantFrom('handled', 'handled', 'handled', 'dead', 'parked', 'failing'))
  .map(
    ([n, outcome]): Step =>
      (around) =>
        around.settle(n, outcome),
  )
const commands = fc.constantFrom('pause', 'resume', 'resume').map(
  (action): Step =>
    ({ job }) =>
      void job.command(action),
)
const timers = fc.nat(5).map(
  (n): Step =>
    ({ job }) => {
      const all = [...job.timers.keys()]
      job.fire(all[n % Math.max(1, all.length)] ?? 'none')
    },
)
const clocks = fc.constantFrom(0, 500, 90_000, -90_000).map(
  (ms): Step =>
    ({ job }) => {
      job.nowMs += ms
    },
)
const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: moves },
    { weight: 12, arbitrary: outcomes },
    { weight: 1, arbitrary: commands },
    { weight: 3, arbitrary: timers },
    { weight: 1, arbitrary: clocks },
  ),
  { maxLength: 120, size: 'max' },
)

function begin({ sources, canary, maxFailure, ordered, rate }: Setting): Surroundings {
  const counted = sources.map(({ count, lacks }, i) => ({
    queue: QUEUES[i] ?? 'z',
    count,
    holds: Math.max(0, count - lacks),
  }))
  const around = new Surroundings(counted.map(({ queue, holds }) => [queue, holds]))
  around.job.request({
    sources: counted.map(({ queue, count }) => sourceOf(queue, count)),
    ...(canary !== undefined && { canary }),
    ...(maxFailure !== undefined && { maxFailure }),
    ...(ordered !== undefined && { ordered }),
    ...(rate !== undefined && { rate }),
  })
  around.carry()
  return around
}

const sum = (numbers: Iterable<number>) => [...numbers].reduce((a, b) => a + b, 0)

describe('whatever happens to a job, in whatever order', () => {
  test('no more is moved than asked for, nor asked for than there is, nor sent than the canary before its outcomes are in', () => {
    fc.assert(
      fc.property(setting, steps, (own, all) => {
        const around = begin(own)
        const { job } = around
        const canary = own.canary ?? 10
        for (const step of all) {
          step(around)
          around.carry()

          for (const { moved, upTo, count } of job.opened.sources) {
            expect(moved).toBeLessThanOrEqual(upTo)
            expect(upTo).toBeLessThanOrEqual(count)
          }
          if (own.ordered) expect(around.released.length).toBeLessThanOrEqual(1)
          else if (around.stops === 0 && knownIn(job) < Math.min(canary, numbersOf(job).total))
            expect(sum(around.moved.values())).toBeLessThanOrEqual(canary)
        }
      }),
      { numRuns: 150 },
    )
  })

  test('it completes once errands are answered and messages are handled, and its counts are those of the messages', () => {
    fc.assert(
      fc.property(setting, steps, (own, all) => {
        const around = begin(own)
        const { job } = around
        for (const step of all) {
          step(around)
          around.carry()
        }
        for (let turns = 0; turns < 3_000 && !job.hasEnded; turns++) comeCloser(around)

        const { total, moved, handled, dead, parked, failed, pending, retrying } = numbersOf(job)
        expect(job.opened.status).toBe('completed')
        expect(total).toBe(sum(around.moved.values()))
        expect({ moved, settled: handled + dead + parked, pending, retrying }).toEqual({
          ...{ moved: total, settled: total, pending: 0, retrying: 0 },
        })
        expect(failed).toBeGreaterThanOrEqual(Math.max(dead, around.failing.length))
      }),
      { numRuns: 100 },
    )
  })

  test('when all fail it stops within one window', () => {
    fc.assert(
      fc.property(setting, fc.constantFrom('dead', 'failing'), fc.nat(60), (own, outcome, handledFirst) => {
        const around = begin({ ...own, maxFailure: own.maxFailure === 100 ? undefined : own.maxFailure })
        const { job } = around
        for (let i = 0; i < handledFirst; i++) {
          if (around.released.length === 0) goOn(around)
          around.settle(0, 'handled')
          around.carry()
        }
        const knownAtFirst = knownIn(job)
        for (let turns = 0; turns < 500 && job.opened.status === 'running'; turns++) {
          for (let i = around.released.length; i > 0; i--) around.settle(outcome === 'dead' ? 0 : i - 1, outcome)
          goOn(around)
        }

        // Of few that are left, too few may fail to stop it.
        if (job.opened.status === 'running') expect(job.upTo).toBe(numbersOf(job).total)
        // Of the canary some may have failed without stopping it, before the window began.
        else expect(knownIn(job) - knownAtFirst).toBeLessThanOrEqual(job.opened.window + (own.canary ?? 10))
      }),
    )
  })
})

const knownIn = ({ opened }: ReplayRun) => opened.handled + opened.dead + opened.parked + opened.failing.length

function numbersOf(job: ReplayRun) {
  const { handled, dead, parked, failed, failing, sources } = job.opened
  const moved = sum(sources.map((source) => source.moved))
  const total = sum(sources.map(({ count }) => count))
  return { total, moved, handled, dead, parked, failed, pending: Number(job.view().pending), retrying: failing.length }
}

function goOn(around: Surroundings): void {
  around.carry()
  for (const queue of QUEUES) around.move(queue, { share: 1, isLost: false })
  around.carry()
  const { job } = around
  for (const timer of [...job.timers.keys()]) job.fire(timer)
  around.carry()
}

/** Somebody has it go on whenever it stands still; each message is handled in the end. */
function comeCloser(around: Surroundings): void {
  const { job } = around
  if (job.opened.status !== 'running') job.command('resume')
  while (around.released.length > 0) around.settle(0, 'handled')
  goOn(around)
}
