/** Whoever was away is back after that: started again, connected again, with the shortest wait of a retry behind him. */
const BACK_MS = 2_000

/** Times in which what was said could not be heard, and a while after each: what was tried again meanwhile waits for its turn. */
export class Outages {
  readonly #spans: { readonly fromMs: number; readonly untilMs: number }[] = []

  /** Somebody is away from now on. Waits between retries double: the last one ends at most as long after it as it took. */
  add(nowMs: number, forMs: number): void {
    this.#spans.push({ fromMs: nowMs, untilMs: nowMs + 2 * forMs + BACK_MS })
  }

  /** How much of this time lay in one, ms. */
  between(fromMs: number, untilMs: number): number {
    let [sumMs, countedMs] = [0, fromMs]
    for (const span of this.#spans.toSorted((a, b) => a.fromMs - b.fromMs)) {
      const endMs = Math.min(span.untilMs, untilMs)
      sumMs += Math.max(0, endMs - Math.max(span.fromMs, countedMs))
      countedMs = Math.max(countedMs, endMs)
    }
    return sumMs
  }
}
