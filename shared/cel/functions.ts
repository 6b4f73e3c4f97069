import { inRange } from './arithmetic.ts'
import { keysOf } from './keys.ts'
import { charsOf, endsWith, includes, lowerAscii, startsWith, upperAscii } from './texts.ts'
import { CHARS_PER_STEP, type Frame, isMap, spend, UNCLEAR } from './values.ts'

/** A function of the language. Called as a method, its receiver is the first argument. */
export type CelFunction = (frame: Frame, first: unknown, second: unknown) => unknown

const ofTexts =
  (run: (frame: Frame, a: string, b: string) => unknown): CelFunction =>
  (frame, a, b) =>
    typeof a === 'string' && typeof b === 'string' ? run(frame, a, b) : UNCLEAR

const ofText =
  (run: (text: string) => unknown): CelFunction =>
  (frame, text) =>
    typeof text === 'string' && spend(frame, text.length / CHARS_PER_STEP) ? run(text) : UNCLEAR

const charsIn = ofText(charsOf)

const size: CelFunction = (frame, value) => {
  if (typeof value === 'string') return charsIn(frame, value, undefined)
  if (Array.isArray(value)) return BigInt(value.length)
  if (!isMap(value)) return UNCLEAR
  const keys = keysOf(frame, value)
  return keys === UNCLEAR ? UNCLEAR : BigInt(keys.length)
}

const WHOLE = /^[+-]?\d{1,19}$/
const REAL = /^[+-]?\d{1,40}(?:\.\d{1,40})?(?:[eE][+-]?\d{1,3})?$/

/** Of what a number, a text or a moment is made from another one: at worst 300 ns. */
const CONVERSION_STEPS = 3

const converting =
  (run: (value: unknown) => unknown): CelFunction =>
  (frame, value) =>
    spend(frame, CONVERSION_STEPS) ? run(value) : UNCLEAR

const int = converting((value) => {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') return Number.isFinite(value) ? inRange(BigInt(Math.trunc(value))) : UNCLEAR
  return typeof value === 'string' && WHOLE.test(value) ? inRange(BigInt(value.replace('+', ''))) : UNCLEAR
})

const double = converting((value) => {
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value)
  return typeof value === 'string' && REAL.test(value) ? Number(value) : UNCLEAR
})

const string = converting((value) => {
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean' ? String(value) : UNCLEAR
})

/** ISO 8601 with an offset: without one it would mean another moment on another machine. */
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/

/** Of text in ISO 8601, or seconds since 1970. */
const timestamp = converting((value) => {
  const isText = typeof value === 'string' && MOMENT.test(value)
  const date = isText ? new Date(value) : typeof value === 'bigint' ? new Date(Number(value) * 1_000) : undefined
  return date === undefined || Number.isNaN(date.getTime()) ? UNCLEAR : date
})

/** By name, with how many arguments each takes. */
export const functions: ReadonlyMap<string, { readonly takes: number; readonly run: CelFunction }> = new Map([
  ['size', { takes: 1, run: size }],
  ['int', { takes: 1, run: int }],
  ['double', { takes: 1, run: double }],
  ['string', { takes: 1, run: string }],
  ['timestamp', { takes: 1, run: timestamp }],
  ['dyn', { takes: 1, run: (_frame: Frame, value: unknown) => value }],
])

/** The same for those that are called on a value. */
export const methods: typeof functions = new Map([
  ['size', { takes: 0, run: size }],
  ['startsWith', { takes: 1, run: ofTexts(startsWith) }],
  ['endsWith', { takes: 1, run: ofTexts(endsWith) }],
  ['contains', { takes: 1, run: ofTexts(includes) }],
  ['lowerAscii', { takes: 0, run: ofText(lowerAscii) }],
  ['upperAscii', { takes: 0, run: ofText(upperAscii) }],
  ['trim', { takes: 0, run: ofText((text) => text.trim()) }],
])
