import type { Logger } from './log.ts'

/** How stopping went: `clean`, `late` (the time ran out first) or `failed` (a step threw; the log says which). */
export type StopOutcome = 'clean' | 'late' | 'failed'

/** Runs the steps one after another, each also when one before it failed, for this long at most. */
export async function stopInOrder(
  log: Logger,
  timeoutMs: number,
  steps: Readonly<Record<string, () => Promise<unknown>>>,
): Promise<StopOutcome> {
  let current = ''
  const run = async (): Promise<StopOutcome> => {
    let outcome: StopOutcome = 'clean'
    for (const [name, step] of Object.entries(steps)) {
      current = name
      try {
        await step()
      } catch (error) {
        outcome = 'failed'
        log.error({ err: error }, `could not ${name}; going on with what is left`)
      }
    }
    return outcome
  }
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<StopOutcome>((resolve) => {
    timer = setTimeout(() => {
      log.error(
        `stopping took longer than EBS_SHUTDOWN_TIMEOUT_MS (${timeoutMs} ms) and was cut off at "${current}"; ` +
          'the broker delivers again what was not acked',
      )
      resolve('late')
    }, timeoutMs)
  })
  return Promise.race([run(), late]).finally(() => clearTimeout(timer))
}
