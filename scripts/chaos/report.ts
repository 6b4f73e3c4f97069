import { tell, tellSums } from '../demos/sums.ts'
import type { FaultRow } from './struck.ts'
import type { Check } from './sums.ts'

const DETAILS_MAX = 5
const DETAIL_CHARS_MAX = 600

/** All that a run found. */
export type Report = {
  readonly seed: number
  readonly minutes: number
  /** Runs the same plan again. */
  readonly command: string
  /** How the full disk was made. */
  readonly disk: string
  readonly faults: readonly FaultRow[]
  /** What was accepted, and how it ended, as the witness heard it. */
  readonly load: readonly {
    readonly kind: string
    readonly accepted: number
    readonly good: number
    readonly bad: number
  }[]
  readonly heard: number
  readonly heardAgain: number
  readonly refused: number
  readonly unanswered: number
  /** Times that the ledger said, while faults struck, that it does not balance. */
  readonly alarms: number
  readonly triedAgain: number
  readonly wakeUps: number
  readonly checks: readonly Check[]
  readonly isRight: boolean
  /** The folder with logs and databases; missing when all is right. */
  readonly evidence?: string
}

export const isRight = (checks: readonly Check[], faults: readonly FaultRow[]): boolean =>
  checks.every(({ expected, found }) => expected === found) && faults.every(({ outcome }) => outcome !== 'not survived')

/** One line of JSON. */
export const printJson = (report: Report): void => console.log(JSON.stringify(report))

/** Tables for a person. */
export function printReport(report: Report): void {
  const seconds = (ms: number) => (ms / 1_000).toFixed(1)
  tell(
    [
      { head: 'FAULT', of: ({ fault }) => fault, isWhole: true },
      { head: 'STRUCK', of: ({ struck }) => struck, isNumber: true },
      { head: 'LONGEST GAP S', of: (row) => seconds(row.longestGapMs), isNumber: true },
      { head: 'BACK AFTER S', of: (row) => seconds(row.recoveredMs), isNumber: true },
      { head: 'RESTARTS', of: ({ restarts }) => restarts, isNumber: true },
      { head: '503', of: ({ refused }) => refused, isNumber: true },
      { head: 'REDELIVERED', of: ({ redelivered }) => redelivered, isNumber: true },
      { head: 'OUTCOME', of: ({ outcome }) => outcome, isWhole: true },
      { head: 'AT', of: ({ targets, notes }) => [...targets, ...notes].join(', ') },
    ],
    report.faults,
  )
  tell(
    [
      { head: 'LOAD', of: ({ kind }) => kind, isWhole: true },
      { head: 'ACCEPTED', of: ({ accepted }) => accepted, isNumber: true },
      { head: 'ENDED WELL', of: ({ good }) => good, isNumber: true },
      { head: 'FAILED', of: ({ bad }) => bad, isNumber: true },
    ],
    report.load,
  )
  console.log(
    `\n${remarksOf(report)
      .map((line) => `  ${line}`)
      .join('\n')}`,
  )
  tellSums(report.checks)
  for (const { what, details } of report.checks.filter(({ expected, found }) => expected !== found))
    console.log(`\n  ${what}:\n${shown(details)}`)
  if (report.evidence !== undefined) console.log(`\n  Logs and databases are in ${report.evidence}`)
  const missed = report.faults.filter(({ outcome }) => outcome === 'did not strike').map(({ fault }) => fault)
  if (missed.length > 0) console.log(`\n  Nothing is shown about ${missed.join(', ')}: struck, and nobody felt it.`)
  console.log(
    `\n  ${report.isRight ? 'Everything holds' : 'NOT everything holds'}; the same faults again: ${report.command}`,
  )
}

function remarksOf(report: Report): string[] {
  const { heard, heardAgain, refused, unanswered, alarms, triedAgain, wakeUps, disk } = report
  return [
    `The witness heard ${heard} messages, ${heardAgain} of them again (at least once is the promise).`,
    `Requests were told ${refused} times to come back, and got no answer ${unanswered} times; all were repeated until they were accepted.`,
    `A full disk, here: ${disk}.`,
    ...(alarms > 0 ? [`The ledger said ${alarms} times while faults struck that it does not balance.`] : []),
    ...(triedAgain > 0 ? [`${triedAgain} journeys needed a person, who had them tried again.`] : []),
    ...(wakeUps > 0 ? [`${wakeUps} wake-ups of deadlines that are long met wait in the ladder for their time.`] : []),
  ]
}

function shown(details: readonly string[]): string {
  const more = details.length > DETAILS_MAX ? [`... and ${details.length - DETAILS_MAX} more`] : []
  return [...details.slice(0, DETAILS_MAX).map((text) => text.slice(0, DETAIL_CHARS_MAX)), ...more]
    .map((line) => `    ${line}`)
    .join('\n')
}
