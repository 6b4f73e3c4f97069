/** A map with changes that are not in it yet: whoever looks through the draft sees them, whoever looks at the map does not. */
export class MemoryDraft<V> {
  readonly #base: Map<string, V>
  /** Undefined stands for a removal. */
  readonly #changes = new Map<string, V | undefined>()

  constructor(base: Map<string, V>) {
    this.#base = base
  }

  get(key: string): V | undefined {
    return this.#changes.has(key) ? this.#changes.get(key) : this.#base.get(key)
  }

  set(key: string, value: V): void {
    this.#changes.set(key, value)
  }

  /** Whether it was there. */
  delete(key: string): boolean {
    const wasThere = this.get(key) !== undefined
    if (wasThere) this.#changes.set(key, undefined)
    return wasThere
  }

  *entries(): IterableIterator<[string, V]> {
    for (const entry of this.#base) if (!this.#changes.has(entry[0])) yield entry
    for (const [key, value] of this.#changes) if (value !== undefined) yield [key, value]
  }

  /** Every value, in no order. */
  values(): V[] {
    return [...this.entries()].map(([, value]) => value)
  }

  /** Puts the changes into the map. */
  apply(): void {
    for (const [key, value] of this.#changes)
      if (value === undefined) this.#base.delete(key)
      else this.#base.set(key, value)
  }
}
