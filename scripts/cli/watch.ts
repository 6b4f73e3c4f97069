import { setTimeout as pause } from 'node:timers/promises'
import { AwayError } from './api.ts'
import type { Cli } from './cli.ts'
import { type ExitCode, exitCodes } from './exit-code.ts'

/** Runs until Ctrl-C, which is how it is meant to end. A service that is away for a while is waited for. */
export async function watch(cli: Cli, run: () => Promise<ExitCode | undefined>): Promise<ExitCode> {
  const interrupt = interruptible(cli)
  try {
    while (!interrupt.signal.aborted) {
      await run().catch((error: unknown) => {
        if (!(error instanceof AwayError)) throw error
        cli.say(error.message)
      })
      await interrupt.wait(cli.watchMs)
    }
    return exitCodes.ok
  } finally {
    interrupt.stop()
  }
}

/** Ctrl-C as a signal, while something goes on that it should end in order. */
export function interruptible({ terminal }: Cli) {
  const controller = new AbortController()
  const stop = terminal.onInterrupt(() => controller.abort())
  return {
    signal: controller.signal,
    stop,
    /** Waits, or less when it is interrupted. */
    wait: (ms: number): Promise<void> =>
      pause(ms, undefined, { signal: controller.signal }).catch((error: unknown) => {
        if (!controller.signal.aborted) throw error
      }),
  }
}
