import { setTimeout as sleep } from 'node:timers/promises'
import { type Backoff, delayAfter } from './backoff.ts'
import { describeExit, type Exit, type Running, type Startable } from './running.ts'

export type KeepOptions = {
  readonly backoff: Backoff
  readonly say: (line: string) => void
  /** Runs already: the first start is not ours. */
  readonly running?: Running
  /** An end of the first run after which starting again is pointless, such as a mistake in the configuration or a damaged store. */
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
  let giveUp: (exit: Exit) => void = () => {}
  const hopeless = new Promise<Exit>((resolve) => {
    giveUp = resolve
  })
  let running = options.running
  let isUp = running !== undefined
  let isFirst = true
  let deaths = 0

  /** One life: why it ended, or undefined when that was the last one. */
  const live = async (): Promise<string | undefined> => {
    const startedAt = Date.now()
    try {
      if (!isUp || !running) running = await target.start(ending.signal)
    } catch (error) {
      deaths++
      return error instanceof Error ? error.message : String(error)
    }
    if (ending.signal.aborted) return undefined
    isUp = true
    const exit = await running.exited
    isUp = false
    if (isFirst && isHopeless?.(exit)) {
      giveUp(exit)
      return undefined
    }
    isFirst = false
    deaths = Date.now() - startedAt >= backoff.steadyMs ? 1 : deaths + 1
    return describeExit(exit)
  }

  const liveOn = async () => {
    for (;;) {
      const death = await live()
      if (death === undefined || ending.signal.aborted) return
      const waitMs = delayAfter(deaths, backoff)
      say(`${target.name} died (${death}); starting it again in ${waitMs / 1000} s`)
      await wait(waitMs, ending.signal)
    }
  }
  const life = liveOn()

  const end = async (how: 'stop' | 'kill') => {
    ending.abort()
    if (isUp) await running?.[how]()
    await life
    // It may have come up just then; and one that died has left something behind if it is a node.
    await running?.[how]()
  }
  return { name: target.name, hopeless, stop: () => end('stop'), kill: () => end('kill') }
}

/** Resolves after the time, or as soon as the signal says so. */
async function wait(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal })
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
