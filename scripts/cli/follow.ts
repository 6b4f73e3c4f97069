import { ApiError, AwayError } from './api.ts'
import type { Cli } from './cli.ts'
import { jobProgress, type Progress } from './job-progress.ts'
import { interruptible } from './watch.ts'

/** What one look at something that goes on has shown. */
export type Look<T> = { readonly seen: T; readonly progress: Progress | undefined; readonly isOver: boolean }

export type Following<T> = {
  look(): Promise<Look<T>>
  /** Said when the follower leaves and it goes on: how to see it again. */
  readonly againBy: string
}

/** A hub that is restarted is back within this time, and its jobs go on where they were. */
const AWAY_MS_MAX = 60_000

/**
 * Looks again and again, with progress, until it is over; undefined when the user left with Ctrl-C: then it goes on without.
 * Throws AwayError when the hub is away for longer than a restart takes.
 */
export async function follow<T>(cli: Cli, { look, againBy }: Following<T>): Promise<T | undefined> {
  const progress = jobProgress(cli.terminal, cli.now)
  const interrupt = interruptible(cli)
  let awaySinceMs: number | undefined
  try {
    while (!interrupt.signal.aborted) {
      const looked = await look().catch((error: unknown) => {
        if (!isAway(error) || cli.now() - (awaySinceMs ?? cli.now()) > AWAY_MS_MAX) throw error
        if (awaySinceMs === undefined)
          cli.say(`${error.message}\nWaiting for it; what was begun goes on when it is back.`)
        awaySinceMs ??= cli.now()
        return undefined
      })
      if (looked) {
        awaySinceMs = undefined
        if (looked.progress) progress.update(looked.progress)
        if (looked.isOver) return looked.seen
      }
      await interrupt.wait(cli.pollMs)
    }
  } finally {
    progress.stop()
    interrupt.stop()
  }
  cli.say(`It goes on without you. Look again: ${againBy}`)
  return undefined
}

/** 503: it is starting or stopping. */
const isAway = (error: unknown): error is Error =>
  error instanceof AwayError || (error instanceof ApiError && error.status === 503)
