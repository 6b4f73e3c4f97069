import type { ChannelModel } from 'amqplib'
import type { Logger } from 'pino'
import type { Plan } from '../topology.ts'
import { declarePlan } from './amqp-declare.ts'
import { TopologyDriftError } from './broker.ts'
import { DeclaredPlans } from './declared-plans.ts'

/** Declaring takes some 50 ms of the broker: not for every message that finds its queue gone. */
const DECLARE_AGAIN_MS = 5_000

const DRIFTED =
  'A queue that was added while this service ran is there with other arguments now. It stays as it is, and may no longer hear its key; ' +
  'everything else goes on. Empty it, delete it and start this service again, which declares it anew; whoever else declares it must use ' +
  'the same arguments'

/** What a service has declared on RabbitMQ, on each connection anew. */
export class AmqpPlans {
  readonly #plans: DeclaredPlans
  readonly #log: Logger | undefined
  #declaredAtMs = Number.NEGATIVE_INFINITY

  constructor({ plan, log }: { readonly plan: Plan; readonly log?: Logger }) {
    this.#plans = new DeclaredPlans(plan)
    this.#log = log
  }

  /**
   * Everything. Throws TopologyDriftError for the plan that it began with. What was added since and has drifted is left as it is: one
   * activity's queue that somebody has declared anew must not keep the service away from all others.
   */
  async declare(model: ChannelModel): Promise<void> {
    const { all, first, added } = this.#plans
    try {
      // All at once: one by one, hundreds of activities would take seconds.
      return await declarePlan(model, all)
    } catch (error) {
      if (!(error instanceof TopologyDriftError)) throw error
    }
    await declarePlan(model, first)
    for (const plan of added) await this.#declareAdded(model, plan)
  }

  async #declareAdded(model: ChannelModel, plan: Plan): Promise<void> {
    try {
      await declarePlan(model, plan)
    } catch (error) {
      if (!(error instanceof TopologyDriftError)) throw error
      this.#log?.error({ reason: error.message, drifts: error.drifts }, DRIFTED)
    }
  }

  /** Adds a plan; resolves when it is declared. `connected` waits for a connection. Throws TopologyDriftError. */
  async extend(plan: Plan, connected: () => Promise<ChannelModel>): Promise<void> {
    // Kept first: a connection that is lost meanwhile declares it when it is back.
    const forget = this.#plans.add(plan)
    for (;;) {
      const model = await connected()
      try {
        return await declarePlan(model, plan)
      } catch (error) {
        if (error instanceof TopologyDriftError) forget()
        // On another connection it is tried once more, to be able to say that it is there.
        if (error instanceof TopologyDriftError || (await connected()) === model) throw error
      }
    }
  }

  /** Something of the topology was deleted under us: it is put back, once in a while. */
  declareAgain(model: ChannelModel | undefined): void {
    if (!model || performance.now() - this.#declaredAtMs < DECLARE_AGAIN_MS) return
    this.#declaredAtMs = performance.now()
    this.declare(model).then(
      () => this.#log?.warn('a queue or exchange was gone; the topology was declared again'),
      (error: Error) =>
        this.#log?.warn({ reason: error.message }, 'a queue or exchange is gone and could not be declared'),
    )
  }
}
