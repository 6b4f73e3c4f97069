import { z } from 'zod'
import { VALUE_BYTES_MAX } from '../../shared/flow/hub-state.ts'
import { sizeOf, VALUE_DEPTH_MAX } from '../../shared/flow/value-size.ts'
import { journeyEvents, journeyKey, journeyType } from '../../shared/journey-events.ts'

/** The versions of the format in which clients ask for journeys, each with its own validator. */

const isText = (text: string) => !/\p{Surrogate}/u.test(text)
const NO_TEXT = 'half a surrogate pair is no text'
const { tenant, payload } = journeyEvents.INITIATE_WORKFLOW.body.shape

const bounded = payload.superRefine((value, { addIssue }) => {
  const { bytes, depth } = sizeOf(value)
  if (bytes > VALUE_BYTES_MAX)
    addIssue(`${bytes} bytes as JSON, at most ${VALUE_BYTES_MAX} are taken: send a reference to what is larger`)
  if (depth > VALUE_DEPTH_MAX) addIssue(`nested ${depth} levels deep, at most ${VALUE_DEPTH_MAX} are taken`)
})

const version1 = z
  .object({
    type: journeyType,
    payload: bounded,
    tenant: tenant.refine(isText, NO_TEXT),
    key: journeyKey
      .refine(isText, NO_TEXT)
      .optional()
      .describe('Requests for a type and tenant with the same key are one journey'),
  })
  .strict()

/** What a client asks for, as the newest version says it. */
export const newestJourney = version1

export type JourneyFormat = {
  readonly version: number
  readonly mediaType: string
  /** The body of a request as the newest version says it, or what is wrong with it. */
  raise(body: unknown): { readonly body: unknown } | { readonly issues: readonly z.core.$ZodIssue[] }
}

/** A row of the table: how a body looks in this version, and how the newest one says the same. */
export const journeyFormat = <S extends z.ZodType>(
  version: number,
  schema: S,
  toNewest: (body: z.output<S>) => z.input<typeof newestJourney>,
): JourneyFormat => ({
  version,
  mediaType: `application/vnd.ebs.journey.v${version}+json`,
  raise: (body) => {
    const { success, data, error } = schema.safeParse(body)
    return success ? { body: toNewest(data) } : { issues: error.issues }
  },
})

/** Newest first; plain JSON means that one. To add a version, put it in front, and say in the others what they mean by it. */
export const journeyFormats: readonly [JourneyFormat, ...JourneyFormat[]] = [journeyFormat(1, version1, (body) => body)]
