import type { Clock } from '../clock.ts'
import type { OutboxReader } from './store.ts'

/** Rows that are confirmed and not yet removed: more are not worth to be published again after a crash. */
const ROWS_MAX = 500
/**
 * Removing costs a commit of its own, which whoever writes next waits for: so confirmed rows gather for it. A crash meanwhile publishes
 * them once more.
 */
const REMOVE_AFTER_MS = 100
const REMOVE_ROWS = 250

export type PublishedRowsOptions = {
  readonly outbox: Pick<OutboxReader, 'removePublished'>
  readonly clock: Clock
  /** Rows were removed: there is room for more. */
  readonly onRemoved: () => void
  /** Tells of a failure and waits before the next try. */
  readonly pause: (error: unknown, what: string) => Promise<void>
}

/** Rows that the broker has confirmed, until they are removed from the outbox: many together. */
export class PublishedRows {
  readonly #options: PublishedRowsOptions
  #seqs: number[] = []
  #removing: Promise<void> | undefined
  #hurry: () => void = () => undefined
  #stopped = false
  #closed = false

  constructor(options: PublishedRowsOptions) {
    this.#options = options
  }

  /** No more should be published before some are removed. */
  get isFull(): boolean {
    return this.#seqs.length >= ROWS_MAX
  }

  /** Those that are confirmed and, as far as is known here, not removed yet. */
  get seqs(): readonly number[] {
    return this.#seqs
  }

  add(seq: number): void {
    if (this.#closed) return
    this.#seqs.push(seq)
    if (this.#seqs.length >= REMOVE_ROWS) this.#hurry()
    this.#removing ??= this.#remove()
  }

  /** From now on rows are removed at once, and what cannot be removed is left. */
  stop(): void {
    this.#stopped = true
    this.#hurry()
  }

  /** Resolves when all rows so far are removed, or are left. */
  async removed(): Promise<void> {
    await this.#removing
  }

  /** The store may be closed now. What is confirmed from here on is published once more at the next start, which consumers can bear. */
  close(): void {
    this.#closed = true
  }

  /** Removes rows, all that came in during one removal together in the next. */
  async #remove(): Promise<void> {
    const { outbox, onRemoved, pause } = this.#options
    while (this.#seqs.length > 0) {
      await this.#gather()
      const seqs = [...this.#seqs]
      try {
        await outbox.removePublished(seqs)
        this.#seqs = this.#seqs.slice(seqs.length)
        onRemoved()
      } catch (error) {
        // Left in the outbox they would be published twice, which consumers can bear; so a stop does not wait for them.
        await pause(error, 'Rows that were published cannot be removed from the outbox; trying again')
        if (this.#stopped) break
      }
    }
    this.#removing = undefined
  }

  async #gather(): Promise<void> {
    if (this.#stopped || this.#seqs.length >= REMOVE_ROWS) return
    await new Promise<void>((resolve) => {
      const cancel = this.#options.clock.after(REMOVE_AFTER_MS, resolve)
      this.#hurry = () => {
        cancel()
        resolve()
      }
    })
  }
}
