import { z } from 'zod'
import { type EventType, rowOf } from '../../shared/events.ts'
import { type Schema, schema } from '../fuzz/json-schema.ts'

/**
 * The body of an event as JSON schema (draft 7, which AsyncAPI takes): what a sender may write. What only code can check, such as
 * surrogate pairs or the size of a payload, is not in it.
 */
export function bodySchema(type: EventType): Schema {
  const made = z.toJSONSchema(rowOf(type).body, { target: 'draft-7', io: 'input', unrepresentable: 'any' })
  const { $schema, definitions, properties, required, ...rest } = plain(made)
  return {
    ...rest,
    properties: { type: { type: 'string', const: type }, ...properties },
    required: ['type', ...(required ?? [])],
  }
}

/**
 * Without what only says what JSON is: a schema that refers to itself is any JSON, names of members are texts, whole numbers are safe
 * ones, and a time's pattern is its format spelled out.
 */
const plain = (made: unknown): Schema =>
  schema.parse(
    JSON.parse(JSON.stringify(made), (_name, value: unknown) => {
      const { success, data } = member.safeParse(value)
      if (!success) return value
      if (data.$ref !== undefined) return {}
      const { propertyNames, pattern, minimum, maximum, ...rest } = data
      return {
        ...rest,
        ...(propertyNames !== undefined && !isAnyText(propertyNames) && { propertyNames }),
        ...(pattern !== undefined && data.format !== 'date-time' && { pattern }),
        ...(minimum !== undefined && minimum !== Number.MIN_SAFE_INTEGER && { minimum }),
        ...(maximum !== undefined && maximum !== Number.MAX_SAFE_INTEGER && { maximum }),
      }
    }),
  )

// Members of these names stand in bodies, too: only with a schema's types they are keywords.
const member = z.looseObject({
  $ref: z.string().optional(),
  format: z.string().optional(),
  propertyNames: z.record(z.string(), z.unknown()).optional(),
  pattern: z.string().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
})

const isAnyText = (names: Readonly<Record<string, unknown>>) => JSON.stringify(names) === '{"type":"string"}'
