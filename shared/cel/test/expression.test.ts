import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CelError } from '../cel-error.ts'
import { compileExpression } from '../expression.ts'
import type { Language } from '../language.ts'
import { fieldsRead } from '../syntax-tree.ts'

const language: Language = {
  noun: 'expression',
  one: 'an expression',
  many: 'expressions',
  names: new Map([
    ['payload', 'dyn'],
    ['outputs', 'dyn'],
    ['tenant', 'string'],
  ]),
  examples: { field: 'payload.note', list: 'payload.items' },
  charsMax: 8_192,
  whenTooLarge: 'make it shorter',
  mixedChoices: true,
}
const limits = { bytesMax: 65_536, depthMax: 60 }
const compiled = (text: string, gives: 'json' | 'bool' = 'json') =>
  compileExpression(text, language, { label: gives === 'bool' ? 'when' : 'input', gives, limits })

const scope = {
  payload: {
    amount: 12.5,
    count: 3,
    name: 'Ann',
    nothing: null,
    empty: '',
    none: [],
    isExpress: true,
    at: '2026-05-01T14:00:00+02:00',
    items: [
      { sku: 'a', quantity: 2 },
      { sku: 'b', quantity: 1 },
    ],
    ['__proto__']: 'own',
  },
  outputs: { 'reserve-it': { id: 'r1' }, charge: null },
  tenant: 'acme',
}
const outcomeOf = (text: string, of: Readonly<Record<string, unknown>> = scope) => compiled(text).evaluate(of)

describe('what an expression gives', () => {
  test.each<{ text: string; value: unknown }>([
    { text: 'payload', value: scope.payload },
    { text: 'null', value: null },
    { text: 'payload.nothing', value: null },
    { text: 'outputs.charge == null', value: true },
    { text: '7 / 2', value: 3 },
    { text: '9007199254740991', value: 9_007_199_254_740_991 },
    { text: '-9007199254740991', value: -9_007_199_254_740_991 },
    { text: 'payload.amount * 2', value: 25 },
    { text: 'payload.count + 1', value: 4 },
    { text: '0.0 * -1.0', value: 0 },
    { text: '"order " + payload.name + "/" + string(payload.count)', value: 'order Ann/3' },
    { text: 'payload.name.upperAscii()', value: 'ANN' },
    { text: 'timestamp(payload.at)', value: '2026-05-01T12:00:00.000Z' },
    { text: 'outputs["reserve-it"].id', value: 'r1' },
    {
      text: '{"who": payload.name, "lines": payload.items.map(i, {"id": i.sku, "n": i.quantity + 1}), "none": null, "all": [1, "a", true]}',
      value: {
        who: 'Ann',
        lines: [
          { id: 'a', n: 3 },
          { id: 'b', n: 2 },
        ],
        none: null,
        all: [1, 'a', true],
      },
    },
    { text: 'payload.isExpress ? "air" : "road"', value: 'air' },
    { text: 'has(payload.note) ? payload.note : null', value: null },
    // CEL itself wants both sides to be of one type.
    { text: 'tenant == "acme" ? 1 : "none"', value: 1 },
    { text: 'tenant == "acme" ? (true ? (1) : "a") : null', value: 1 },
    { text: '{"a": (tenant == "x" // why? so: it is\n ? "?" : {"b": [1]})}', value: { a: { b: [1] } } },
    { text: 'payload.absent == 1 || tenant == "acme"', value: true },
    { text: '{}', value: {} },
    { text: '[]', value: [] },
  ])('$text', ({ text, value }) => {
    expect(outcomeOf(text)).toEqual({ value })
  })

  test('a key called __proto__ stays a key', () => {
    const outcome = outcomeOf('{"__proto__": 1}')

    expect('value' in outcome && JSON.stringify(outcome.value)).toBe('{"__proto__":1}')
    expect('value' in outcome && Object.getPrototypeOf(outcome.value)).toBe(Object.prototype)
  })

  test('any JSON comes back as it was', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (payload) => {
        const asStored: unknown = JSON.parse(JSON.stringify(payload))
        expect(outcomeOf('{"a": [payload]}', { payload: asStored })).toEqual({ value: { a: [asStored] } })
      }),
    )
  })
})

