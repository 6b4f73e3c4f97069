import type { Clock } from '../../../shared/clock.ts'
import type { Kernel } from '../../../shared/flow/kernel.ts'
import type { Held } from '../../../shared/store/held-messages.ts'
import type { HubStore, HubTransaction } from '../../../shared/store/hub-store.ts'

export type ParkedThreadsOptions = {
  readonly kernel: Pick<Kernel, 'onParked' | 'onReleased'>
  readonly store: Pick<HubStore, 'reader' | 'write'>
  readonly clock: Clock
  /** Some kind of conversation has its deadlines stand still while a message of its thread is set aside. */
  readonly isPolicy: boolean
}

type Thread = Pick<Held, 'correlationId' | 'rule'>

/** Tells the kernel which threads have messages set aside, and when the last of them is on its way back. */
export class ParkedThreads {
  readonly #options: ParkedThreadsOptions

  constructor(options: ParkedThreadsOptions) {
    this.#options = options
  }

  /** Of these rows, just added, those that a rule has set aside. */
  async parked(rows: readonly Held[], tx: HubTransaction): Promise<void> {
    if (!this.#options.isPolicy) return
    const since = new Map<string, number>()
    for (const { correlationId, rule, heldAtMs } of rows)
      if (correlationId !== null && rule !== null) since.set(correlationId, since.get(correlationId) ?? heldAtMs)
    for (const [thread, atMs] of since) await this.#options.kernel.onParked(tx, thread, atMs)
  }

  /** These were set aside, and are no more: that is committed. */
  async released(rows: readonly Thread[]): Promise<void> {
    const threads = rows.flatMap(({ correlationId, rule }) =>
      correlationId === null || rule === null ? [] : correlationId,
    )
    if (threads.length > 0 && (await this.#mayStandStill()))
      await this.#options.store.write((tx) => this.#release(threads, tx))
  }

  /** The same for outcomes, which may be all that a hub that was killed hears of it. */
  async settled(threads: readonly string[], tx: HubTransaction): Promise<void> {
    if (await this.#mayStandStill()) await this.#release(threads, tx)
  }

  /** One that was set aside under another policy stands still until its message comes back. */
  async #mayStandStill(): Promise<boolean> {
    const { isPolicy, store } = this.#options
    return isPolicy || (await store.reader.countFrozenTimers()) > 0
  }

  /** Asked within the transaction: another message of the thread may have been set aside by the one before it in the batch. */
  async #release(threads: readonly string[], tx: HubTransaction): Promise<void> {
    const { kernel, clock } = this.#options
    for (const thread of new Set(threads))
      if (!(await tx.held.isParked(thread))) await kernel.onReleased(tx, thread, clock.now(), 0)
  }
}
