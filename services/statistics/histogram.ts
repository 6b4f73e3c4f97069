/**
 * Durations in log-scaled buckets, after HdrHistogram: one bucket per 0.1 ms up to 12.8 ms, above that 64 buckets for each
 * doubling. A quantile is off by less than 1 % (or 0.05 ms), and a million durations need some hundred rows.
 */

const UNITS_PER_MS = 10
/** Buckets per doubling; a power of two. Half of a bucket is at most 1/128 of its value. */
const SUB_BUCKETS = 64
/** 3.5 years. A duration beyond it is a wrong clock or a joke, and must not spoil the average for ever. */
export const DURATION_MS_MAX = (2 ** 40 - 1) / UNITS_PER_MS

/** The duration as it is counted: not negative, and bounded. */
export const countedMs = (ms: number): number => Math.min(Math.max(ms, 0), DURATION_MS_MAX)

/** The bucket of a duration in ms. */
export function bucketOf(ms: number): number {
  const units = Math.round(countedMs(ms) * UNITS_PER_MS)
  let shift = 0
  while (units / 2 ** shift >= 2 * SUB_BUCKETS) shift++
  return SUB_BUCKETS * shift + Math.floor(units / 2 ** shift)
}

/** The duration in ms that stands for a bucket: its middle. */
export function msOf(bucket: number): number {
  const shift = Math.max(0, Math.floor(bucket / SUB_BUCKETS) - 1)
  const width = 2 ** shift
  const lowest = (bucket - SUB_BUCKETS * shift) * width
  return (lowest + Math.floor((width - 1) / 2)) / UNITS_PER_MS
}

/** The quantile (0 to 1, nearest rank) of counts by bucket, in ms; undefined when there are none. */
export function quantileOf(counts: ReadonlyMap<number, number>, quantile: number): number | undefined {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0)
  let upTo = 0
  for (const [bucket, count] of [...counts].toSorted(([a], [b]) => a - b)) {
    upTo += count
    if (upTo >= quantile * total) return msOf(bucket)
  }
  return undefined
}
