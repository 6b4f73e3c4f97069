import { keysOf } from './keys.ts'
import { CHARS_PER_STEP, type Frame, hasKey, isMap, type JsonMap, order, spend, UNCLEAR } from './values.ts'

/** Lists and maps within each other at most: JSON may hold 500,000 in 1 MiB, and the stack ends at some 4,000. */
const LEVELS_MAX = 100

const isNumber = (value: unknown) => typeof value === 'number' || typeof value === 'bigint'

/** Whether two values are the same, as deep as they go. Values of different types are not. */
export function equal(frame: Frame, a: unknown, b: unknown, level = 0): boolean | typeof UNCLEAR {
  if (typeof a === 'string') {
    if (typeof b !== 'string' || a.length !== b.length) return false
    return spend(frame, a.length / CHARS_PER_STEP) ? a === b : UNCLEAR
  }
  if (a === b) return true
  if (isNumber(a) && isNumber(b)) return order(frame, a, b) === 0
  if (a instanceof Date && b instanceof Date) return a.getTime() === b.getTime()
  if (level > LEVELS_MAX) return UNCLEAR
  if (Array.isArray(a)) return Array.isArray(b) ? equalLists(frame, a, b, level) : false
  return isMap(a) && isMap(b) ? equalMaps(frame, a, b, level) : false
}

function equalLists(
  frame: Frame,
  a: readonly unknown[],
  b: readonly unknown[],
  level: number,
): boolean | typeof UNCLEAR {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) {
    if (!spend(frame, 1)) return UNCLEAR
    const same = equal(frame, a[i], b[i], level + 1)
    if (same !== true) return same
  }
  return true
}

function equalMaps(frame: Frame, a: JsonMap, b: JsonMap, level: number): boolean | typeof UNCLEAR {
  const keys = keysOf(frame, a)
  const others = keysOf(frame, b)
  if (keys === UNCLEAR || others === UNCLEAR) return UNCLEAR
  if (keys.length !== others.length) return false
  for (const key of keys) {
    if (!spend(frame, 1)) return UNCLEAR
    const same = Object.hasOwn(b, key) ? equal(frame, a[key], b[key], level + 1) : false
    if (same !== true) return same
  }
  return true
}

/** Whether a list has an element, or a map a key. */
export function contains(frame: Frame, element: unknown, all: unknown): boolean | typeof UNCLEAR {
  if (isMap(all)) return typeof element === 'string' && hasKey(frame, all, element)
  if (!Array.isArray(all)) return UNCLEAR
  for (const one of all) {
    if (!spend(frame, 1)) return UNCLEAR
    const same = equal(frame, element, one)
    if (same !== false) return same
  }
  return false
}
