import type { FaultName } from './faults.ts'
import type { Attempt } from './insistence.ts'
import type { Step } from './plan.ts'
import type { Death } from './watched-process.ts'

/** A step as it went. Times in ms since 1970. */
export type Struck = {
  readonly step: Step
  readonly atMs: number
  /** The cause was gone. */
  readonly healedAtMs: number
  readonly note?: string | undefined
  /** It did nothing, and why: nothing can be said of it then. */
  readonly missed?: Miss | undefined
}

export type Miss = 'not possible here' | 'did not strike'

/** What was seen of one fault, over all of its strikes. */
export type FaultRow = {
  readonly fault: FaultName
  readonly struck: number
  readonly targets: readonly string[]
  /** The longest time without a completed object that began or lasted while it was the last fault. */
  readonly longestGapMs: number
  /** From the end of the cause until the next object was completed, at most. */
  readonly recoveredMs: number
  readonly restarts: number
  readonly refused: number
  readonly redelivered: number
  readonly notes: readonly string[]
  readonly outcome: 'survived' | 'not survived' | Miss | 'did not fit'
}

export type Seen = {
  readonly struck: readonly Struck[]
  readonly completedAtMs: readonly number[]
  readonly deaths: readonly Death[]
  readonly attempt: Pick<Attempt, 'refusedAtMs'>
  /** Messages that the broker delivered again between two times. */
  redeliveredBetween(fromMs: number, toMs: number): number
  /** When the last thing that was waited for had ended. */
  readonly endMs: number
}

/** What each fault did, in the order given. A strike answers for the time until the next one. */
export const faultRows = (faults: readonly FaultName[], seen: Seen): readonly FaultRow[] =>
  faults.map((fault) => rowOf(fault, seen))

function rowOf(fault: FaultName, seen: Seen): FaultRow {
  const strikes = seen.struck.flatMap((one, i) => {
    const untilMs = seen.struck[i + 1]?.atMs ?? seen.endMs
    return one.step.fault === fault ? [{ ...one, untilMs }] : []
  })
  const felt = strikes.filter(({ missed }) => missed === undefined)
  const countIn = (timesMs: readonly number[]) =>
    felt.reduce((sum, { atMs, untilMs }) => sum + timesMs.filter((ms) => ms >= atMs && ms < untilMs).length, 0)
  // What the last object of a run needed is none of the faults' business; a strike without any object behind it is.
  const next = felt.map(({ healedAtMs }) => seen.completedAtMs.find((ms) => ms >= healedAtMs))
  return {
    fault,
    struck: felt.length,
    targets: [...new Set(felt.flatMap(({ step }) => step.target ?? []))],
    longestGapMs: Math.max(0, ...felt.map((one) => longestGapMs(seen.completedAtMs, one.atMs, one.untilMs))),
    recoveredMs: Math.max(0, ...felt.map(({ healedAtMs }, i) => (next[i] ?? seen.endMs) - healedAtMs)),
    restarts: countIn(seen.deaths.map(({ atMs }) => atMs)),
    refused: countIn(seen.attempt.refusedAtMs),
    redelivered: felt.reduce((sum, { atMs, untilMs }) => sum + seen.redeliveredBetween(atMs, untilMs), 0),
    notes: [...new Set(strikes.flatMap(({ note }) => note ?? []))],
    outcome: outcomeOf(strikes, next.includes(undefined)),
  }
}

function outcomeOf(strikes: readonly Pick<Struck, 'missed'>[], isStuck: boolean): FaultRow['outcome'] {
  if (strikes.length === 0) return 'did not fit'
  if (isStuck) return 'not survived'
  if (strikes.some(({ missed }) => missed === undefined)) return 'survived'
  return strikes.every(({ missed }) => missed === 'not possible here') ? 'not possible here' : 'did not strike'
}

/** The longest time between two objects of which a part lies between these times. */
export function longestGapMs(completedAtMs: readonly number[], fromMs: number, toMs: number): number {
  const before = completedAtMs.findLast((ms) => ms < fromMs) ?? fromMs
  const inside = completedAtMs.filter((ms) => ms >= fromMs && ms < toMs)
  const after = completedAtMs.find((ms) => ms >= toMs)
  const marks = [before, ...inside, ...(after === undefined ? [] : [after])]
  return Math.max(0, ...marks.map((ms, i) => ms - (marks[i - 1] ?? ms)))
}
