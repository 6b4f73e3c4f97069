import { SingleBar } from 'cli-progress'
import type { Terminal } from './terminal.ts'
import { spanOf } from './wording.ts'

/** How far a job of any sort is. */
export type Progress = {
  readonly id: string
  readonly act: string
  readonly status: string
  readonly phase?: string | undefined
  readonly total: number
  /** Of so many it is known what came of them. */
  readonly settled: number
  /** What else there is to count, in words. */
  readonly counts: readonly string[]
}

/** Shows it. */
export type JobProgress = { update(job: Progress): void; stop(): void }

const BAR_CHARS = 16
/** Where there is no terminal: a line at each change of phase, and else this often. */
const LINE_MS = 5_000
/** The rate is that of the last so many milliseconds. */
const RATE_MS = 10_000

/** A bar on a terminal, lines elsewhere; always on stderr. */
export function jobProgress({ err }: Terminal, now: () => number): JobProgress {
  const rate = rateOf(now)
  return err.isTTY ? barOf(err, rate) : linesOf(err, rate, now)
}

function barOf(stream: NodeJS.WritableStream, rate: (job: Progress) => Pace): JobProgress {
  let shown: { readonly id: string; readonly bar: SingleBar } | undefined
  const stop = () => {
    shown?.bar.stop()
    shown = undefined
  }
  return {
    update(job) {
      const payload = { act: job.act, what: whatOf(job, rate(job)) }
      if (shown?.id !== job.id) {
        stop()
        const bar = new SingleBar({
          stream,
          format: '{act} {bar} {percentage}% {what}',
          barsize: BAR_CHARS,
          barCompleteChar: '█',
          barIncompleteChar: '░',
          linewrap: false,
          emptyOnZero: true,
          // Ctrl-C is ours: it leaves the job running and says so.
          gracefulExit: false,
        })
        bar.start(job.total, job.settled, payload)
        shown = { id: job.id, bar }
      }
      shown.bar.setTotal(job.total)
      shown.bar.update(job.settled, payload)
    },
    stop,
  }
}

function linesOf(stream: NodeJS.WritableStream, rate: (job: Progress) => Pace, now: () => number): JobProgress {
  let last = { text: '', key: '', atMs: Number.NEGATIVE_INFINITY }
  return {
    update(job) {
      const text = whatOf(job, rate(job))
      const key = [job.id, job.status, job.phase].join(' ')
      if (key === last.key && (text === last.text || now() - last.atMs < LINE_MS)) return
      last = { text, key, atMs: now() }
      stream.write(`${job.act} ${job.id}${job.phase ? ` (${job.phase})` : ''}: ${text}\n`)
    },
    stop: () => undefined,
  }
}

type Pace = { readonly perS: number; readonly etaMs: number | undefined }

const whatOf = ({ total, settled, counts }: Progress, { perS, etaMs }: Pace): string => {
  const pace = perS > 0 ? [`${Math.round(perS)}/s`] : []
  const eta = etaMs === undefined ? [] : [`eta ${spanOf(etaMs)}`]
  return [`${settled}/${total}`, ...counts, ...pace, ...eta].join('  ')
}

/** Settled per second, lately, and when that makes an end. */
function rateOf(now: () => number): (job: Progress) => Pace {
  let seen: { readonly id: string; readonly atMs: number; readonly settled: number }[] = []
  return (job) => {
    const [atMs, settled] = [now(), job.settled]
    seen = [...seen.filter((one) => one.id === job.id && atMs - one.atMs <= RATE_MS), { id: job.id, atMs, settled }]
    const [first] = seen
    const perS = first && atMs > first.atMs ? ((settled - first.settled) * 1_000) / (atMs - first.atMs) : 0
    return { perS, etaMs: perS > 0 ? ((job.total - settled) / perS) * 1_000 : undefined }
  }
}
