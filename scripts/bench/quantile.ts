/** The q-quantile (0 to 1) by nearest rank, of numbers in any order; NaN when there are none. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = Float64Array.from(values).sort()
  const rank = Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))
  return sorted[rank] ?? Number.NaN
}

/** The value in the middle; the mean of the two in the middle of an even number. */
export const median = (values: readonly number[]) =>
  (quantile(values, 0.5) +
    -quantile(
      values.map((value) => -value),
      0.5,
    )) /
  2

/** What is said of many measured values. */
export type Spread = { readonly p50: number; readonly p95: number; readonly p99: number; readonly max: number }

export const spreadOf = (values: readonly number[]): Spread => ({
  p50: quantile(values, 0.5),
  p95: quantile(values, 0.95),
  p99: quantile(values, 0.99),
  max: quantile(values, 1),
})
