/** Pieces of work under way at once, up to a number of them. */
export class Sending {
  readonly #underWay = new Set<Promise<void>>()
  #failure: { readonly error: unknown } | undefined

  /** Resolves when fewer than `max` are under way. */
  async add(work: Promise<void>, max: number): Promise<void> {
    const done: Promise<void> = work
      .catch((error: unknown) => {
        this.#failure ??= { error }
      })
      .finally(() => this.#underWay.delete(done))
    this.#underWay.add(done)
    while (this.#underWay.size >= max) await Promise.race(this.#underWay)
  }

  /** Resolves when none is under way any more; rejects with the first failure. */
  async ended(): Promise<void> {
    await Promise.all(this.#underWay)
    if (this.#failure) throw this.#failure.error
  }
}
