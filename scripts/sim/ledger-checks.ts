import { z } from 'zod'
import type { Ended } from './checks.ts'
import type { System } from './system.ts'

const row = z.object({
  ...{ kind: z.string(), accepted: z.number(), done: z.number(), failed: z.number(), inFlight: z.number() },
  ...{ waiting: z.number(), parked: z.number(), dead: z.number(), discarded: z.number(), imbalance: z.number() },
})
const ROWS = `select kind, sum(accepted) as accepted, sum(done) as done, sum(failed) as failed, sum(in_flight) as inFlight,
  sum(waiting) as waiting, sum(parked) as parked, sum(dead) as dead, sum(discarded) as discarded, sum(imbalance) as imbalance
  from ledger group by kind`

const rowsOf = (system: System) => system.files.find('stats.db')?.read.all(row, ROWS) ?? []

/** At any moment: whatever was accepted is in exactly one state. To be asked on the way, too. */
export function unbalanced(system: System): string[] {
  return rowsOf(system).flatMap((one) => {
    const { kind, accepted, done, failed, inFlight, waiting, parked, dead, discarded } = one
    return accepted === done + failed + inFlight + waiting + parked + dead + discarded
      ? []
      : [`the ledger of ${kind} does not add up at ${system.nowMs}: ${JSON.stringify(one)}`]
  })
}

/** At the end the ledger is the story's own count; nothing is on its way, and nothing was ever missed that was not missing. */
export function ledgerBroken({ system, witness }: Ended): string[] {
  const size = (ids: readonly string[]) => new Set(ids).size
  const journeys = [
    ...witness.of('JOURNEY_FAILED').map(({ data }) => data.sagaId),
    ...witness.of('JOURNEY_COMPENSATED').map(({ data }) => data.sagaId),
    ...witness.of('JOURNEY_CANCELLED').map(({ data }) => data.sagaId),
  ]
  const creates = witness.of('EventGroupCollectorCreate').filter(({ data }) => data.completedBy !== 'tasks')
  const own = new Set(creates.map(({ data }) => data.id))
  const model: Readonly<Record<string, { accepted: number; done: number; failed?: number }>> = {
    object: {
      accepted: size(witness.of('OBJECT_CREATED').map(({ data }) => data.object.id)),
      done: size(witness.of('OBJECT_COMPLETED').map(({ data }) => data.objectId)),
      failed: size(witness.of('OBJECT_FAILED').map(({ data }) => data.objectId)),
    },
    task: {
      accepted: size(witness.of('TASK_CREATED').map(({ data }) => data.task.id)),
      done: size(witness.of('TASK_FINISHED').map(({ data }) => data.taskId)),
    },
    group: {
      accepted: own.size,
      done: size(witness.of('EventGroupCollectorSuccess').flatMap(({ data }) => (own.has(data.id) ? [data.id] : []))),
      failed: size(witness.of('EventGroupCollectorFailure').flatMap(({ data }) => (own.has(data.id) ? [data.id] : []))),
    },
    flow: {
      accepted: size(witness.of('FLOW_REQUESTED').map(({ data }) => data.flowId)),
      done: size(witness.of('FLOW_SUCCEEDED').map(({ data }) => data.flowId)),
      failed: size(witness.of('FLOW_FAILED').map(({ data }) => data.flowId)),
    },
    journey: {
      accepted: size(witness.of('INITIATE_WORKFLOW').map(({ data }) => data.sagaId)),
      done: size(witness.of('JOURNEY_COMPLETED').map(({ data }) => data.sagaId)),
      failed: size(journeys),
    },
  }
  const rows = new Map(rowsOf(system).map((one) => [one.kind, one]))
  return [
    ...unbalanced(system),
    ...witness
      .of('LEDGER_IMBALANCED')
      .map(({ data }) => `it missed ${JSON.stringify(data.places)}: ${data.ids.join(', ')}`),
    ...[...rows.values()].flatMap(({ kind, inFlight, waiting, parked, imbalance }) =>
      inFlight + waiting + parked + imbalance === 0
        ? []
        : [`${kind}: ${inFlight} in flight, ${waiting} waiting, ${parked} parked, ${imbalance} missing at the end`],
    ),
    ...Object.entries(model).flatMap(([kind, wanted]) =>
      Object.entries(wanted).flatMap(([state, n]) => {
        const there: unknown = Reflect.get(rows.get(kind) ?? {}, state) ?? 0
        return there === n ? [] : [`${kind}: ${String(there)} ${state}, and should be ${n}`]
      }),
    ),
  ]
}
