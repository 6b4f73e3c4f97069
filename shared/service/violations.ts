import type { FastifyError, FastifyRequest, FastifySchemaValidationError } from 'fastify'
import { z } from 'zod'

/** A value of a request that is not as the route's schema wants it. `in` is `params`, `body`, `query` or `headers`. */
export type Violation = { readonly field: string; readonly message: string; readonly in: string }

/** The parts in the order in which fastify checks them; it stops at the first one that fails. */
const parts = ['params', 'body', 'querystring', 'headers'] as const
type Part = (typeof parts)[number]

/**
 * Every violation of a request: those that fastify found, and those in the parts that it has not looked at yet, so that a
 * client need not repair its request in several rounds.
 */
export function violationsOf(
  error: Omit<FastifyError, 'validation'> & { validation: FastifySchemaValidationError[] },
  request: FastifyRequest,
): readonly Violation[] {
  const failed = parts.find((part) => part === error.validationContext) ?? 'body'
  const found = error.validation.flatMap(({ instancePath, message, params }) =>
    namesOf(instancePath.split('/').filter(Boolean), params).map((field) => ({
      field: field || named(failed),
      message: message ?? 'not accepted',
      in: named(failed),
    })),
  )
  const later = parts.slice(parts.indexOf(failed) + 1).flatMap((part) => {
    const schema = request.routeOptions.schema?.[part]
    if (!(schema instanceof z.ZodType)) return []
    const input =
      part === 'querystring' ? request.query : part === 'body' ? (request.body ?? undefined) : request.headers
    return violationsIn(part, schema.safeParse(input).error?.issues ?? [])
  })
  return [...found, ...later]
}

/** What a schema finds wrong with one part of a request. */
export const violationsIn = (part: Part, issues: readonly z.core.$ZodIssue[]): readonly Violation[] =>
  issues.flatMap((issue) =>
    namesOf(issue.path.map(String), issue).map((field) => ({
      field: field || named(part),
      message: issue.message,
      in: named(part),
    })),
  )

const named = (part: Part) => (part === 'querystring' ? 'query' : part)

const unknownKeys = z.object({ keys: z.array(z.string()).min(1) })

/** The path with dots; one path per key where the schema lists keys that it does not know. */
function namesOf(path: readonly string[], detail: unknown): readonly string[] {
  const { success, data } = unknownKeys.safeParse(detail)
  return success ? data.keys.map((key) => [...path, key].join('.')) : [path.join('.')]
}
