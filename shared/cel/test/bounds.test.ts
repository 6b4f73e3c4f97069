import { describe, expect, test } from 'vitest'
import { compileCondition, type Scope } from './condition.ts'

/** Of processor time, on a machine that has other things to do, too. It is a few; without bounds each of these takes seconds to years. */
const HELD_MS_MAX = 100
const MIB = 1_048_576

function msSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000
}

const scopeOf = (event: Readonly<Record<string, unknown>>): Scope => ({
  event,
  tenant: 'acme',
  type: 'T',
  key: 'k',
  queue: 'q',
  headers: {},
})
const list = (length: number) => Array.from({ length }, (_, i) => i)
const nested = (depth: number): unknown => (depth === 0 ? list(30) : [nested(depth - 1), nested(depth - 1)])
/** Text in which no pattern's state comes back. */
function noise(length: number): string {
  let seed = 1
  const next = () => {
    seed = (seed * 1_103_515_245 + 12_345) & 0x7fff_ffff
    return 'abcdefghij'.charAt((seed >>> 16) % 10)
  }
  return Array.from({ length }, next).join('')
}
const often = (text: string, joint: string, times = Math.floor(4_000 / (text.length + joint.length))) =>
  Array.from({ length: times }, () => text).join(joint)

const wide = Object.fromEntries(list(100_000).map((i) => [`key${i}`, i]))
const large = scopeOf({
  list: list(500_000),
  medium: list(1_000),
  wide,
  twin: { ...wide },
  tree: nested(13),
  forest: structuredClone(nested(13)),
  text: 'a'.repeat(MIB),
  other: `${'a'.repeat(MIB - 1)}B`,
  half: `${'a'.repeat(MIB / 2)}b`,
  noise: noise(MIB),
  few: noise(4_000),
})

describe('no expression and no message hold a consumer', () => {
  test.each([
    { text: 'event.text.matches("(a+)+$")', answer: 'unclear' },
    { text: 'event.few.matches("[a-e]*a.{200}[xyz]")', answer: 'unclear' },
    { text: 'event.noise.matches("(x+x+)+y")', answer: 'unclear' },
    { text: often('event.few.matches("[a-e]*a.{20}[xyz]")', '||'), answer: 'unclear' },
    { text: 'event.list.exists(x, x == -1)', answer: 'unclear' },
    { text: 'event.list.filter(x, true).size() > 1', answer: 'unclear' },
    { text: '-1 in event.list', answer: 'unclear' },
    { text: often('-1 in event.list', '||', 160), answer: 'unclear' },
    { text: 'event.wide.exists(k, k == "")', answer: 'unclear' },
    { text: 'size(event.wide) > 1', answer: 'unclear' },
    { text: often('event.wide == event.twin', '||'), answer: 'unclear' },
    { text: often('event.tree == event.forest', '&&'), answer: 'unclear' },
    { text: often('event.medium.all(x, -1 in event.medium)', '||'), answer: 'unclear' },
    { text: `event.medium.all(x, ${often('x >= 0', '&&', 200)})`, answer: 'unclear' },
    { text: 'event.medium.all(x, event.text != event.other)', answer: 'unclear' },
    { text: 'event.medium.all(x, event.text > event.other)', answer: 'unclear' },
    { text: often('event.text.contains(event.half)', '||'), answer: 'unclear' },
    { text: 'event.medium.map(x, event.text + event.text).size() > 1', answer: 'unclear' },
    { text: `${often('event.text', '+', 300)} == ""`, answer: 'unclear' },
    { text: `size(${often('event.list', '+', 300)}) == 1`, answer: 'unclear' },
    { text: 'event.medium.map(x, event.medium + event.medium).size() > 1', answer: 'unclear' },
    { text: often('event.text.upperAscii() == event.other', '||'), answer: 'unclear' },
    { text: often('size(event.noise) == 3', '||'), answer: 'unclear' },
    { text: `${often('9223372036854775807', '*')} == 1`, answer: 'unclear' },
    { text: `event.medium.map(x, [${'x,'.repeat(400)}x]) == []`, answer: 'unclear' },
    { text: `${'!'.repeat(60)}(tenant == "acme")`, answer: 'match' },
    { text: often('tenant == "other"', '||'), answer: 'no' },
    { text: 'event.medium.all(x, x >= 0) && tenant == "acme"', answer: 'match' },
    { text: 'event.few.matches("^[a-j]+$")', answer: 'match' },
  ])('$text', ({ text, answer }) => {
    const filter = compileCondition(text)
    filter.test(large)

    const before = process.cpuUsage()
    expect(filter.test(large)).toBe(answer)

    expect(msSince(before)).toBeLessThan(HELD_MS_MAX)
  })

  test('an expression that looks elsewhere does not mind how large the message is', () => {
    expect(compileCondition('tenant == "acme" && event.medium[3] == 3').test(large)).toBe('match')
    expect(compileCondition('event.text.startsWith("a") || true').test(large)).toBe('match')
  })

  test.each([
    { what: 'nested lists', text: `${'['.repeat(60)}1${']'.repeat(60)} == []` },
    { what: 'nested maps', text: `${'{"a":'.repeat(60)}1${'}'.repeat(60)} == {}` },
    { what: 'nested choices', text: `${'event.n ? true : '.repeat(55)}false` },
    { what: 'many macros', text: often('event.l.exists(x, x == 1)', '&&', 90) },
    { what: 'many patterns', text: often('tenant.matches("(a{1,100})b")', '&&') },
  ])('$what compile at once', ({ text }) => {
    const before = process.cpuUsage()

    expect(() => compileCondition(text)).not.toThrow()

    expect(msSince(before)).toBeLessThan(5 * HELD_MS_MAX)
  })
})
