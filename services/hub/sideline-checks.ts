import { compileFilter } from '../../shared/bus/filter.ts'
import { CelError } from '../../shared/cel/cel-error.ts'
import { HttpProblem } from '../../shared/service/errors.ts'
import type { Operations } from './operations.ts'

/** Throws HttpProblem 422 saying where an expression goes wrong, and what to write instead. */
export function checkFilter(field: string, text: string): void {
  try {
    compileFilter(text)
  } catch (error) {
    if (!(error instanceof CelError)) throw error
    const { position } = error
    throw new HttpProblem(422, {
      title: 'No filter',
      detail: `${field}: ${error.message.replace(/^filter, /, '')}`,
      extensions: { errors: [{ field, message: error.message, position }] },
    })
  }
}

/** Throws HttpProblem 422 that lists the queues there are. */
export function checkQueues({ sidelineTerms }: Pick<Operations, 'sidelineTerms'>, given: readonly string[] = []): void {
  const known = sidelineTerms.queues
  const unknown = given.filter((queue) => !known.includes(queue))
  if (unknown.length === 0) return
  throw new HttpProblem(422, {
    title: 'Unknown queue',
    detail: `queues: there is no ${unknown.join(', ')}; messages can be set aside from ${known.join(', ')}.`,
    extensions: { errors: unknown.map((queue) => ({ field: 'queues', message: `there is no ${queue}` })), known },
  })
}

/** Throws HttpProblem 422 for a time that has passed. */
export function checkExpiry(expiresAt: string | undefined, nowMs: number): void {
  if (expiresAt === undefined || Date.parse(expiresAt) > nowMs) return
  throw new HttpProblem(422, {
    title: 'Already expired',
    detail: `expiresAt: ${expiresAt} has passed: the rule would end as soon as it began. Name a later time, or none.`,
    extensions: { errors: [{ field: 'expiresAt', message: 'has passed' }] },
  })
}
