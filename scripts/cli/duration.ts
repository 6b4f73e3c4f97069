import { UsageError } from './exit-code.ts'

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
type Unit = keyof typeof UNIT_MS

const isUnit = (text: string): text is Unit => Object.hasOwn(UNIT_MS, text)

/** Reads `90s`, `10m`, `2h`, `1d` or `1.5h` as milliseconds. Throws UsageError for anything else. */
export function parseDurationMs(text: string): number {
  const [, number = '', unit = ''] = /^(\d{1,9}(?:\.\d{1,3})?)([a-z]+)$/.exec(text.trim()) ?? []
  if (!isUnit(unit)) throw new UsageError(`"${text}" is no length of time: write 30s, 10m, 2h or 1d.`)
  return Number(number) * UNIT_MS[unit]
}

/** Reads a time as ISO 8601, or as a length of time from now (`30m`); gives ISO 8601. Throws UsageError. */
export const parseTime = (text: string, nowMs: number): string => timeOf(text, (spanMs) => nowMs + spanMs)

/** The same of a time that has been: `30m` is half an hour ago. */
export const parsePast = (text: string, nowMs: number): string => timeOf(text, (spanMs) => nowMs - spanMs)

function timeOf(text: string, whenOf: (spanMs: number) => number): string {
  const isTime = /^\d{4}-\d{2}-\d{2}T/.test(text)
  const ms = isTime ? Date.parse(text) : whenOf(parseDurationMs(text))
  if (Number.isNaN(ms))
    throw new UsageError(`"${text}" is no time: write 2030-01-31T12:00:00Z, or a length of time such as 30m.`)
  return new Date(ms).toISOString()
}
