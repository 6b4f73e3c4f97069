import type { PlaceLook } from './place-look.ts'

/**
 * Queues that are looked through one at a time: what one browse holds is out of sight for another, which would take it for gone. Within
 * this process; errands run on one hub only.
 */
export class PlaceLocks {
  readonly #tails = new Map<string, Promise<void>>()
  readonly #kept = new Map<string, { readonly owner: string; readonly look: PlaceLook }>()

  /** Somebody looks through this queue, or is about to. */
  isBusy(place: string): boolean {
    return this.#tails.has(place) || this.#kept.has(place)
  }

  /**
   * Runs the work when everybody who asked before is done with this queue. A look that was kept is for its owner; for anybody else it is
   * closed first.
   */
  async exclusive<T>(place: string, work: (kept: PlaceLook | undefined) => Promise<T>, owner?: string): Promise<T> {
    const before = this.#tails.get(place)
    let release = () => {}
    const mine = new Promise<void>((resolve) => {
      release = resolve
    })
    this.#tails.set(place, mine)
    try {
      await before
      const kept = this.#kept.get(place)
      this.#kept.delete(place)
      if (kept?.owner === owner) return await work(kept?.look)
      await kept?.look.close()
      return await work(undefined)
    } finally {
      if (this.#tails.get(place) === mine) this.#tails.delete(place)
      release()
    }
  }

  /** Keeps a look open for its owner, who comes back soon. Within the exclusive work of the same owner. */
  keep(place: string, owner: string, look: PlaceLook): void {
    this.#kept.set(place, { owner, look })
  }

  /** Closes a look that its owner has not come back to. */
  async drop(place: string, look: PlaceLook): Promise<void> {
    if (this.#kept.get(place)?.look === look) await this.exclusive(place, async () => undefined)
  }
}
