import { z } from 'zod'
import { newId } from '../../../shared/bus/ids.ts'
import type { Body } from '../../../shared/events.ts'
import { journeyEvents, remediationActs } from '../../../shared/journey-events.ts'
import { HttpProblem } from '../../../shared/service/errors.ts'
import type { Conversation } from '../../../shared/store/conversations.ts'
import { isoOf, isoOrNull, kindNamed, type Operations, REMEDIATION_JOB } from '../operations.ts'

/** A job as its kind shows it. */
const shown = z.object({
  act: z.enum(remediationActs),
  step: journeyEvents.REMEDIATION_REQUESTED.body.shape.step,
  total: z.int(),
  /** Carried out; refused by the journey; not asked yet, or not answered. */
  done: z.int(),
  refused: z.int(),
  pending: z.int(),
  /** The first of them. */
  refusals: z.array(z.object({ sagaId: z.string(), reason: z.string() })),
  actor: z.string(),
  reason: z.string(),
})

export const jobSchema = z.object({
  id: z.string(),
  status: z.string(),
  ...shown.shape,
  startedAt: z.string(),
  endedAt: z.string().nullable(),
})

export type Job = z.infer<typeof jobSchema>

export const jobOf = (operations: Operations, found: Conversation): Job => ({
  ...shown.parse(kindNamed(operations, REMEDIATION_JOB).read(found.state).view(operations.clock.now())),
  id: found.key,
  status: found.status,
  startedAt: isoOf(found.createdAtMs),
  endedAt: isoOrNull(found.endedAtMs),
})

/** Throws HttpProblem 404. */
export async function jobBy(operations: Operations, key: string): Promise<Job> {
  const found = await operations.store.reader.findConversation({ kind: REMEDIATION_JOB, key })
  if (found) return jobOf(operations, found)
  throw new HttpProblem(404, { detail: `There is no such job: ${key}. GET /api/remediation/jobs lists them.` })
}

/** Begins a job; gives its id. Throws HttpProblem 409. */
export async function requestJob(
  { tell, clock }: Pick<Operations, 'tell' | 'clock'>,
  wish: Omit<Body<'REMEDIATION_REQUESTED'>, 'type' | 'id'>,
): Promise<string> {
  const id = newId(clock.now())
  const { refused } = await tell({ type: 'REMEDIATION_REQUESTED', id, ...wish })
  if (refused === undefined) return id
  throw new HttpProblem(409, { title: 'Refused', detail: `${refused} Nothing was changed.` })
}

/** Ends a job: what it has not asked for is not done. Throws HttpProblem 404, or 409 when it has ended. */
export async function cancelJob(
  operations: Operations,
  key: string,
  by: { readonly actor: string; readonly reason: string },
): Promise<Job> {
  const { store, kernel } = operations
  const id = { kind: REMEDIATION_JOB, key }
  const outcome = await store.write((tx) => kernel.act(tx, id, { act: 'cancel', ...by }))
  const job = await jobBy(operations, key)
  if (outcome !== 'ended') return job
  const { status, endedAt } = job
  throw new HttpProblem(409, {
    title: 'Already ended',
    detail: `The job ${key} is ${status} since ${endedAt}; there is nothing to cancel.`,
    extensions: { job: { id: key, status, endedAt } },
  })
}
