import fc from 'fast-check'
import { RE2JS } from 're2js'
import { describe, expect, test } from 'vitest'
import { matching, Patterns } from '../pattern.ts'
import { patternSizeOf } from '../pattern-size.ts'
import { compileCondition } from './condition.ts'

const parts = [
  'a',
  'b',
  'é',
  '\u{1f600}',
  '^',
  '$',
  '.',
  '*',
  '+',
  '?',
  '??',
  '-',
  '{',
  '}',
  '[',
  '\n',
  '|',
  '(',
  ')',
  '\\b',
]
const repeats = ['{2}', '{0,1}', '{2,}', '{3,7}', '{0}', '{9}']
const groups = ['(?:', '(?i)', '(?i:', '(?s-m:', '(?P<n>', '(?<m>']
const sets = ['[ab]', '[^(]', '[]a]', '[[:alpha:]]', '\\pL', '\\p{Lu}', '\\x{61}', '\\(', '\\Qa{9}(\\E', '\\Q', '\\E']

test('a pattern is never larger than what is found without compiling it', () => {
  let compared = 0
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...parts, ...repeats, ...groups, ...sets), { maxLength: 12 }), (chosen) => {
      const pattern = chosen.join('')
      const compiled = compiledOf(pattern)
      if (!compiled) return
      compared++
      expect(compiled.programSize(), pattern).toBeLessThanOrEqual(patternSizeOf(pattern))
    }),
    { numRuns: 5_000 },
  )
  expect(compared).toBeGreaterThan(500)
})

test.each(['^*^*', '(?:^*)*', '^{0,}', '(?:a*){0,}b*', '(?:(?:^?)*){2,}', 'a\\Q\\E{9}'])(
  'so is %s, where what repeats may match nothing, or stands before nothing',
  (pattern) => {
    expect(RE2JS.compile(pattern).programSize()).toBeLessThanOrEqual(patternSizeOf(pattern))
  },
)

test.each([
  { pattern: '^[A-Z]{3}-\\d{4}$', most: 20 },
  { pattern: '^test-', most: 12 },
  { pattern: '^\\d{4}-\\d{2}-\\d{2}T', most: 20 },
  { pattern: '[(]{3}[)]', most: 10 },
  { pattern: '\\x{1F600}', most: 5 },
])('$pattern is hardly larger', ({ pattern, most }) => {
  expect(patternSizeOf(pattern)).toBeLessThanOrEqual(most)
})

function compiledOf(pattern: string): RE2JS | undefined {
  try {
    return RE2JS.compile(pattern)
  } catch {
    return undefined
  }
}

describe('a large pattern is refused before it is compiled', () => {
  test.each([
    { what: 'one that repeats', pattern: 'a{1000}'.repeat(100), says: /100003 instructions, at most 256/ },
    { what: 'one within another', pattern: '(?:a{90}){10}'.repeat(70), says: /instructions, at most 256/ },
    { what: 'a long one', pattern: 'a{1000}'.repeat(1_100), says: /7700 characters, at most 1000/ },
  ])('$what', ({ pattern, says }) => {
    const before = process.cpuUsage()

    expect(() => matching(pattern)).toThrow(says)
    expect(() => compileCondition(`key.matches("${pattern.slice(0, 990)}")`)).toThrow(/at most 256 are taken/)

    const { user, system } = process.cpuUsage(before)
    expect((user + system) / 1_000).toBeLessThan(100)
  })

  test('many that are large together', () => {
    const many = (count: number) => Array.from({ length: count }, (_, i) => `key.matches("a{200}${i}")`).join(' || ')

    expect(() => compileCondition(many(40))).not.toThrow()
    expect(() => compileCondition(many(60))).toThrow(
      /with those before it, it compiles to \d+ instructions, at most 10000/,
    )
  })

  test('the same one is compiled once', () => {
    const patterns = new Patterns()

    expect(patterns.matching('a{200}')).toBe(patterns.matching('a{200}'))
    expect(patterns.size).toBe(patternSizeOf('a{200}'))
  })
})
