/** Everything that moves a cursor, changes colours or hides characters: messages are strangers' text. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu
const UNSEEN_IN_LINE = /[^\P{Cc}\n\t]|[\p{Cf}\p{Zl}\p{Zp}]/gu

/** Any value as text of one line: `-` for nothing, JSON for what has parts. */
export function lineOf(value: unknown): string {
  if (value === undefined || value === null || value === '') return '-'
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.replace(UNSEEN, ' ')
}

/** Text of several lines, harmless to a terminal. */
export const linesOf = (text: string): string => text.replace(UNSEEN_IN_LINE, ' ')

/** `1 message`, `2,000 messages`. */
export const counted = (count: number, noun: string): string =>
  `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`

const MINUTE_S = 60
const HOUR_S = 3_600
const DAY_S = 86_400

/** A length of time in its largest unit: `0s`, `59s`, `2m`, `47h`, `3d`. Two days and more count in days. */
export function spanOf(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000))
  if (seconds < 2 * MINUTE_S) return `${seconds}s`
  if (seconds < 2 * HOUR_S) return `${Math.floor(seconds / MINUTE_S)}m`
  if (seconds < 2 * DAY_S) return `${Math.floor(seconds / HOUR_S)}h`
  return `${Math.floor(seconds / DAY_S)}d`
}

/** How long ago an ISO 8601 time was; what is none stays as it is. */
export function ageOf(at: unknown, nowMs: number): string {
  const ms = typeof at === 'string' ? Date.parse(at) : Number.NaN
  return Number.isNaN(ms) ? lineOf(at) : spanOf(nowMs - ms)
}
