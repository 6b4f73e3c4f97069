import { SingleBar } from 'cli-progress'
import { type Job, settledOf } from './job.ts'
import type { Terminal } from './terminal.ts'
import { spanOf } from './wording.ts'

/** Shows how far a job is. */
export type JobProgress = { update(job: Job): void; stop(): void }

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

function barOf(stream: NodeJS.WritableStream, rate: (job: Job) => Pace): JobProgress {
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
        bar.start(job.total, settledOf(job), payload)
        shown = { id: job.id, bar }
      }
      shown.bar.setTotal(job.total)
      shown.bar.update(settledOf(job), payload)
    },
    stop,
  }
}

function linesOf(stream: NodeJS.WritableStream, rate: (job: Job) => Pace, now: () => number): JobProgress {
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

const whatOf = (job: Job, { perS, etaMs }: Pace): string => {
  const { act, total, moved, handled, failed } = job
  const counts = act === 'replay' ? [`${moved} released`, `${handled} handled`, `${failed} failed`] : [`${moved} moved`]
  const pace = perS > 0 ? [`${Math.round(perS)}/s`] : []
  const eta = etaMs === undefined ? [] : [`eta ${spanOf(etaMs)}`]
  return [`${settledOf(job)}/${total}`, ...counts, ...pace, ...eta].join('  ')
}

/** Messages settled per second, lately, and when that makes an end. */
function rateOf(now: () => number): (job: Job) => Pace {
  let seen: { readonly id: string; readonly atMs: number; readonly settled: number }[] = []
  return (job) => {
    const [atMs, settled] = [now(), settledOf(job)]
    seen = [...seen.filter((one) => one.id === job.id && atMs - one.atMs <= RATE_MS), { id: job.id, atMs, settled }]
    const [first] = seen
    const perS = first && atMs > first.atMs ? ((settled - first.settled) * 1_000) / (atMs - first.atMs) : 0
    return { perS, etaMs: perS > 0 ? ((job.total - settled) / perS) * 1_000 : undefined }
  }
}
