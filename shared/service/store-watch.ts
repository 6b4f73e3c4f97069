import type { Clock } from '../clock.ts'
import type { Health } from './health.ts'
import type { Logger } from './log.ts'
import type { Metrics } from './metrics.ts'

/** What is asked of a store. */
export type WatchedStore = {
  /** Why the last write failed; undefined when it worked. */
  findFailure(): Error | undefined
  /** Writes something that changes nothing. May reject: `findFailure` knows why. */
  tryWrite(): Promise<void>
}

type Watchers = {
  readonly health: Pick<Health, 'add'>
  readonly metrics: Pick<Metrics, 'gauge'>
  readonly clock: Clock
  readonly log: Pick<Logger, 'info' | 'error'>
  /** Ends it. */
  readonly stopping: AbortSignal
}

/** So soon an idle service finds out that its store takes writes again. */
const LOOK_MS = 2_000

/**
 * Makes visible whether a store takes writes: as readiness, as `ebs_store_writable`, and in the log when it changes. Writes once at the
 * start, and from time to time while writes fail, because nobody else may.
 */
export function watchStore(store: WatchedStore, { health, metrics, clock, log, stopping }: Watchers): void {
  let wasWritable = true
  let cancel: () => void = () => undefined
  health.add('store', () => store.findFailure()?.message ?? true)
  metrics.gauge('ebs_store_writable', '1 while the store takes writes; 0 since a write failed, until one works.', () =>
    store.findFailure() ? 0 : 1,
  )

  function look(): void {
    const failure = store.findFailure()
    if (failure && wasWritable) log.error({ err: failure }, 'the store takes no writes; trying again until it does')
    if (!failure && !wasWritable) log.info('the store takes writes again')
    wasWritable = !failure
    if (failure) attempt()
    else lookAgain()
  }

  function lookAgain(): void {
    if (!stopping.aborted) cancel = clock.after(LOOK_MS, look)
  }

  function attempt(): void {
    // Why it failed, the store knows.
    store.tryWrite().then(lookAgain, lookAgain)
  }

  stopping.addEventListener('abort', () => cancel(), { once: true })
  attempt()
}
