import type { FastifyReply, FastifyRequest } from 'fastify'
import { HttpProblem } from '../../shared/service/errors.ts'
import { findAccepted } from './media-type.ts'

const JSON_TYPE = 'application/json'

/** For a route: answers in the type that the client wants. Throws HttpProblem 406 when it wants none that there is. */
export const answerIn =
  (mediaTypes: readonly string[]) =>
  async (request: Pick<FastifyRequest, 'headers'>, reply: Pick<FastifyReply, 'type'>) => {
    const offered = [JSON_TYPE, ...mediaTypes]
    const type = findAccepted(request.headers.accept, offered)
    if (type === undefined)
      throw new HttpProblem(406, {
        detail: `Accept is ${request.headers.accept}; this answers in ${offered.join(', ')}.`,
      })
    reply.type(type)
  }
