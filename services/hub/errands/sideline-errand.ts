import { TopologyDriftError } from '../../../shared/bus/broker.ts'
import type { Bus } from '../../../shared/bus/bus.ts'
import type { Body } from '../../../shared/events.ts'
import { parkingQueue, parkingQueueOf, type QueueType } from '../../../shared/topology.ts'
import { type SettlingOptions, settle } from '../control/settling.ts'
import type { PlaceLocks } from '../held/place-locks.ts'

export type SidelineEffects = SettlingOptions & {
  readonly bus: Bus
  readonly locks: PlaceLocks
  readonly queueType: QueueType
  /** Of a rule as its conversation has it now. */
  readonly findRevision: (rule: string) => Promise<number | undefined>
}

type Errand = Body<'SIDELINE_ERRAND'>

/** Finds out what a rule has to know; the answer is an event. Changes nothing but the parking queues of the rule, and may be run twice. */
export async function runSidelineErrand(effects: SidelineEffects, errand: Errand): Promise<Body> {
  switch (errand.step) {
    case 'settle':
      await declareParking(effects, errand)
      return settle(effects, errand)
    case 'measure':
      await declareParking(effects, errand)
      return measured(errand, await countParked(effects, errand), false)
    case 'remove':
      return remove(effects, errand)
  }
}

/** Only for a rule that is where its errand left it: queues of one that has gone on, or that never was, nobody would remove. */
async function declareParking(effects: SidelineEffects, { id, revision, queues }: Errand): Promise<void> {
  const { bus, queueType, findRevision } = effects
  if ((await findRevision(id)) !== revision) return
  for (const queue of queues) {
    try {
      await bus.broker.declare(parkingQueue(id, queue, queueType))
    } catch (error) {
      if (!(error instanceof TopologyDriftError)) throw error
      // Somebody has made it otherwise: it holds messages all the same.
      bus.log.warn({ err: error, rule: id, queue }, 'a parking queue has other arguments than this version gives it')
    }
  }
}

/** Empty ones go; a queue that still gets messages is left, and counted. So is any whose rule has gone on: it may have been started again. */
async function remove(effects: SidelineEffects, errand: Errand): Promise<Body> {
  const { bus, locks, findRevision } = effects
  const removed: boolean[] = []
  for (const queue of errand.queues) {
    const place = parkingQueueOf(errand.id, queue)
    const isRemoved = await locks.exclusive(
      place,
      async () => (await findRevision(errand.id)) === errand.revision && bus.broker.removeEmpty(place),
    )
    removed.push(isRemoved)
  }
  return measured(errand, await countParked(effects, errand), removed.every(Boolean))
}

async function countParked({ bus, locks }: SidelineEffects, { id, queues }: Errand) {
  const parked: { queue: string; count: number }[] = []
  for (const queue of queues) {
    const place = parkingQueueOf(id, queue)
    // What somebody looks through is not counted by the broker until it is given back.
    const found = await locks.exclusive(place, () => bus.broker.inspect(place))
    parked.push({ queue, count: found?.messages ?? 0 })
  }
  return parked
}

const measured = ({ id, revision }: Errand, parked: { queue: string; count: number }[], removed: boolean): Body => ({
  type: 'SIDELINE_MEASURED',
  id,
  revision,
  parked,
  removed,
})
