/** How long to wait before something that died is started again. */
export type Backoff = {
  readonly firstMs: number
  readonly maxMs: number
  /** What stayed up this long is healthy again: its next death counts as the first. */
  readonly steadyMs: number
}

/** A crash at start is tried again at once; one that repeats does not keep the machine busy. */
export const restartBackoff: Backoff = { firstMs: 500, maxMs: 15_000, steadyMs: 60_000 }

/** The wait after this many deaths in a row: doubled each time, up to the largest. */
export const delayAfter = (deaths: number, { firstMs, maxMs }: Backoff) =>
  Math.min(maxMs, firstMs * 2 ** Math.max(0, deaths - 1))
