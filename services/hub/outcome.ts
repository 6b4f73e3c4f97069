import type { Operations } from './operations.ts'

/** What takes longer than this is told as it stands, with a status that says so. */
export const OUTCOME_MS_MAX = 10_000
/** A look is one row read; twice this is the least that consumers take to confirm a rule. */
const LOOK_EVERY_MS = 25

/**
 * Looks until it is done, for 10 s at most, or until the service is told to stop: gives what it saw last. Rejects with what `look`
 * rejects with.
 */
export async function awaitOutcome<T>(
  { clock, stopping }: Pick<Operations, 'clock' | 'stopping'>,
  look: () => Promise<T>,
  isDone: (seen: T) => boolean,
): Promise<T> {
  const endMs = clock.now() + OUTCOME_MS_MAX
  let seen = await look()
  while (!isDone(seen) && !stopping.aborted && clock.now() < endMs) {
    await pause(clock, stopping)
    seen = await look()
  }
  return seen
}

const pause = (clock: Operations['clock'], stopping: AbortSignal) =>
  new Promise<void>((resolve) => {
    const end = () => {
      cancel()
      stopping.removeEventListener('abort', end)
      resolve()
    }
    const cancel = clock.after(LOOK_EVERY_MS, end)
    stopping.addEventListener('abort', end, { once: true })
  })