describe('a fault names the expression and the smallest part that is at fault', () => {
  test.each([
    { text: 'payload.total * 2', says: 'input `payload.total * 2`: `payload.total` is missing' },
    { text: 'payload.name * 2', says: '`payload.name * 2` cannot be worked out of text and a number' },
    { text: '{"a": payload.name, "b": payload.x.y}', says: ': `payload.x` is missing' },
    { text: 'payload.name.first', says: '`payload.name.first` is missing: `payload.name` is text' },
    { text: 'payload.items[2].sku', says: ': `payload.items[2]` is missing' },
    { text: 'payload.items[0]["none"]', says: ': `payload.items[0]["none"]` is missing' },
    { text: 'outputs.ship.id', says: ': `outputs.ship` is missing' },
    { text: 'outputs.charge.id', says: '`outputs.charge` is null' },
    { text: 'payload.count ? 1 : 2', says: ': `payload.count` is a number, not true or false' },
    { text: '!payload.name', says: ': `payload.name` is text, not true or false' },
    { text: 'payload.isExpress && payload.items', says: ': `payload.items` is a list, not true or false' },
    { text: 'payload.absent || payload.isExpress && payload.gone', says: ': `payload.absent` is missing' },
    // What is clear in spite of a part that is not is not to blame.
    { text: '(payload.absent || true) && payload.gone', says: ': `payload.gone` is missing' },
    { text: 'payload.items.map(i, i.price)', says: ': `i.price` is missing' },
    { text: 'payload.items.filter(i, i.sku)', says: 'has a condition that is not true or false' },
    { text: 'payload.name.exists(c, true)', says: 'goes through a list or a map, not through text' },
    { text: 'payload.count / 0', says: 'divides by zero' },
    { text: 'payload.count % 0.0', says: 'divides by zero' },
    { text: 'payload.count / payload.empty', says: 'cannot be worked out of a number and text' },
    { text: 'payload.count / payload.nothing', says: 'cannot be worked out of a number and null' },
    { text: 'payload.count / payload.none', says: 'cannot be worked out of a number and a list' },
    { text: '9223372036854775807 + 1', says: 'is more than 64 bits can hold' },
    { text: 'int(payload.name)', says: '`int(payload.name)` cannot be worked out of text' },
    { text: 'payload.count.startsWith("3")', says: 'cannot be worked out of a number and text' },
    { text: '{payload.count: 1}', says: 'has a key that is no text' },
    { text: '(payload.count + 1) * (payload.name)', says: '`(payload.count + 1) * payload.name` cannot' },
    { text: '9007199254740993', says: 'it gives 9007199254740993, which a number of JSON cannot hold exactly' },
    { text: '1.0 / 3.0 * 1e308 * 10.0', says: 'it gives Infinity, a number that JSON does not have' },
    { text: 'double("1e999")', says: 'it gives Infinity' },
  ])('$text', ({ text, says }) => {
    const outcome = outcomeOf(text)

    expect('fault' in outcome && outcome.fault).toContain(`input \`${text}\`: `)
    expect('fault' in outcome && outcome.fault).toContain(says)
  })

  test('a condition that is neither true nor false', () => {
    expect(compiled('payload.name', 'bool').evaluate(scope)).toEqual({
      fault: 'when `payload.name`: it is not true or false',
    })
    expect(() => compiled('tenant', 'bool')).toThrow('it gives string, and `when` is true or false')
  })

  test('a long expression is cut in its fault', () => {
    const outcome = outcomeOf(`[${'1,'.repeat(400)}payload.absent]`)

    expect('fault' in outcome && outcome.fault.length).toBeLessThan(500)
  })
})

