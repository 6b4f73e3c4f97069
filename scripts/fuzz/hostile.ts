import fc from 'fast-check'

/** What has broken programs before: none of it is valid anywhere by intention, all of it is sent everywhere. */
const TEXTS: readonly string[] = [
  '',
  ' ',
  '\u0000',
  '\ud800',
  'a\udfff',
  '\u202e\u{1f4a9}\u0301',
  '\ufeff',
  'NaN',
  'Infinity',
  '-0',
  '1e400',
  '0x10',
  'null',
  'undefined',
  'true',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '.',
  '..',
  '../../etc/passwd',
  '%',
  '%00',
  '%2e%2e%2f',
  "' or 1=1 --",
  '{{7*7}}',
  '#{7*7}',
  'a.b.#',
  '*.#',
  '\r\nx-injected: 1',
  '2026-02-30T25:61:61Z',
  '+275760-09-13T00:00:00.001Z',
  'amq.gen-x',
  'hub_consume',
]
const NUMBERS: readonly number[] = [
  0,
  -1,
  1,
  0.5,
  -0.000001,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32,
  Number.MAX_SAFE_INTEGER,
  Number.MAX_SAFE_INTEGER + 2,
  Number.MIN_SAFE_INTEGER,
  Number.MAX_VALUE,
  Number.MIN_VALUE,
  8_640_000_000_000_001,
]
const KEYS: readonly string[] = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'then',
  'type',
  '',
  '\ud800',
  'a.b',
  '0',
]
/** One of each is above some limit of ours: ids, names, contents, bodies. */
const LENGTHS: readonly number[] = [64, 65, 128, 129, 255, 256, 257, 1_025, 4_097, 65_536, 65_537]
/** Deeper than any limit of ours, and not so deep that writing it down ends the writer. */
const DEPTHS: readonly number[] = [32, 63, 64, 65, 500]

/** Text that is long in one way or another. */
const long = fc
  .tuple(fc.constantFrom(...LENGTHS), fc.constantFrom('x', 'é', '\u{1f600}', '\ud800', '"'))
  .map(([length, one]) => one.repeat(length))

/** Any UTF-16 units: halves of pairs, controls, what is not assigned. */
const anyUnits = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 12 })
  .map((units) => String.fromCharCode(...units))

/** Text that nobody expects. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...TEXTS) },
  { weight: 2, arbitrary: anyUnits },
  { weight: 1, arbitrary: long },
)

/** Name of a member that nobody expects. */
export const hostileKey: fc.Arbitrary<string> = fc.oneof(fc.constantFrom(...KEYS), fc.string({ maxLength: 6 }))

export const hostileNumber: fc.Arbitrary<number> = fc.oneof(
  fc.constantFrom(...NUMBERS),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
)

const nested = fc.tuple(fc.constantFrom(...DEPTHS), fc.boolean()).map(([depth, inArrays]) => {
  let value: unknown = 1
  for (let i = 0; i < depth; i++) value = inArrays ? [value] : { a: value }
  return value
})

/** Any JSON, from what is merely of the wrong type to what is deep, long or oddly named. */
export const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: hostileText },
  { weight: 3, arbitrary: hostileNumber },
  { weight: 3, arbitrary: fc.constantFrom<unknown>(null, true, false, [], {}, [[]], [null]) },
  { weight: 1, arbitrary: nested },
  { weight: 1, arbitrary: fc.array(hostileText, { maxLength: 3 }) },
  // fromEntries makes a member of its own also of `__proto__`.
  {
    weight: 1,
    arbitrary: fc.array(fc.tuple(hostileKey, hostileText), { maxLength: 3 }).map((all) => Object.fromEntries(all)),
  },
)
