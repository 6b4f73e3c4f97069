import { StoreUnavailableError } from './store.ts'

/**
 * Group commit: jobs that wait at the same time run as one group, one group after another, so that many deliveries share
 * the one fsync of their transaction.
 */

/** 256 jobs of some 50 µs hold the event loop for 13 ms; more would gain little, because the fsync is shared by then. */
const JOBS_PER_GROUP_MAX = 256
/** A job holds the only writer; one that hangs is undone and rejected instead of stopping the service. */
export const JOB_MS_MAX = 10_000

/** A job in a group. `run` does the work; `resolve` hands its result to the caller and is called once it is durable. */
export type Job<Tx> = {
  run(tx: Tx): void | Promise<void>
  resolve(): void
  reject(error: unknown): void
}

export class GroupCommit<Tx> {
  readonly #runGroup: (jobs: readonly Job<Tx>[]) => Promise<number>
  #waiting: Job<Tx>[] = []
  #working: Promise<void> | undefined
  #closed = false

  /** `runGroup` runs and settles the jobs of one group, or as many of the first as time allows, and gives their number; when it rejects, all of them that are not settled reject with it. */
  constructor(runGroup: (jobs: readonly Job<Tx>[]) => Promise<number>) {
    this.#runGroup = runGroup
  }

  /** Runs the work in the next group and resolves with its result. */
  write<T>(work: (tx: Tx) => T | Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new StoreUnavailableError('The store is closed; nothing was written.'))
    return new Promise<T>((resolve, reject) => {
      let outcome: { readonly value: T | Promise<T> } | undefined
      this.#waiting.push({
        run(tx) {
          const value = work(tx)
          outcome = { value }
          return value instanceof Promise ? withinLimit(value) : undefined
        },
        resolve: () => outcome && resolve(outcome.value),
        reject,
      })
      this.#working ??= this.#work()
    })
  }

  /** Takes no more jobs and resolves when those that wait are done. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#working
  }

  async #work(): Promise<void> {
    while (this.#waiting.length > 0) {
      // One turn of the event loop: everything that arrived in the same read of a socket joins the group.
      await new Promise((resolve) => setImmediate(resolve))
      const group = this.#waiting.splice(0, JOBS_PER_GROUP_MAX)
      try {
        const ran = await this.#runGroup(group)
        this.#waiting.unshift(...group.slice(ran))
      } catch (error) {
        for (const job of group) job.reject(error)
      }
    }
    this.#working = undefined
  }
}

function withinLimit(running: Promise<unknown>): Promise<void> {
  return new Promise((resolve, reject) => {
    const tooLate = () => reject(new Error(`A job took longer than ${JOB_MS_MAX} ms and was undone.`))
    const timer = setTimeout(tooLate, JOB_MS_MAX)
    running.then(() => resolve(), reject).finally(() => clearTimeout(timer))
  })
}