describe('bounds', () => {
  const text = (chars: number) => ({ payload: { t: 'a'.repeat(chars), list: Array.from({ length: 1_000 }, () => 0) } })

  test.each([
    { what: '65,536 bytes', text: 'payload.t', of: text(65_534), isTaken: true },
    { what: '65,537 bytes', text: 'payload.t', of: text(65_535), isTaken: false },
    { what: 'characters of several bytes', text: 'payload', of: { payload: 'é'.repeat(40_000) }, isTaken: false },
    { what: 'many keys', text: 'payload', of: { payload: { ['k'.repeat(65_536)]: 1 } }, isTaken: false },
  ])('$what: taken $isTaken', ({ text: expression, of, isTaken }) => {
    expect('value' in outcomeOf(expression, of)).toBe(isTaken)
  })

  test('what names a large value very often ends at once', () => {
    const many = `payload.list.map(x, [${'payload.t,'.repeat(40)} payload.t])`
    const before = process.cpuUsage()

    const outcome = outcomeOf(many, text(60_000))

    const { user, system } = process.cpuUsage(before)
    expect((user + system) / 1_000).toBeLessThan(300)
    expect('fault' in outcome && outcome.fault).toMatch(/gives more than 65536 bytes|takes longer/)
  })

  test('what takes too long is a fault', () => {
    const outcome = outcomeOf('payload.list.all(x, -1 in payload.list || true)', text(1))

    expect('fault' in outcome && outcome.fault).toMatch(/takes longer than the 50000 steps that there are/)
  })

  test.each([
    { levels: 59, isTaken: true },
    { levels: 60, isTaken: false },
  ])('$levels levels in a list: taken $isTaken', ({ levels, isTaken }) => {
    const payload: unknown = JSON.parse('['.repeat(levels) + ']'.repeat(levels))

    expect('value' in outcomeOf('[payload]', { payload })).toBe(isTaken)
  })
})

describe('expressions that are refused', () => {
  test.each([
    { text: 'payload.', position: 8, says: /Unexpected token|Expected/ },
    { text: 'event.n', position: 0, says: /there is no `event`: an expression sees payload, outputs and tenant/ },
    { text: 'input', position: 0, says: /there is no `input`/ },
    { text: '"a" + 1', position: 0, says: /string \+ int/ },
    { text: 'tenant == "a" ? 1 : "x" + 1', position: 20, says: /string \+ int/ },
    { text: 'true ? true ? "a" : 1 : ("a" + 1)', position: 25, says: /string \+ int/ },
    { text: '"a" + 1 == "b" ? 1 : "x"', position: 0, says: /string \+ int/ },
    { text: 'true ? "a" + 1 : 2', position: 7, says: /string \+ int/ },
    { text: 'now()', position: 0, says: /there is no now\(\) in expressions/ },
    { text: 'payload.a.exists(x)', position: 0, says: /as in payload\.items\.exists/ },
    { text: 'has(payload)', position: 0, says: /has\(payload\.note\)/ },
    { text: `"${'x'.repeat(8_192)}"`, position: 8_192, says: /8194 characters, at most 8192/ },
  ])('$text', ({ text, position, says }) => {
    let found: unknown
    try {
      compiled(text)
    } catch (error) {
      found = error
    }

    expect(found).toBeInstanceOf(CelError)
    expect(found).toMatchObject({ position, message: expect.stringMatching(says) })
  })
})

test.each([
  { text: 'outputs.a.b + outputs["c-d"]', fields: ['a', 'c-d'] },
  { text: 'has(outputs.a) ? {"x": [outputs.b]} : -outputs.c', fields: ['a', 'b', 'c'] },
  { text: 'payload.outputs.a == payload["outputs"].b', fields: [] },
  { text: 'outputs[tenant] == outputs', fields: [] },
  { text: 'outputs.l.map(outputs, outputs.x)', fields: ['l'] },
  { text: 'payload.l.map(x, outputs.y)', fields: ['y'] },
])('$text reads $fields', ({ text, fields }) => {
  expect(fieldsRead(compiled(text).ast, 'outputs').map(({ field }) => field)).toEqual(fields)
})
