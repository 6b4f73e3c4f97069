import { STATUS_CODES } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { HttpProblem, unavailable } from './errors.ts'
import { type Violation, violationsOf } from './violations.ts'

/** Answers any error as `application/problem+json` (RFC 9457); what is our own fault goes to the log, not to the client. */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply) {
  const problem = problemOf(error, request)
  if (problem.status >= 500) {
    // Only a 500 is a surprise: probes get a 503 every second while a service waits for its broker, and a 502 tells of another's failure.
    const level = problem.status === 500 ? 'error' : 'debug'
    request.log[level]({ err: error, method: request.method, url: request.url }, 'request failed')
  }
  const members = {
    type: problem.type,
    title: problem.title,
    status: problem.status,
    detail: problem.message,
    instance: request.url,
    requestId: request.id,
    ...problem.extensions,
  }
  return reply
    .code(problem.status)
    .headers(problem.headers)
    .type('application/problem+json')
    .serializer(JSON.stringify)
    .send(members)
}

/** The problem that an error stands for. */
export function problemOf(error: unknown, request: FastifyRequest): HttpProblem {
  if (error instanceof HttpProblem) return error
  if (isStoreTrouble(error))
    return unavailable('The database takes no writes just now; come back later.', STORE_RETRY_AFTER_S)
  if (hasZodFastifySchemaValidationErrors(error)) return invalidRequest(violationsOf(error, request))
  const known = frameworkError.safeParse(error)
  if (!known.success) return internal(error, request)
  const { code, statusCode, message } = known.data
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return new HttpProblem(413, { detail: `The body is larger than ${request.routeOptions.bodyLimit} bytes.` })
  }
  if (code === 'FST_ERR_HANDLER_TIMEOUT')
    return unavailable('The answer took too long; what was asked may still happen.', 5)
  if (statusCode >= 500) return internal(error, request)
  return new HttpProblem(statusCode, { title: STATUS_CODES[statusCode] ?? 'Error', detail: message, cause: error })
}

/** A request that is not as it should be, with every violation. */
export function invalidRequest(errors: readonly Violation[]): HttpProblem {
  const count = errors.length === 1 ? 'One value is' : `${errors.length} values are`
  return new HttpProblem(400, {
    title: 'Invalid request',
    detail: `${count} not as expected: ${errors.map(({ field, message }) => `${field}: ${message}`).join('; ')}`,
    extensions: { errors },
  })
}

/** By name, because a service's HTTP knows no store. The disk's trouble is not the client's: it may come back. */
const isStoreTrouble = (error: unknown) => error instanceof Error && error.name === 'StoreUnavailableError'
const STORE_RETRY_AFTER_S = 5

const frameworkError = z.object({
  code: z.string().optional(),
  statusCode: z.int().min(400).max(599),
  message: z.string(),
})

const internal = (cause: unknown, request: FastifyRequest) =>
  new HttpProblem(500, {
    detail: `Something went wrong on our side. The log has it under the request id ${request.id}.`,
    cause,
  })
