import type { Json } from './events.ts'

/**
 * A number in a place of values that no double holds, as `1e400`: JSON.parse makes it Infinity, of which JSON.stringify makes null. This
 * finds more than that, because the slow parse decides: three digits of an exponent, or 200 digits in a row.
 */
const MAY_BE_HUGE = /(?:^|[\s,:[])-?(?:\d+(?:\.\d+)?[eE]\+?\d{3}|\d{200})/

/** As JSON.parse. Throws RangeError for a number that would become another value without a word, SyntaxError for what is no JSON. */
export function parseFiniteJson(text: string, revive = unchanged): Json {
  if (!MAY_BE_HUGE.test(text)) return JSON.parse(text, revive === unchanged ? undefined : revive)
  return JSON.parse(text, (key, value: unknown) => {
    if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY)
      throw new RangeError(`A number${key === '' ? '' : ` at ${key}`} is beyond ${Number.MAX_VALUE}: send it as text`)
    return revive(key, value)
  })
}

const unchanged = (_key: string, value: unknown): unknown => value
