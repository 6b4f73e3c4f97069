import { z } from 'zod'
import type { Json } from '../../events.ts'
import { activityName, journeyType, stepName } from '../../journey-events.ts'
import { durationPattern } from './durations.ts'

/** What a team registers: a journey type as a JSON document. What it means beyond its shape is checked in `definition-check.ts`. */

/** More are a program. */
export const STEPS_MAX = 500
/** As JSON; it is kept in memory for as long as the hub runs. */
export const DOCUMENT_BYTES_MAX = 262_144
/** The delay ladder's range, 30 days. */
export const DURATION_MS_MAX = 2_592_000_000
/** Retries of one step at most: a definition that needs more waits for a person. */
export const RETRIES_MAX = 100
const FACTOR_MAX = 100
const VERSION_MAX = 1_000_000_000
/** Characters of an expression. */
export const EXPRESSION_CHARS_MAX = 8_192

const DURATION_WANTED = 'expected a duration of 1ms to 30d, such as "500ms", "30s", "10m", "2h", or in milliseconds'
const duration = z.union(
  [
    z.int(DURATION_WANTED).min(1, DURATION_WANTED).max(DURATION_MS_MAX, DURATION_WANTED),
    z.string().regex(durationPattern(DURATION_MS_MAX), DURATION_WANTED),
  ],
  DURATION_WANTED,
)

const cel = z.string().min(1).max(EXPRESSION_CHARS_MAX)

const retry = z
  .strictObject({
    retries: z.int().min(0).max(RETRIES_MAX).optional().describe('N means N + 1 attempts; 2 when missing'),
    initialMs: z.int().min(0).max(DURATION_MS_MAX).optional().describe('before the first retry; 200 when missing'),
    factor: z.number().min(1).max(FACTOR_MAX).optional().describe('of each wait to the one before; 2 when missing'),
    maxMs: z.int().min(0).max(DURATION_MS_MAX).optional().describe('longest wait; 30,000 when missing'),
  })
  .describe('when an attempt fails in a way that another one may not')

const asked = {
  activity: activityName.describe('what is asked for: whoever consumes the queue activity.<name> does it'),
  input: cel.optional().describe('CEL that gives its input; the whole payload when missing'),
  timeout: duration.optional().describe(`of one attempt; 30s when missing; ${DURATION_WANTED}`),
  retry: retry.optional(),
}

const inlineCompensation = z
  .strictObject({ ...asked, input: cel.optional().describe('CEL; {input, output} of the step when missing') })
  .describe('what takes the step back')

/** One entry of `activities`. */
const entrySchema = z.strictObject({
  ...asked,
  after: z.array(z.string()).max(STEPS_MAX).optional().describe('the steps that it waits for'),
  when: cel.optional().describe('CEL; the step is skipped when it gives false'),
  compensate: z.union([z.string(), inlineCompensation]).optional().describe('what takes the step back, or its name'),
})
/** As far as it can be read. */
export const entryParts = entrySchema.partial()
export type Entry = z.output<typeof entryParts>

/** `GET /api/definitions/schema` is something else. */
const typeName = journeyType
  .refine((type) => type !== 'schema', 'not `schema`: choose another name, this one has another meaning in addresses')
  // What a schema cannot be made of by itself is said to it: it is published.
  .meta({ not: { const: 'schema' } })

/** All but its activities. */
const head = {
  type: typeName.describe('what journeys of this sort are called'),
  version: z.int().min(1).max(VERSION_MAX).describe('immutable: a change is a new version'),
  deadline: duration.describe(`of the whole journey; ${DURATION_WANTED}`),
  description: z.string().max(4_096).optional(),
  onFailure: z
    .enum(['remediate', 'compensate', 'fail'])
    .optional()
    .describe('what becomes of a journey that cannot go on: remediate when missing'),
  payload: z.record(z.string(), z.unknown()).optional().describe('JSON Schema that payloads must be valid against'),
  output: cel.optional().describe('CEL that gives what the journey gives; the outputs of its last steps when missing'),
}
export const headParts = z.object(head).partial()
/** As far as it can be read. */
export type Head = z.output<typeof headParts>

const document = z.strictObject({
  $schema: z.string().optional().describe('for editors'),
  ...head,
  activities: z
    .record(stepName.meta({ not: { const: '__proto__' } }), entrySchema)
    .meta({ minProperties: 1, maxProperties: STEPS_MAX })
    .describe('by the name of the step'),
})

/** The whole document, for faults of shape. */
export const definitionDocument = document

/** JSON Schema of the document, for editors and for whoever asks the hub. */
export const definitionJsonSchema = (): Json => jsonOf(z.toJSONSchema(document, { io: 'input' }))

/** As it is published: what JSON leaves out is left out. */
const jsonOf = (value: unknown): Json => JSON.parse(JSON.stringify(value))
