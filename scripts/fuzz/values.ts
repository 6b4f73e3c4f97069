import fc from 'fast-check'
import { hostileText } from './hostile.ts'
import type { Schema } from './json-schema.ts'
import { wishFor } from './known.ts'

/** Values that are likely to mean something, by the name of the member or parameter that they are for. */
export type Hints = Readonly<Record<string, fc.Arbitrary<unknown>>>

/** A schema that refers to itself is followed this far. */
const DEPTH_MAX = 6
/** Longer lists only take time: what is beyond a limit is sent by mutation. */
const ITEMS_MAX = 4
const TEXT_CHARS = 16
const WISHES = 24
/** Members and parameters that name something which is there. */
const WISHED = /^$|id$|ids$|cursor|^type$|tenant|fingerprint|entity|activity|held/i
/** The span of dates that a four-digit year can write. */
const dates = fc.date({ min: new Date('1970-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })

/** Values that a schema takes, or nearly: what cannot be generated exactly (a pattern that looks ahead) is close to it. */
export function valuesOf(schema: Schema, hints: Hints, name = '', depth = 0): fc.Arbitrary<unknown> {
  const hint = hints[name]
  const plain = plainValues(schema, { hints, name, depth })
  return hint ? fc.oneof({ weight: 3, arbitrary: hint }, { weight: 1, arbitrary: plain }) : plain
}

type Place = { readonly hints: Hints; readonly name: string; readonly depth: number }

function plainValues(schema: Schema, place: Place): fc.Arbitrary<unknown> {
  const { hints, name, depth } = place
  if (schema.const !== undefined) return fc.constant(schema.const)
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum)
  const choices = schema.anyOf ?? schema.oneOf
  if (choices !== undefined && choices.length > 0)
    return fc.oneof(...choices.map((one) => valuesOf(one, hints, name, depth + 1)))
  const [all] = schema.allOf ?? []
  if (all !== undefined) return valuesOf(all, hints, name, depth + 1)
  const types = typeof schema.type === 'string' ? [schema.type] : (schema.type ?? [])
  if (types.length === 0) return depth > DEPTH_MAX ? fc.constant(null) : fc.jsonValue({ maxDepth: 2 })
  return fc.oneof(...types.map((type) => ofType(type, schema, place)))
}

function ofType(type: string, schema: Schema, { hints, name, depth }: Place): fc.Arbitrary<unknown> {
  switch (type) {
    case 'string':
      return texts(schema, name)
    case 'integer':
      return numbers(schema, true)
    case 'number':
      return numbers(schema, false)
    case 'boolean':
      return fc.boolean()
    case 'array':
      if (depth > DEPTH_MAX) return fc.constant([])
      return fc.array(valuesOf(schema.items ?? {}, hints, name, depth + 1), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.max(schema.minItems ?? 0, Math.min(schema.maxItems ?? ITEMS_MAX, ITEMS_MAX)),
      })
    case 'object':
      return objects(schema, hints, depth)
    default:
      return fc.constant(null)
  }
}

function objects(schema: Schema, hints: Hints, depth: number): fc.Arbitrary<unknown> {
  const { properties = {}, required = [], additionalProperties } = schema
  if (Object.keys(properties).length === 0) {
    if (depth > DEPTH_MAX || additionalProperties === false) return fc.constant({})
    const value = typeof additionalProperties === 'object' ? additionalProperties : {}
    return fc.dictionary(fc.string({ maxLength: 8 }), valuesOf(value, hints, '', depth + 1), {
      maxKeys: ITEMS_MAX,
      noNullPrototype: true,
    })
  }
  const wanted = Object.entries(properties).filter(([key]) => depth <= DEPTH_MAX || required.includes(key))
  return fc.record(Object.fromEntries(wanted.map(([key, value]) => [key, valuesOf(value, hints, key, depth + 1)])), {
    requiredKeys: required.filter((key) => Object.hasOwn(properties, key)),
    noNullPrototype: true,
  })
}

/** Both edges of what is allowed, and something between. */
function numbers({ minimum, maximum, exclusiveMinimum }: Schema, whole: boolean): fc.Arbitrary<number> {
  const min = minimum ?? (exclusiveMinimum !== undefined ? exclusiveMinimum + 1 : -1_000)
  const max = Math.max(min, maximum ?? min + 1_000_000)
  const small = Math.min(max, min + 10)
  const between = whole
    ? fc.integer({ min: Math.ceil(min), max: Math.floor(small) })
    : fc.double({ min, max: small, noNaN: true })
  return fc.oneof({ weight: 6, arbitrary: between }, { weight: 1, arbitrary: fc.constantFrom(min, max) })
}

function texts(schema: Schema, name: string): fc.Arbitrary<string> {
  const wish = fc.nat(WISHES).map((n) => wishFor(name === '' ? 'id' : name, n))
  if (schema.format === 'date-time')
    return fc.oneof(
      dates.map((date) => date.toISOString()),
      wish,
    )
  const max = Math.min(schema.maxLength ?? TEXT_CHARS, TEXT_CHARS)
  const min = Math.min(schema.minLength ?? 0, max)
  const own = schema.pattern === undefined ? fc.string({ minLength: min, maxLength: max }) : matching(schema.pattern)
  const edges = [schema.minLength, schema.maxLength].flatMap((length) =>
    length === undefined ? [] : ['e'.repeat(length)],
  )
  return fc.oneof(
    { weight: 4, arbitrary: own },
    { weight: WISHED.test(name) ? 6 : 1, arbitrary: wish },
    { weight: 1, arbitrary: edges.length > 0 ? fc.constantFrom(...edges) : hostileText },
  )
}

/** fast-check cannot look ahead; without these conditions nearly all texts are right, and the others are worth a try. */
function matching(pattern: string): fc.Arbitrary<string> {
  try {
    return fc.stringMatching(new RegExp(pattern.replace(/\(\?!(?:[^()]|\([^()]*\))*\)/g, '')), { size: 'small' })
  } catch {
    return fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,11}$/)
  }
}
