import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { equal } from '../equality.ts'
import { keysOf, LISTED_BYTES_MAX } from '../keys.ts'
import { matching } from '../pattern.ts'
import { endsWith, includes, lowerAscii, startsWith, upperAscii } from '../texts.ts'
import { newFrame, STEPS_MAX, UNCLEAR } from '../values.ts'
import { compileCondition, type Scope } from './condition.ts'

const scopeOf = (event: Readonly<Record<string, unknown>>): Scope => ({
  event,
  tenant: 'acme',
  type: 'T',
  key: 'k',
  queue: 'q',
  headers: {},
})
const frame = () => newFrame(scopeOf({}))
/** Steps that something spends. */
function stepsOf(run: (frame: ReturnType<typeof newFrame>) => unknown): number {
  const one = frame()
  run(one)
  return STEPS_MAX - one.steps
}
const filled = <T>(length: number, one: T): T[] => Array.from({ length }, () => one)
const mapOf = (keys: number) => Object.fromEntries(filled(keys, 0).map((zero, i) => [`k${i}`, zero]))
const deep = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels))
const often = (text: string, times: number) => filled(times, text).join(' || ')

describe('what takes long is unclear', () => {
  const list = filled(1_000, 0)
  test.each([
    {
      text: 'event.m in event.l',
      event: { l: Array.from({ length: 45_000 }, () => ({})), m: mapOf(1_000) },
    },
    { text: 'event.l.exists(x, size(x) > 2000)', event: { l: list.map(() => mapOf(100)) } },
    { text: 'event.l.exists(x, x == {"k0": 1})', event: { l: list.map(() => mapOf(100)) } },
    {
      text: 'event.l.exists(x, event.a.contains(x))',
      event: { a: 'a'.repeat(700), l: list.map(() => `${'a'.repeat(600)}b`) },
    },
    { text: `event.l.exists(x, ${often('x.lowerAscii() == "y"', 12)})`, event: { l: list.map(() => 'Aé'.repeat(50)) } },
    {
      text: `event.l.exists(x, ${often('timestamp(x) == timestamp(1)', 20)})`,
      event: { l: list.map(() => '2026-05-01T12:00:00Z') },
    },
    { text: `event.l.exists(x, ${often('double(x) == 1.0', 20)})`, event: { l: list.map(() => '2.5') } },
    { text: `event.l.exists(x, ${often('string(x) == ""', 20)})`, event: { l: list } },
    { text: 'event.a.matches("[a-e].{12}[^\\\\pL]")', event: { a: 'a'.repeat(5_000) } },
    { text: 'event.a.matches("[a-e].{100}[^a-j]")', event: { a: 'a'.repeat(1_000) } },
    { text: 'event.a == event.b', event: { a: deep(50_000), b: deep(50_000) } },
    { text: 'event.a in event.l', event: { a: deep(50_000), l: [deep(50_000)] } },
  ])('$text', ({ text, event }) => {
    expect(compileCondition(text).test(scopeOf(event))).toBe('unclear')
  })

  test('lists and maps within each other are compared as deep as anybody writes them', () => {
    expect(compileCondition('event.a == event.b').test(scopeOf({ a: deep(100), b: deep(100) }))).toBe('match')
  })
})

describe('what it costs', () => {
  const long = 'a'.repeat(16_000)

  test.each([
    { what: 'the keys of a map', run: keysIn(mapOf(1_000)), least: 1_000, most: 3_000 },
    { what: 'keys that are too many', run: keysIn(mapOf(5_000)), least: 5_000, most: 15_000 },
    { what: 'no keys', run: keysIn({}), least: 1, most: 1 },
    { what: 'maps of different sizes', run: equals(mapOf(0), mapOf(1_000)), least: 1_000, most: 3_000 },
    { what: 'a search', run: searching(long, 'b'), least: 1_000, most: 1_000 },
    {
      what: 'a search that could go wrong everywhere',
      run: searching(long, `aba${long}`.slice(0, 9_000)),
      least: 1_000,
      most: 3_000,
    },
    {
      what: 'a search that begins well everywhere',
      run: searching(long, `${'a'.repeat(8_000)}b`),
      least: 2_000,
      most: 3_000,
    },
    { what: 'a search for more than there is', run: searching('a', long), least: 0, most: 0 },
    { what: 'a beginning', run: beginning(long, 'a'.repeat(160)), least: 10, most: 10 },
    { what: 'an end', run: ending(long, 'a'.repeat(160)), least: 10, most: 10 },
  ])('$what: $least to $most steps', ({ run, least, most }) => {
    const steps = stepsOf(run)

    expect(steps).toBeGreaterThanOrEqual(least)
    expect(steps).toBeLessThanOrEqual(most)
  })

  test('a map is listed once, however often it is asked for', () => {
    const map = mapOf(1_000)

    expect(stepsOf((one) => filled(100, 0).map(() => keysOf(one, map)))).toBe(stepsOf((one) => keysOf(one, map)))
    const filter = compileCondition(`event.l.exists(x, ${often('size(event.m) > 2000', 4)})`)
    expect(filter.test(scopeOf({ l: filled(1_000, 0), m: map }))).toBe('no')
  })

  test('when nothing is left, nothing is listed', () => {
    const map = mapOf(10)
    const one = { ...frame(), steps: 0 }

    expect(keysOf(one, new Proxy(map, { ownKeys: () => expect.unreachable('It was listed.') }))).toBe(UNCLEAR)
  })

  test.each([
    { bytes: LISTED_BYTES_MAX, answer: 'match' },
    { bytes: LISTED_BYTES_MAX + 1, answer: 'unclear' },
  ])('size of a map in a body of $bytes bytes: $answer', ({ bytes, answer }) => {
    expect(compileCondition('size(event.m) == 3').test({ ...scopeOf({ m: mapOf(3) }), bytes })).toBe(answer)
  })
})

