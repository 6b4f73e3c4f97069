import { Ajv, type ErrorObject, type Options, type ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { z } from 'zod'
import type { Json } from '../../events.ts'
import { boundFaults } from './schema-bounds.ts'
import type { Schema } from './schema-places.ts'
import { addWork, CheckWork, counted, patternsOf } from './schema-work.ts'

/** JSON Schemas of payloads, by Ajv: what a person hands in is code to Ajv, so patterns go to RE2, and nothing is fetched. */

export type FindFaults = (payload: Json) => readonly string[]

const DRAFT_2020 = 'https://json-schema.org/draft/2020-12/schema'
const drafts: ReadonlyMap<string, typeof Ajv2020 | typeof Ajv> = new Map<string, typeof Ajv2020 | typeof Ajv>([
  [DRAFT_2020, Ajv2020],
  ['http://json-schema.org/draft-07/schema', Ajv],
])

/** Faults of one payload that are told. */
const FAULTS_MAX = 20
/** Longer texts have none of the formats. */
const FORMAT_CHARS_MAX = 1_024
/** To say that one has not the format takes zod so long. */
const FORMAT_STEPS = 50

const formats: Readonly<Record<string, z.ZodType>> = {
  'date-time': z.iso.datetime({ offset: true }),
  date: z.iso.date(),
  time: z.iso.time(),
  duration: z.iso.duration(),
  email: z.email(),
  uri: z.url(),
  uuid: z.uuid(),
  ipv4: z.ipv4(),
  ipv6: z.ipv6(),
}

const options: Options = {
  strict: true,
  strictTypes: true,
  allowUnionTypes: true,
  strictTuples: false,
  // A choice of what is required names what is described outside of it.
  strictRequired: false,
  logger: false,
  // Looked at before, by validators that all share: each would make its own otherwise, in 10 ms.
  validateSchema: false,
  meta: false,
}

const formatsWith = (work: CheckWork): NonNullable<Options['formats']> =>
  Object.fromEntries(
    Object.entries(formats).map(([name, schema]) => [
      name,
      (text: string) => {
        work.spend(FORMAT_STEPS)
        return text.length <= FORMAT_CHARS_MAX && schema.safeParse(text).success
      },
    ]),
  )

/** Makes a schema ready for use, or says what is wrong with it. What it finds, and how long it takes to, is bounded. */
export function compilePayloadSchema(
  schema: Schema,
): { readonly findFaults: FindFaults } | { readonly faults: readonly string[] } {
  const { $schema = DRAFT_2020, ...bare } = schema
  if (typeof $schema !== 'string') return { faults: ['$schema: expected text'] }
  const named = $schema.replace(/#$/, '')
  const Draft = drafts.get(named)
  if (!Draft) return { faults: [`$schema: ${named} is not known here; ${[...drafts.keys()].join(' and ')} are`] }
  try {
    const malformed = metaFaults(named, Draft, bare)
    const faults = malformed.length > 0 ? malformed : boundFaults(bare)
    return faults.length > 0 ? { faults } : compiled(Draft, bare)
  } catch (error) {
    return { faults: [reasonOf(error)] }
  }
}

/** Throws when it is none. */
function compiled(Draft: typeof Ajv2020 | typeof Ajv, schema: Schema): ReturnType<typeof compilePayloadSchema> {
  const work = new CheckWork()
  // To optimize the code of a thousand keywords takes Ajv seconds.
  const code = { regExp: patternsOf(work), optimize: false }
  const validator = (allErrors: boolean) => {
    const ajv = new Draft({ ...options, formats: formatsWith(work), code, allErrors })
    addWork(ajv, work)
    return ajv.compile(counted(schema))
  }
  const all = validator(true)
  if ('$async' in all) return { faults: ['$async: a payload is checked at once'] }
  let first: ValidateFunction | undefined
  return {
    findFaults(payload) {
      const faults = checked(all, payload, work)
      if (typeof faults !== 'string') return faults
      // Too many to tell: the first one is found sooner.
      first ??= validator(false)
      const found = checked(first, payload, work)
      return typeof found === 'string' ? [`payload: ${found}`] : found
    },
  }
}

/** The faults, or why they are not known. */
function checked(validate: ValidateFunction, payload: Json, work: CheckWork): readonly string[] | string {
  work.begin()
  try {
    return validate(payload) ? [] : linesOf('payload', validate.errors ?? [])
  } catch (error) {
    return `it cannot be checked: ${reasonOf(error)}`
  } finally {
    // A thousand faults are of use to nobody any more.
    validate.errors = null
  }
}

const reasonOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

const metas = new Map<string, Ajv | Ajv2020>()
/** All faults of a larger schema would take minutes to find: of such a one, the first is told. */
const TOLD_CHARS_MAX = 4_096

/** What the schema of schemas finds. */
function metaFaults(named: string, Draft: typeof Ajv2020 | typeof Ajv, schema: Schema): readonly string[] {
  const allErrors = JSON.stringify(schema).length <= TOLD_CHARS_MAX
  const name = `${named} ${allErrors}`
  const meta = metas.get(name) ?? new Draft({ logger: false, allErrors })
  metas.set(name, meta)
  return meta.validateSchema(schema) === true ? [] : [...new Set(linesOf('', meta.errors ?? []))]
}

function linesOf(root: string, errors: readonly ErrorObject[]): readonly string[] {
  const lines = errors.slice(0, FAULTS_MAX).map(({ instancePath, message = 'not accepted', params }) => {
    const at = [root, ...instancePath.split('/').slice(1).map(unescaped)].filter((part) => part !== '').join('.')
    return `${at === '' ? '' : `${at}: `}${message}${detailOf(params)}`
  })
  return errors.length > FAULTS_MAX ? [...lines, `... and ${errors.length - FAULTS_MAX} more`] : lines
}

/** In a JSON pointer, `/` is written `~1` and `~` is `~0`. */
const unescaped = (part: string) => part.replaceAll('~1', '/').replaceAll('~0', '~')

/** What the message leaves out: the property that is too many, the values that are allowed. */
const detail = z.union([
  z.object({ additionalProperty: z.string() }).transform(({ additionalProperty }) => ` (${additionalProperty})`),
  z.object({ allowedValues: z.array(z.unknown()) }).transform(
    ({ allowedValues }) =>
      ` (${allowedValues
        .slice(0, 20)
        .map((value) => JSON.stringify(value))
        .join(', ')})`,
  ),
  z.object({ allowedValue: z.unknown() }).transform(({ allowedValue }) => ` (${JSON.stringify(allowedValue)})`),
])
const detailOf = (params: unknown): string => detail.safeParse(params).data ?? ''
