import { ELEMENTS_MAX, type Frame, type JsonMap, spend, UNCLEAR } from './values.ts'

/**
 * A map must be listed to know how many keys it has, and listing a large one cannot be cut short: 100,000 keys take 20 to 40 ms, 30,000
 * (as many as this many bytes hold) 5 ms. Maps of larger bodies are not listed.
 */
export const LISTED_BYTES_MAX = 262_144
/** Measured: 30 to 110 ns for each key. */
const STEPS_PER_KEY = 2
/** Fewer are listed again sooner than remembered. */
const REMEMBERED_KEYS_MIN = 16

/** Maps with more keys than a macro goes through: not every expression has to list them to see that. */
const wide = new WeakSet<JsonMap>()

/** The keys of a map, or UNCLEAR when there are too many. */
export function keysOf(frame: Frame, map: JsonMap): readonly string[] | typeof UNCLEAR {
  const before = frame.listed?.get(map)
  if (before) return before
  if (wide.has(map) || frame.bytes > LISTED_BYTES_MAX || !spend(frame, 1)) return UNCLEAR
  const keys = Object.keys(map)
  const isPaid = spend(frame, keys.length * STEPS_PER_KEY)
  if (keys.length > ELEMENTS_MAX) wide.add(map)
  if (keys.length > ELEMENTS_MAX || !isPaid) return UNCLEAR
  if (keys.length >= REMEMBERED_KEYS_MIN) {
    frame.listed ??= new Map()
    frame.listed.set(map, keys)
  }
  return keys
}
