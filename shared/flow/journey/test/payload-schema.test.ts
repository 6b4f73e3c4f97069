import { describe, expect, test } from 'vitest'
import type { Json } from '../../../events.ts'
import { compilePayloadSchema } from '../payload-schema.ts'

type Schema = Readonly<Record<string, unknown>>

function findFaults(schema: Schema, payload: Parameters<ReturnType<typeof finderOf>>[0]): readonly string[] {
  return finderOf(schema)(payload)
}
function finderOf(schema: Schema) {
  const compiled = compilePayloadSchema(schema)
  if ('faults' in compiled) throw new Error(compiled.faults.join('\n'))
  return compiled.findFaults
}
const object = (properties: Schema, others: Schema = {}) => ({ type: 'object', properties, ...others })

const list = (length: number) => Array.from({ length }, (_, i) => i)
/** Each level asks for the next one twice. */
const doubling = (levels: number): Schema => ({
  $ref: '#/$defs/d0',
  $defs: {
    ...Object.fromEntries(
      list(levels).map((i) => [`d${i}`, { allOf: [{ $ref: `#/$defs/d${i + 1}` }, { $ref: `#/$defs/d${i + 1}` }] }]),
    ),
    [`d${levels}`]: { type: 'object' },
  },
})
const nested = (depth: number): Json => (depth === 0 ? [] : [nested(depth - 1)])
const twice = (schema: Schema) => [schema, schema]

describe('faults of a payload, as a person reads them', () => {
  test.each([
    { schema: { type: 'object' }, payload: {}, faults: [] },
    { schema: { type: 'object' }, payload: 1, faults: ['payload: must be object'] },
    {
      schema: object(
        { a: { type: 'array', items: object({ 'b/c': { type: 'integer' } }) }, d: { type: 'string' } },
        { required: ['d', 'e'] },
      ),
      payload: { a: [{}, { 'b/c': 1.5 }] },
      faults: [
        "payload: must have required property 'd'",
        "payload: must have required property 'e'",
        'payload.a.1.b/c: must be integer',
      ],
    },
    {
      schema: object({}, { additionalProperties: false }),
      payload: { colour: 1 },
      faults: ['payload: must NOT have additional properties (colour)'],
    },
    {
      schema: { enum: ['a', 2] },
      payload: 'b',
      faults: ['payload: must be equal to one of the allowed values ("a", 2)'],
    },
    { schema: { const: 'a' }, payload: 'b', faults: ['payload: must be equal to constant ("a")'] },
    { schema: { type: 'string', pattern: '^a+$' }, payload: 'ab', faults: ['payload: must match pattern "^a+$"'] },
    { schema: { type: ['string', 'null'] }, payload: null, faults: [] },
    { schema: { type: 'string', format: 'email' }, payload: 'x', faults: ['payload: must match format "email"'] },
    { schema: { type: 'string', format: 'date-time' }, payload: '2026-05-01T12:00:00+02:00', faults: [] },
    {
      schema: { type: 'string', format: 'uri' },
      payload: `http://a/${'x'.repeat(1_024)}`,
      faults: ['payload: must match format "uri"'],
    },
    {
      schema: {
        $schema: 'http://json-schema.org/draft-07/schema#',
        definitions: { n: { type: 'number' } },
        $ref: '#/definitions/n',
      },
      payload: 'x',
      faults: ['payload: must be number'],
    },
    {
      schema: {
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        $defs: { n: { type: 'number' } },
        $ref: '#/$defs/n',
      },
      payload: 'x',
      faults: ['payload: must be number'],
    },
  ])('$schema says $faults', ({ schema, payload, faults }) => {
    expect(findFaults(schema, payload)).toEqual(faults)
  })

  test('of many, 20 are told', () => {
    const found = findFaults(
      { type: 'array', items: { type: 'string' } },
      Array.from({ length: 1_000 }, () => 1),
    )

    expect(found).toHaveLength(21)
    expect(found.at(-1)).toBe('... and 980 more')
  })

  test('what is twice in a list is found by what it is worth', () => {
    const find = finderOf({ type: 'array', uniqueItems: true })

    expect(find([{ a: 1, b: [2] }, 1, 1.5, '1', 'a', null, [], {}, { b: [2], a: 2 }])).toEqual([])
    expect(
      find([
        { a: 1, b: [2] },
        { b: [2], a: 1 },
      ]),
    ).toEqual(['payload: must NOT have duplicate items'])
    expect(find([0, -0])).toHaveLength(1)
    expect(findFaults({ type: 'array', uniqueItems: false }, [1, 1])).toEqual([])
  })

  test('each pattern is its own', () => {
    const find = finderOf(object({ a: { type: 'string', pattern: '^a$' }, b: { type: 'string', pattern: '^b$' } }))

    expect(find({ a: 'a', b: 'b' })).toEqual([])
    expect(find({ a: 'b', b: 'a' })).toHaveLength(2)
  })

  test('no pattern runs for ever', () => {
    const find = finderOf({ type: 'string', pattern: '^(a+)+$' })
    const before = process.cpuUsage()

    expect(find(`${'a'.repeat(20_000)}b`)).toHaveLength(1)

    const { user, system } = process.cpuUsage(before)
    expect((user + system) / 1_000).toBeLessThan(1_000)
  })

  test('two schemas of one $id are two', () => {
    const id = 'https://example.org/s'

    expect(findFaults({ $id: id, type: 'string' }, 1)).toHaveLength(1)
    expect(findFaults({ $id: id, type: 'number' }, 1)).toEqual([])
  })
})

