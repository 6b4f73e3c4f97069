import { setTimeout as sleep } from 'node:timers/promises'

const ASK_AGAIN_MS = 200

/**
 * Asks until it is so and resolves with true. Throws when the time is over, saying what was waited for, or when the signal says stop. A
 * question that fails is asked again: what is struck does not always answer.
 */
export async function within(
  ms: number,
  signal: AbortSignal,
  what: string,
  isSo: () => boolean | Promise<boolean>,
): Promise<true> {
  const giveUpAtMs = performance.now() + ms
  let last: unknown
  for (;;) {
    signal.throwIfAborted()
    try {
      if (await isSo()) return true
      last = undefined
    } catch (error) {
      last = error
    }
    if (performance.now() > giveUpAtMs)
      throw new Error(`Waited ${Math.round(ms / 1_000)} s in vain until ${what}.`, { cause: last })
    await sleep(ASK_AGAIN_MS, undefined, { signal })
  }
}
