/**
 * Values of an expression while it is evaluated, and what may be done with them. JSON's numbers are doubles; whole numbers that an
 * expression writes are bigints, as CEL has them, and the two compare by what they are worth.
 */

/** What an expression looks at, by the names of its language. What is undefined is missing. */
export type Names = Readonly<Record<string, unknown>>

/** What cannot be said: something is missing or of another type, or to look further would take too long. */
export const UNCLEAR = Symbol('unclear')

/** One evaluation. */
export type Frame = {
  readonly scope: Names
  /** Bytes of what it looks at, as JSON. Unknown is taken for few. */
  readonly bytes: number
  /** The element that a macro has come to. */
  item: unknown
  /** How many are left. */
  steps: number
  /** Keys of the larger maps whose keys were asked for. */
  listed: Map<JsonMap, readonly string[]> | undefined
}

export const newFrame = (scope: Names, bytes = 0): Frame => ({
  scope,
  bytes,
  item: undefined,
  steps: STEPS_MAX,
  listed: undefined,
})

/**
 * Steps of one evaluation at most; a step takes some 150 ns at worst, so that no message and no expression hold a consumer for longer
 * than 10 ms. Whatever takes time in proportion to the message spends steps in proportion.
 */
export const STEPS_MAX = 50_000
/** Elements of a list or a map that a macro goes through at most. */
export const ELEMENTS_MAX = 1_000
/** Text is searched, compared and copied at about this many characters per step. */
export const CHARS_PER_STEP = 16

/** False when that was too much: the answer is UNCLEAR then. */
export function spend(frame: Frame, steps: number): boolean {
  // Whole, because the engine makes an object of every other number: 60 ns for each expression.
  frame.steps -= Math.ceil(steps)
  return frame.steps >= 0
}

export type JsonMap = Readonly<Record<string, unknown>>

/** A JSON object; headers of strangers may hold buffers and dates, which are none. */
export function isMap(value: unknown): value is JsonMap {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** A field of a map, or an element of a list by its number. */
export function elementOf(frame: Frame, value: unknown, key: unknown): unknown {
  if (typeof key === 'string') return isMap(value) && hasKey(frame, value, key) === true ? known(value[key]) : UNCLEAR
  if (!Array.isArray(value) || !(typeof key === 'bigint' || typeof key === 'number')) return UNCLEAR
  return known(value[Number(key)])
}

const known = (value: unknown) => (value === undefined ? UNCLEAR : value)

/** Whether a map has a key of its own. To find a long one, all of it is hashed and compared. */
export function hasKey(frame: Frame, map: JsonMap, key: string): boolean | typeof UNCLEAR {
  return spend(frame, key.length / CHARS_PER_STEP) ? Object.hasOwn(map, key) : UNCLEAR
}

/** Below 0, 0 or above 0 as `a` comes before `b`, is worth the same, or comes after it; NaN compares with nothing. */
export function order(frame: Frame, a: unknown, b: unknown): number | typeof UNCLEAR {
  if (typeof a === 'string' && typeof b === 'string')
    return spend(frame, Math.min(a.length, b.length) / CHARS_PER_STEP) ? place(a, b) : UNCLEAR
  if ((typeof a === 'number' || typeof a === 'bigint') && (typeof b === 'number' || typeof b === 'bigint'))
    return place(a, b)
  if (typeof a === 'boolean' && typeof b === 'boolean') return place(Number(a), Number(b))
  if (a instanceof Date && b instanceof Date) return place(a.getTime(), b.getTime())
  return UNCLEAR
}

function place(a: string | number | bigint, b: string | number | bigint): number {
  if (a < b) return -1
  if (a > b) return 1
  return a >= b ? 0 : Number.NaN
}
