import { z } from 'zod'
import { FILTER_CHARS_MAX } from '../../shared/operation-events.ts'
import { HttpProblem } from '../../shared/service/errors.ts'
import type { HeldFilter } from '../../shared/store/held-messages.ts'
import { deadQueueOf, queues, unroutedQueue } from '../../shared/topology.ts'
import type { Operations } from './operations.ts'

const IDS_MAX = 1_000
const name = (max: number) => z.string().min(1).max(max)

/** By which dead and unrouted messages are chosen. */
export const deadFilterShape = {
  ids: z.array(name(255)).min(1).max(IDS_MAX).optional(),
  /** A work queue, or `ebs.unrouted`. */
  queue: name(255).optional(),
  fingerprint: name(64).optional(),
  type: name(255).optional(),
  tenant: name(255).optional(),
}
/** CEL over event, tenant, type, key, queue and headers. */
export const where = name(FILTER_CHARS_MAX).optional()

export type DeadFilter = z.infer<z.ZodObject<typeof deadFilterShape>>

/**
 * As the catalogue has it: never what a sideline rule has set aside. Throws HttpProblem 422 for a queue that there is not, because an
 * empty list would say that nothing is wrong with it.
 */
export async function deadFilterOf(
  operations: Pick<Operations, 'held' | 'journeys'>,
  given: DeadFilter,
): Promise<HeldFilter> {
  const { queue, ...rest } = given
  const filter = { ...rest, isParked: false }
  if (queue === undefined) return filter
  if (queue === unroutedQueue) return { ...filter, place: unroutedQueue }
  const known: readonly string[] = [...Object.keys(queues), ...operations.journeys.activityQueues(), unroutedQueue]
  if (!known.includes(queue) && !(await hasDead(operations, queue)))
    throw new HttpProblem(422, {
      title: 'Unknown queue',
      detail: `queue: there is no queue ${queue}. There is: ${known.join(', ')}.`,
      extensions: { errors: [{ field: 'queue', message: `'${queue}' is not known` }], known },
    })
  return { ...filter, queue }
}

/** A queue that this version does not know any more may still have dead letters. */
const hasDead = async ({ held }: Pick<Operations, 'held'>, queue: string) =>
  (await held.countByPlace()).some(({ place }) => place === deadQueueOf(queue))
