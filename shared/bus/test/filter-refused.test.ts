import { describe, expect, test } from 'vitest'
import { CelError } from '../../cel/cel-error.ts'
import { compileFilter } from '../filter.ts'

function refusalOf(text: string): CelError {
  try {
    compileFilter(text)
  } catch (error) {
    if (error instanceof CelError) return error
    throw error
  }
  throw new Error(`${text} was taken`)
}

describe('filters that are refused', () => {
  test.each([
    { text: '', position: 0, says: /Unexpected token: EOF/ },
    { text: 'tenant ==', position: 9, says: /Unexpected token: EOF/ },
    { text: 'tenant = "acme"', position: 7, says: /Unexpected character: = \(.*equal is ==/ },
    { text: 'tenant == "acme', position: 10, says: /Unterminated string/ },
    { text: 'a) || (b', position: 1, says: /Unexpected character/ },
    { text: 'tenant == acme', position: 10, says: /there is no `acme`: a filter sees event, tenant/ },
    { text: 'event.n == string', position: 11, says: /there is no `string`/ },
    { text: 'true && tenant == 1', position: 8, says: /string == int .*text stands in quotes/ },
    { text: 'type == 1', position: 0, says: /string == int/ },
    { text: '"a" + 1 == "b"', position: 0, says: /string \+ int/ },
    { text: 'tenant', position: 0, says: /gives string: a filter is true or false/ },
    { text: 'size(event.l)', position: 0, says: /gives int/ },
    { text: 'event.l.map(x, x)', position: 0, says: /gives list/ },
    { text: 'tenant + key', position: 0, says: /a filter is true or false/ },
    { text: 'event.l.exists(x)', position: 0, says: /exists\(\) takes a name and a condition/ },
    { text: 'event.l.exists("x", true)', position: 15, says: /invalid predicate iteration variable/ },
    { text: 'event.l.all(x, true, true)', position: 0, says: /takes a name and a condition/ },
    { text: 'event.l.all(x, x.all(y, y == 1))', position: 15, says: /all\(\) stands inside another macro/ },
    { text: 'event.l.map(x, x.filter(y, true)) == []', position: 15, says: /filter\(\) stands inside/ },
    { text: 'event.l.all(x, event.m.filter(y, true).size() > 1)', position: 15, says: /filter\(\) stands inside/ },
    { text: 'tenant.matches(event.p)', position: 0, says: /matches\(\) takes a pattern in quotes/ },
    { text: 'tenant.matches("a" + "b")', position: 0, says: /takes a pattern in quotes/ },
    { text: 'tenant.matches("(")', position: 15, says: /cannot take this pattern: .*missing closing/ },
    { text: 'tenant.matches("(a)\\\\1")', position: 15, says: /invalid escape sequence/ },
    { text: 'tenant.matches("a(?=b)")', position: 15, says: /invalid or unsupported Perl syntax/ },
    { text: 'tenant.matches("(a{1,100}){1,10}")', position: 15, says: /instructions, at most 256/ },
    { text: 'tenant.matches("((x{1,100}){1,100}){1,100}")', position: 15, says: /instructions, at most 256 are taken/ },
    { text: 'cel.bind(x, tenant + tenant, x == "aa")', position: 0, says: /there is no `cel`|no bind\(\)/ },
    { text: 'type(event.n) == event.n', position: 0, says: /there is no type\(\) in filters; there are has, size/ },
    { text: 'tenant.split(",").size() > 1', position: 0, says: /there is no split\(\)/ },
    { text: 'size(event, event) == 1', position: 0, says: /another number of arguments/ },
    { text: 'tenant.startsWith() ', position: 0, says: /another number of arguments/ },
    { text: 'has(event)', position: 0, says: /has\(\) takes a field/ },
    { text: 'has(event["a"])', position: 0, says: /has\(\) takes a field/ },
    { text: 'event.?n == 1', position: 6, says: /Expected IDENTIFIER/ },
    { text: '1u == 1u', position: 0, says: /unsigned numbers and bytes/ },
    { text: 'b"a" == b"a"', position: 0, says: /unsigned numbers and bytes/ },
    { text: `tenant == "${'x'.repeat(4_096)}"`, position: 4_096, says: /it has 4108 characters, at most 4096/ },
    { text: `${'('.repeat(200)}true${')'.repeat(200)}`, position: 64, says: /maxDepth/ },
    { text: `event.n in [${'1,'.repeat(1_200)}1]`, position: 2_010, says: /maxAstNodes \(1000\).*split it/ },
  ])('$text', ({ text, position, says }) => {
    const error = refusalOf(text)

    expect(error.message).toMatch(says)
    expect(error.message).toContain(`character ${error.position + 1}:`)
    expect(Math.abs(error.position - position)).toBeLessThanOrEqual(text.length > 100 ? 5 : 0)
  })

  test.each([
    { what: 'alternatives', text: Array.from({ length: 120 }, (_, i) => `event.n == ${i}`).join(' || ') },
    { what: 'a list of tenants', text: `tenant in [${Array.from({ length: 300 }, (_, i) => `"t${i}"`).join(',')}]` },
    { what: '4,096 characters', text: `tenant == "${'x'.repeat(4_084)}"` },
  ])('$what are taken', ({ text }) => {
    expect(compileFilter(text).text).toBe(text)
  })
})
