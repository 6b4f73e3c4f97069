import { setTimeout as sleep } from 'node:timers/promises'
import { type Backoff, delayAfter } from './backoff.ts'
import { describeExit, type Exit, type Running, type Startable } from './running.ts'

export type KeepOptions = {
  readonly backoff: Backoff
  readonly say: (line: string) => void
  /** Runs already: the first start is not ours. */
  readonly running?: Running
  /** An end of the first run after which starting again is pointless, such as a mistake in the configuration. */
  readonly isHopeless?: (exit: Exit) => boolean
}

/** Something that is being kept running. */
export type Kept = {
  readonly name: string
  /** Resolves when the first run ended hopelessly, and then it is not started again. */
  readonly hopeless: Promise<Exit>
  /** Stops it, also when it is just starting or waiting to be started again. */
  stop(): Promise<void>
  kill(): Promise<void>
}

/** Starts it and, whenever it dies, starts it again after a growing wait, until it is stopped. */
export function keepRunning(target: Startable, options: KeepOptions): Kept {
  const { backoff, say, isHopeless } = options
  const ending = new AbortController()
  const { promise: hopeless, resolve: giveUp } = Promise.withResolvers<Exit>()
  let running = options.running
  let deaths = 0
  let isFirst = true

  const liveOnce = async (): Promise<string | undefined> => {
    const startedAt = Date.now()
    try {
      running = isFirst && running ? running : await target.start(ending.signal)
    } catch (error) {
      deaths++
      return error instanceof Error ? error.message : String(error)
    }
    const exit = await running.exited
    if (isFirst && isHopeless?.(exit)) {
      giveUp(exit)
      return undefined
    }
    deaths = Date.now() - startedAt >= backoff.steadyMs ? 1 : deaths + 1
    return describeExit(exit)
  }

  const live = async () => {
    while (!ending.signal.aborted) {
      const death = await liveOnce()
      isFirst = false
      if (death === undefined || ending.signal.aborted) return
      const waitMs = delayAfter(deaths, backoff)
      say(`${target.name} died (${death}); starting it again in ${waitMs / 1000} s`)
      await sleep(waitMs, undefined, { signal: ending.signal }).catch(() => {})
    }
  }
  const life = live()

  const end = async (how: 'stop' | 'kill') => {
    ending.abort()
    await running?.[how]()
    await life
    // It may have come up just then.
    await running?.[how]()
  }
  return { name: target.name, hopeless, stop: () => end('stop'), kill: () => end('kill') }
}
