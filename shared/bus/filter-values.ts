/**
 * Values of a filter while it is evaluated, and what may be done with them. JSON's numbers are doubles; whole numbers that a filter
 * writes are bigints, as CEL has them, and the two compare by what they are worth.
 */

/** What a filter looks at. */
export type Scope = {
  /** The body, with its `type`. */
  readonly event: Readonly<Record<string, unknown>>
  readonly tenant: string | undefined
  readonly type: string
  /** The routing key under which it was first published. */
  readonly key: string
  /** The work queue. */
  readonly queue: string
  /** Those that are text, numbers or booleans; a filter does not see the others. */
  readonly headers: Readonly<Record<string, unknown>>
}

/** What cannot be said: something is missing or of another type, or to look further would take too long. */
export const UNCLEAR = Symbol('unclear')

/** One evaluation: what it looks at, the element that a macro has come to, and how many steps are left. */
export type Frame = { readonly scope: Scope; item: unknown; steps: number }

/**
 * Steps of one evaluation at most; a step takes some 60 ns at worst, so that no message and no filter hold a consumer for longer than a
 * few milliseconds.
 */
export const STEPS_MAX = 50_000
/** Elements of a list or a map that a macro goes through at most. */
export const ELEMENTS_MAX = 1_000
/** Text is searched, compared and copied at about this many characters per step. */
export const CHARS_PER_STEP = 16

/** False when that was too much: the answer is UNCLEAR then. */
export function spend(frame: Frame, steps: number): boolean {
  frame.steps -= steps
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
export function elementOf(value: unknown, key: unknown): unknown {
  if (typeof key === 'string') return isMap(value) && Object.hasOwn(value, key) ? known(value[key]) : UNCLEAR
  if (!Array.isArray(value) || !(typeof key === 'bigint' || typeof key === 'number')) return UNCLEAR
  return known(value[Number(key)])
}

const known = (value: unknown) => (value === undefined ? UNCLEAR : value)

/** Maps with more keys than a macro goes through. Listing 100,000 keys takes 20 ms, so that is done once and not by every filter. */
const wide = new WeakSet<JsonMap>()

/** The keys of a map, or UNCLEAR when there are too many. */
export function keysOf(map: JsonMap): readonly string[] | typeof UNCLEAR {
  if (wide.has(map)) return UNCLEAR
  const keys = Object.keys(map)
  if (keys.length <= ELEMENTS_MAX) return keys
  wide.add(map)
  return UNCLEAR
}

const isNumber = (value: unknown) => typeof value === 'number' || typeof value === 'bigint'

/** Whether two values are the same, as deep as they go. Values of different types are not. */
export function equal(frame: Frame, a: unknown, b: unknown): boolean | typeof UNCLEAR {
  if (typeof a === 'string') {
    if (typeof b !== 'string' || a.length !== b.length) return false
    return spend(frame, a.length / CHARS_PER_STEP) ? a === b : UNCLEAR
  }
  if (a === b) return true
  if (isNumber(a) && isNumber(b)) return order(frame, a, b) === 0
  if (a instanceof Date && b instanceof Date) return a.getTime() === b.getTime()
  if (Array.isArray(a)) return Array.isArray(b) ? equalLists(frame, a, b) : false
  return isMap(a) && isMap(b) ? equalMaps(frame, a, b) : false
}

function equalLists(frame: Frame, a: readonly unknown[], b: readonly unknown[]): boolean | typeof UNCLEAR {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) {
    if (!spend(frame, 1)) return UNCLEAR
    const same = equal(frame, a[i], b[i])
    if (same !== true) return same
  }
  return true
}

function equalMaps(frame: Frame, a: JsonMap, b: JsonMap): boolean | typeof UNCLEAR {
  const keys = keysOf(a)
  const others = keysOf(b)
  if (keys === UNCLEAR || others === UNCLEAR) return UNCLEAR
  if (keys.length !== others.length) return false
  for (const key of keys) {
    if (!spend(frame, 1)) return UNCLEAR
    const same = Object.hasOwn(b, key) ? equal(frame, a[key], b[key]) : false
    if (same !== true) return same
  }
  return true
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

/** Whether a list has an element, or a map a key. */
export function contains(frame: Frame, element: unknown, all: unknown): boolean | typeof UNCLEAR {
  if (isMap(all)) return typeof element === 'string' && Object.hasOwn(all, element)
  if (!Array.isArray(all)) return UNCLEAR
  for (const one of all) {
    if (!spend(frame, 1)) return UNCLEAR
    const same = equal(frame, element, one)
    if (same !== false) return same
  }
  return false
}
