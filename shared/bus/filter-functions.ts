import { RE2JS } from 're2js'
import { inRange } from './filter-arithmetic.ts'
import { CHARS_PER_STEP, type Frame, isMap, keysOf, spend, UNCLEAR } from './filter-values.ts'

/** A function of filters. Called as a method, its receiver is the first argument. */
export type FilterFunction = (frame: Frame, first: unknown, second: unknown) => unknown

/** Of two texts; the larger the texts, the dearer. */
const ofTexts =
  (run: (a: string, b: string) => boolean): FilterFunction =>
  (frame, a, b) => {
    if (typeof a !== 'string' || typeof b !== 'string') return UNCLEAR
    return spend(frame, (a.length + b.length) / CHARS_PER_STEP) ? run(a, b) : UNCLEAR
  }

const ofText =
  (run: (text: string) => string): FilterFunction =>
  (frame, text) =>
    typeof text === 'string' && spend(frame, text.length / CHARS_PER_STEP) ? run(text) : UNCLEAR

/** Characters of a text, not its UTF-16 units. */
function charsOf(text: string): bigint {
  let pairs = 0
  for (let i = 0; i < text.length; i++) if (isLeading(text.charCodeAt(i)) && isTrailing(text.charCodeAt(i + 1))) pairs++
  return BigInt(text.length - pairs)
}
const isLeading = (unit: number) => unit >= 0xd800 && unit <= 0xdbff
const isTrailing = (unit: number) => unit >= 0xdc00 && unit <= 0xdfff

const size: FilterFunction = (frame, value) => {
  if (typeof value === 'string') return spend(frame, value.length / CHARS_PER_STEP) ? charsOf(value) : UNCLEAR
  if (Array.isArray(value)) return BigInt(value.length)
  if (!isMap(value)) return UNCLEAR
  const keys = keysOf(value)
  return keys === UNCLEAR ? UNCLEAR : BigInt(keys.length)
}

const WHOLE = /^[+-]?\d{1,19}$/
const REAL = /^[+-]?\d{1,40}(?:\.\d{1,40})?(?:[eE][+-]?\d{1,3})?$/

const int: FilterFunction = (_frame, value) => {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') return Number.isFinite(value) ? inRange(BigInt(Math.trunc(value))) : UNCLEAR
  return typeof value === 'string' && WHOLE.test(value) ? inRange(BigInt(value.replace('+', ''))) : UNCLEAR
}

const double: FilterFunction = (_frame, value) => {
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value)
  return typeof value === 'string' && REAL.test(value) ? Number(value) : UNCLEAR
}

const string: FilterFunction = (_frame, value) => {
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean' ? String(value) : UNCLEAR
}

/** ISO 8601 with an offset: without one it would mean another moment on another machine. */
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/

/** Of text in ISO 8601, or seconds since 1970. */
const timestamp: FilterFunction = (_frame, value) => {
  const isText = typeof value === 'string' && MOMENT.test(value)
  const date = isText ? new Date(value) : typeof value === 'bigint' ? new Date(Number(value) * 1_000) : undefined
  return date === undefined || Number.isNaN(date.getTime()) ? UNCLEAR : date
}

/** By name, with how many arguments each takes. */
export const functions: ReadonlyMap<string, { readonly takes: number; readonly run: FilterFunction }> = new Map([
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
  ['startsWith', { takes: 1, run: ofTexts((a, b) => a.startsWith(b)) }],
  ['endsWith', { takes: 1, run: ofTexts((a, b) => a.endsWith(b)) }],
  ['contains', { takes: 1, run: ofTexts((a, b) => a.includes(b)) }],
  ['lowerAscii', { takes: 0, run: ofText((text) => text.replace(/[A-Z]+/g, (part) => part.toLowerCase())) }],
  ['upperAscii', { takes: 0, run: ofText((text) => text.replace(/[a-z]+/g, (part) => part.toUpperCase())) }],
  ['trim', { takes: 0, run: ofText((text) => text.trim()) }],
])

/** Instructions of a pattern at most. RE2 takes time in proportion to them times the characters. */
const PATTERN_SIZE_MAX = 256
/** Measured at worst (random text, a pattern whose states never repeat): 15 ns for each instruction and character. */
const PATTERN_SIZE_PER_STEP = 4

/** `matches` with a pattern, by RE2. Throws RangeError when the pattern is too large, and what RE2 throws when it is none. */
export function matching(pattern: string): FilterFunction {
  const compiled = RE2JS.compile(pattern)
  const programSize = compiled.programSize()
  if (programSize > PATTERN_SIZE_MAX)
    throw new RangeError(`it compiles to ${programSize} instructions, at most ${PATTERN_SIZE_MAX} are taken`)
  return (frame, text) => {
    if (typeof text !== 'string') return UNCLEAR
    return spend(frame, ((text.length + 1) * programSize) / PATTERN_SIZE_PER_STEP) ? compiled.test(text) : UNCLEAR
  }
}