const keysIn = (map: Readonly<Record<string, unknown>>) => (one: ReturnType<typeof newFrame>) => keysOf(one, map)
const equals = (a: unknown, b: unknown) => (one: ReturnType<typeof newFrame>) => equal(one, a, b)
const searching = (text: string, part: string) => (one: ReturnType<typeof newFrame>) => includes(one, text, part)
const beginning = (text: string, part: string) => (one: ReturnType<typeof newFrame>) => startsWith(one, text, part)
const ending = (text: string, part: string) => (one: ReturnType<typeof newFrame>) => endsWith(one, text, part)

describe('short cuts say what the long way says', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'é'), maxLength: 60 })

  test('a search finds what the engine finds', () => {
    fc.assert(
      fc.property(letters, fc.nat(60), fc.nat(60), fc.boolean(), letters, (text, from, to, isIn, other) => {
        const part = isIn ? text.slice(from, to) : `${text.slice(from, to)}${other}`
        for (const long of [text + text, text + other + text])
          expect(includes(frame(), long, part)).toBe(long.includes(part))
      }),
      { numRuns: 2_000 },
    )
  })

  test.each([16, 17, 40])(
    'a part of %d characters is found at the beginning, in the middle and at the end',
    (length) => {
      const part = `${'ab'.repeat(length)}`.slice(0, length - 1).concat('c')

      for (const text of [part, `${part}x`, `x${part}`, `abab${part}ab`])
        expect(includes(frame(), text, part)).toBe(true)
      expect(includes(frame(), `${part.slice(0, -1)}${part.slice(0, -1)}x`, part)).toBe(false)
    },
  )

  test('letters of other alphabets keep their case, halves of characters stay', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom('a', 'Z', '@', '[', '`', '{', 'É', 'é', 'ı', 'ß', '\u{1f600}', '\ud83d', '\u4141'),
        }),
        (text) => {
          expect(lowerAscii(text)).toBe(text.replace(/[A-Z]/g, (one) => one.toLowerCase()))
          expect(upperAscii(text)).toBe(text.replace(/[a-z]/g, (one) => one.toUpperCase()))
        },
      ),
    )
  })

  const pattern = fc
    .array(
      fc.constantFrom(
        'a',
        'b',
        '^',
        '$',
        '.',
        '*',
        '+',
        '?',
        '{2}',
        '{0,1}',
        '[ab]',
        '|',
        '(?i)',
        '(?:a',
        ')',
        '\\b',
        'B',
        '-',
      ),
      {
        maxLength: 6,
      },
    )
    .map((parts) => parts.join(''))

  test('a pattern whose beginning is looked for first matches what it matches anyhow', () => {
    let compared = 0
    const text = fc.string({ unit: fc.constantFrom('a', 'b', 'A', 'B', '-', '\n'), maxLength: 6 })
    fc.assert(
      fc.property(pattern, text, (source, of) => {
        const [quick, slow] = [tried(source), tried(`(?:${source})`)]
        if (!quick || !slow) return
        compared++
        expect(quick(frame(), of, undefined)).toBe(slow(frame(), of, undefined))
      }),
      { numRuns: 3_000 },
    )
    expect(compared).toBeGreaterThan(500)
  })
})

function tried(pattern: string) {
  try {
    return matching(pattern)
  } catch {
    return undefined
  }
}
