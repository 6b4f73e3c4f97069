import { type Plan, stampedVersion } from '../topology.ts'
import { TopologyDriftError } from './broker.ts'

/** What a connection declares whenever it is made: the plan that it began with, and what was added since. */
export class DeclaredPlans {
  readonly first: Plan
  /** By content: the same said again is kept once. */
  readonly #added = new Map<string, Plan>()

  constructor(first: Plan) {
    this.first = first
  }

  /** Gives the function that takes it out again. */
  add(plan: Plan): () => void {
    const id = JSON.stringify(plan)
    const isNew = !this.#added.has(id)
    this.#added.set(id, plan)
    return () => {
      if (isNew) this.#added.delete(id)
    }
  }

  /** Throws TopologyDriftError for the first plan; what has drifted since it was added stays as it is, and keeps nobody away. */
  declareEach(declare: (plan: Plan) => void): void {
    declare(this.first)
    for (const plan of this.added)
      try {
        declare(plan)
      } catch (error) {
        if (!(error instanceof TopologyDriftError)) throw error
      }
  }

  get added(): readonly Plan[] {
    return [...this.#added.values()]
  }

  /** Everything, as one plan. */
  get all(): Plan {
    const plans = [this.first, ...this.#added.values()]
    return {
      exchanges: plans.flatMap(({ exchanges }) => exchanges),
      queues: plans.flatMap(({ queues }) => queues),
      bindings: plans.flatMap(({ bindings }) => bindings),
    }
  }
}

/** The version of the topology that a plan is; undefined when it is something else, such as the queue of a tool. */
export function versionOf({ exchanges }: Pick<Plan, 'exchanges'>): number | undefined {
  const versions = exchanges.flatMap(({ name }) => stampedVersion(name) ?? [])
  return versions.length === 0 ? undefined : Math.max(...versions)
}
