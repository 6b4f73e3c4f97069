import type { Logger } from 'pino'
import type { Clock } from '../../shared/clock.ts'
import type { ActivityMemory } from '../../shared/store/activity-memory.ts'

const EVERY_MS = 3_600_000

/** Forgets once an hour what was done long ago. Gives the function that ends it. */
export function pruning(memory: ActivityMemory, clock: Clock, log: Pick<Logger, 'error'>): () => void {
  let isStopped = false
  let cancel = () => {}
  const wait = () => {
    cancel = clock.after(EVERY_MS, () => void prune())
  }
  const prune = async () => {
    try {
      await memory.prune(clock.now())
    } catch (error) {
      if (!isStopped)
        log.error({ err: error }, 'could not forget what activities did long ago; trying again in an hour')
    }
    if (!isStopped) wait()
  }
  wait()
  return () => {
    isStopped = true
    cancel()
  }
}