describe('schemas that are refused', () => {
  test.each<{ schema: Schema; says: RegExp }>([
    { schema: { type: 'objekt' }, says: /^type: must be equal to one of the allowed values/ },
    { schema: { type: 'object', propertys: {} }, says: /unknown keyword: "propertys"/ },
    { schema: { properties: { a: { minimum: 1 } } }, says: /missing type/ },
    { schema: { type: 'string', pattern: '(' }, says: /missing closing/ },
    { schema: { type: 'string', pattern: 'a(?=b)' }, says: /Perl syntax/ },
    { schema: { type: 'string', pattern: '((a{1,30}){1,30})x' }, says: /too large/ },
    { schema: { type: 'string', pattern: 'a{1000}'.repeat(100) }, says: /100003 instructions.* too large/ },
    { schema: { type: 'string', pattern: 'a'.repeat(1_001) }, says: /1001 characters.* too large/ },
    {
      schema: {
        type: 'object',
        patternProperties: Object.fromEntries(list(20).map((i) => [`^a{700}${i}`, { type: 'string' }])),
      },
      says: /too large/,
    },
    { schema: { anyOf: [{ $ref: '#' }, { type: 'object' }] }, says: /^it comes back to itself at the same value/ },
    { schema: { $defs: { a: { not: { $ref: '#/$defs/a' } } } }, says: /^\$defs\.a: it comes back to itself/ },
    { schema: { $anchor: 'x', allOf: [{ $dynamicRef: '#x' }] }, says: /comes back to itself/ },
    { schema: { $ref: '#/default', default: { allOf: [] } }, says: /can't resolve reference #\/default/ },
    { schema: { $ref: '#/constructor' }, says: /can't resolve reference/ },
    { schema: { $defs: { a: { $id: 'https://example.org/a' } } }, says: /^\$defs\.a: \$id: only at the top/ },
    { schema: doubling(31), says: /more than 10000 keywords/ },
    { schema: { $schema: { toString: 1 } }, says: /^\$schema: expected text/ },
    { schema: { type: 'string', format: 'colour' }, says: /unknown format "colour"/ },
    { schema: { $ref: 'https://example.org/other' }, says: /can't resolve reference/ },
    { schema: { $schema: 'http://json-schema.org/draft-04/schema#' }, says: /^\$schema: .*draft-04.* not known here/ },
    { schema: { $async: true, type: 'object' }, says: /\$async/ },
  ])('$schema', ({ schema, says }) => {
    const compiled = compilePayloadSchema(schema)

    expect('faults' in compiled ? compiled.faults.join('\n') : 'taken').toMatch(says)
  })
})

describe('no schema and no payload hold the hub', () => {
  const ones = list(32_000).map(() => 1)
  const strings = (count: number) => list(count).map(() => ({ type: 'string' }))
  const array = (items: Schema): Schema => ({ type: 'array', items })

  test.each<{ what: string; schema: Schema; payload: Json; says: RegExp }>([
    {
      what: 'more faults than can be told',
      schema: array({ allOf: strings(50) }),
      payload: ones,
      says: /^payload\.0: must be string$/,
    },
    {
      what: 'alternatives that all fail but one',
      schema: array({ anyOf: [...strings(500), { type: 'number' }] }),
      payload: ones,
      says: /it takes more than 500000 steps/,
    },
    {
      what: 'what is looked for everywhere',
      schema: { type: 'array', contains: { anyOf: strings(500) } },
      payload: ones,
      says: /it takes more than 500000 steps/,
    },
    {
      what: 'a schema that goes twice into each part',
      schema: { $ref: '#/$defs/a', $defs: { a: { allOf: twice(array({ $ref: '#/$defs/a' })) } } },
      payload: nested(50),
      says: /it takes more than 500000 steps/,
    },
    {
      what: 'a long text and a large pattern',
      schema: { type: 'string', pattern: '(?:[a-y]*[b-z]*[c-x]*[d-w]*){60}$' },
      payload: 'abcdefgh'.repeat(8_000),
      says: /it takes more than 500000 steps/,
    },
    {
      what: 'many values that are allowed',
      schema: array({ enum: list(3_000).map((i) => ({ i })) }),
      payload: list(10_000).map(() => ({ i: 2_999 })),
      says: /it takes more than 500000 steps/,
    },
  ])('$what', ({ schema, payload, says }) => {
    const find = finderOf(schema)
    find(payload)
    const before = process.cpuUsage()

    expect(find(payload)).toEqual([expect.stringMatching(says)])

    expect(msSince(before)).toBeLessThan(500)
  })

  test.each<{ what: string; schema: Schema; payload: Json }>([
    {
      what: 'many different elements',
      schema: { type: 'array', uniqueItems: true },
      payload: list(8_000).map((i) => ({ a: i })),
    },
    {
      what: 'a tree',
      schema: { type: 'object', properties: { l: { $ref: '#' }, r: { $ref: '#' } }, additionalProperties: false },
      payload: tree(10),
    },
    { what: 'a schema that is used often', schema: doubling(10), payload: {} },
    {
      what: 'many lines',
      schema: array({
        type: 'object',
        required: ['sku', 'count'],
        properties: { sku: { type: 'string', pattern: '^[A-Z]{3}-\\d{4}$' }, count: { type: 'integer', minimum: 1 } },
        additionalProperties: false,
      }),
      payload: list(1_900).map(() => ({ sku: 'ABC-1234', count: 2 })),
    },
  ])('$what: taken, in a moment', ({ schema, payload }) => {
    const find = finderOf(schema)
    const before = process.cpuUsage()

    expect(find(payload)).toEqual([])

    expect(msSince(before)).toBeLessThan(500)
  })

  test.each<{ what: string; schema: Schema }>([
    { what: 'faults of a large schema', schema: { allOf: list(20_000).map(() => 1) } },
    { what: 'large patterns', schema: { type: 'string', pattern: 'a{1000}'.repeat(1_100) } },
    { what: 'references to references', schema: doubling(3_000) },
  ])('$what are refused in a moment', ({ schema }) => {
    const before = process.cpuUsage()

    expect(compilePayloadSchema(schema)).toHaveProperty('faults')

    expect(msSince(before)).toBeLessThan(1_000)
  })
})

function tree(levels: number): Json {
  return levels === 0 ? {} : { l: tree(levels - 1), r: tree(levels - 1) }
}

function msSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000
}
