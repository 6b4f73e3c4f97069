/** Durations as people write them in documents: `"500ms"`, `"5s"`, `"10m"`, `"2h"`, `"1d"`, or milliseconds. */

const DURATION = /^(\d{1,9})(ms|s|m|h|d)$/

const unitsMs: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
])

/** Durations of 1 ms to so many, as a pattern that any tool that reads JSON Schema understands. */
export function durationPattern(mostMs: number): RegExp {
  const units = [...unitsMs].map(([unit, unitMs]) => `(?:${wholesUpTo(Math.floor(mostMs / unitMs))})${unit}`)
  return new RegExp(`^(?:${units.join('|')})$`)
}

/** Whole numbers from 1 to at most 9 digits, without leading zeros. */
function wholesUpTo(most: number): string {
  const digits = String(Math.min(most, 999_999_999))
  const sameLength = [...digits].flatMap((digit, i) => {
    const [low, high] = [i === 0 ? 1 : 0, Number(digit) - 1]
    return high < low ? [] : [`${digits.slice(0, i)}[${low}-${high}]${anyDigits(digits.length - i - 1)}`]
  })
  const shorter = digits.length > 1 ? [`[1-9]\\d{0,${digits.length - 2}}`] : []
  return [...shorter, ...sameLength, digits].join('|')
}

const anyDigits = (count: number) => (count > 0 ? `\\d{${count}}` : '')

/** Milliseconds, or undefined when it is no duration. */
export function findDurationMs(duration: string | number): number | undefined {
  if (typeof duration === 'number') return Number.isSafeInteger(duration) && duration >= 0 ? duration : undefined
  const [, count, unit = ''] = DURATION.exec(duration) ?? []
  const unitMs = unitsMs.get(unit)
  return count === undefined || unitMs === undefined ? undefined : Number(count) * unitMs
}

/** In the largest unit of which it is a whole number: `90s`, `2h`. */
export function durationText(ms: number): string {
  const [unit, unitMs] = [...unitsMs].findLast(([, size]) => ms >= size && ms % size === 0) ?? ['ms', 1]
  return `${ms / unitMs}${unit}`
}
