import { type EventType, rowOf } from '../../shared/events.ts'
import type { Schema } from '../fuzz/json-schema.ts'
import { bodySchema } from './event-schema.ts'

/** What a member of this name may hold; the first one that its schema takes. */
const byName: Readonly<Record<string, readonly unknown[]>> = {
  tenant: ['acme'],
  name: ['a small one'],
  content: ['what it holds'],
  queue: ['process_consume'],
  queues: [['process_consume']],
  filter: ["tenant == 'acme'"],
  actor: ['ann'],
  reason: ['the database is back'],
  error: ['connect ECONNREFUSED'],
  topic: ['my.topic'],
  activity: ['charge'],
  journeyType: ['order'],
  kind: ['object'],
  service: ['datagen'],
  processor: ['processor-1'],
}
const ID = '0199a1f4-77c0-7d11-9a53-0c1d2e3f4a5b'
const TIME = '2026-01-01T12:00:00.000Z'
/** For a text that nothing else is known of: an id, a word, and what patterns of ours ask for. */
const words: readonly string[] = ['example', 'rule-1', 'order', 'charge', '1', '0']
const NUMBERS: readonly number[] = [1, 1_000, 0]

/** A body of this event that its schema takes, with every member; the same each time. Throws when none is found. */
export function exampleOf(type: EventType): Readonly<Record<string, unknown>> {
  const made = { ...objectOf(bodySchema(type)), type }
  const { success, error } = rowOf(type).body.safeParse(made)
  if (!success)
    throw new Error(
      `No example of ${type} could be made (${error.message}): say in scripts/docs/example.ts what its members may hold.`,
    )
  return made
}

const objectOf = ({ properties = {} }: Schema): Record<string, unknown> =>
  Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, sampleOf(schema, name)]))

function sampleOf(schema: Schema, name: string): unknown {
  if (schema.const !== undefined) return schema.const
  if (schema.enum !== undefined) return schema.enum[0]
  const known = byName[name]?.find((value) => isTaken(schema, value))
  if (known !== undefined) return known
  const [choice] = schema.anyOf ?? schema.oneOf ?? []
  if (choice) return sampleOf(choice, name)
  switch (typeof schema.type === 'string' ? schema.type : schema.type?.[0]) {
    case 'string':
      return textOf(schema, name)
    case 'integer':
    case 'number':
      return NUMBERS.find((value) => isTaken(schema, value)) ?? schema.minimum
    case 'boolean':
      return true
    case 'array':
      return Array.from({ length: Math.max(1, schema.minItems ?? 0) }, () =>
        sampleOf(schema.items ?? {}, name.replace(/s$/, '')),
      )
    case 'object':
      return schema.properties ? objectOf(schema) : recordOf(schema)
    default:
      // Any JSON.
      return { any: 'JSON' }
  }
}

const recordOf = ({ additionalProperties }: Schema): Record<string, unknown> => ({
  a: typeof additionalProperties === 'object' ? sampleOf(additionalProperties, 'a') : 1,
})

function textOf(schema: Schema, name: string): string {
  if (schema.format === 'date-time') return TIME
  const likely = /id$|^(?:missing|expected|group|entity|member)$/i.test(name) ? [ID] : []
  return [...likely, ...words, ID].find((value) => isTaken(schema, value)) ?? ''
}

/** As far as one can see before the whole is parsed. */
function isTaken(schema: Schema, value: unknown): boolean {
  const { type, pattern, minLength = 0, maxLength = Number.POSITIVE_INFINITY } = schema
  if (typeof value === 'string')
    return (
      (type === 'string' || isAny(schema)) &&
      value.length >= minLength &&
      value.length <= maxLength &&
      (pattern === undefined || new RegExp(pattern, 'u').test(value))
    )
  if (typeof value === 'number') {
    const { minimum = 0, exclusiveMinimum = -1, maximum = Number.POSITIVE_INFINITY } = schema
    return value >= minimum && value > exclusiveMinimum && value <= maximum
  }
  return Array.isArray(value) && type === 'array'
}

const isAny = ({ type, anyOf, oneOf }: Schema) => type === undefined && anyOf === undefined && oneOf === undefined
