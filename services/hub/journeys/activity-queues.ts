import { type Broker, TopologyDriftError } from '../../../shared/bus/broker.ts'
import { activityPlan, activityQueueOf, type QueueType } from '../../../shared/topology.ts'

export type ActivityQueuesOptions = {
  readonly broker: Pick<Broker, 'extend' | 'inspect'>
  readonly queueType: QueueType
}

/** Looked after at once: a broker answers some hundred declarations a second. */
const AT_ONCE = 50

/** Work queues of activities, one for each that a registered definition names: requests wait there for whoever can do them. */
export class ActivityQueues {
  readonly #options: ActivityQueuesOptions
  readonly #declared = new Set<string>()

  constructor(options: ActivityQueuesOptions) {
    this.#options = options
  }

  /**
   * Resolves when there is a queue for each; those that were declared before cost nothing, and come back by themselves after a reconnect.
   * Waits for the broker. Gives what is there but made otherwise.
   */
  async declare(activities: Iterable<string>): Promise<readonly TopologyDriftError[]> {
    const { broker, queueType } = this.#options
    const drifts: TopologyDriftError[] = []
    const missing = [...new Set(activities)].filter((activity) => !this.#declared.has(activity))
    await inSlices(missing, async (activity) => {
      try {
        await broker.extend(activityPlan(activity, queueType), { comesAndGoes: true })
        this.#declared.add(activity)
      } catch (error) {
        if (!(error instanceof TopologyDriftError)) throw error
        drifts.push(error)
      }
    })
    return drifts
  }

  /** Those of which nobody consumes the queue now. */
  async findUnserved(activities: Iterable<string>): Promise<readonly string[]> {
    const unserved = new Set<string>()
    const all = [...new Set(activities)]
    await inSlices(all, async (activity) => {
      const found = await this.#options.broker.inspect(activityQueueOf(activity))
      if ((found?.consumers ?? 0) === 0) unserved.add(activity)
    })
    return all.filter((activity) => unserved.has(activity))
  }
}

async function inSlices<T>(all: readonly T[], act: (one: T) => Promise<void>): Promise<void> {
  for (let from = 0; from < all.length; from += AT_ONCE) await Promise.all(all.slice(from, from + AT_ONCE).map(act))
}
