/**
 * How many deliveries a consumer holds at once. Work of microseconds wants many, so that the broker never waits for it (prefetch 1 on
 * a quorum queue gives 0.2k msgs/s, 500 gives 13k); work of seconds wants few, so that an idle replica finds something to do.
 */
export const PREFETCH_MIN = 4
export const PREFETCH_MAX = 300
export const PREFETCH_START = 32

/** What one consumer holds should take about this long, were it done one after another. */
const HELD_WORK_MS = 2_000
/** A change costs a cancel and a consume: smaller differences are not worth it. */
const WORTHWHILE = 1.3

/** Upwards at most by this factor at a time: the first measurements may come from an idle queue. */
const GROWTH_MAX = 4

/**
 * The next prefetch, given how long the work took on average (ms). Goes down half of the way on a logarithmic scale: when the work is bound
 * by the processor its time grows with the number at once, and a full step would swing from one extreme to the other.
 */
export function nextPrefetch(current: number, averageMs: number): number {
  const wanted = clamp(HELD_WORK_MS / Math.max(averageMs, 0.001))
  const next = Math.round(
    wanted > current ? Math.min(wanted, current * GROWTH_MAX) : clamp(Math.sqrt(current * wanted)),
  )
  const isWorthwhile = next / current > WORTHWHILE || current / next > WORTHWHILE
  return isWorthwhile || (wanted === PREFETCH_MIN && next < current) ? next : current
}

const clamp = (prefetch: number) => Math.min(Math.max(prefetch, PREFETCH_MIN), PREFETCH_MAX)
