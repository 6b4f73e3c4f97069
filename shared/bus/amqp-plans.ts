import type { ChannelModel } from 'amqplib'
import type { Logger } from 'pino'
import type { Plan } from '../topology.ts'
import { declarePlan } from './amqp-declare.ts'
import { TopologyDriftError } from './broker.ts'
import { DeclaredPlans } from './declared-plans.ts'

/** Declaring takes some 50 ms of the broker: not for every message that finds its queue gone. */
const DECLARE_AGAIN_MS = 5_000

/** What a service has declared on RabbitMQ, on each connection anew. */
export class AmqpPlans {
  readonly #plans: DeclaredPlans
  readonly #log: Logger | undefined
  #declaredAtMs = Number.NEGATIVE_INFINITY

  constructor({ plan, log }: { readonly plan: Plan; readonly log?: Logger }) {
    this.#plans = new DeclaredPlans(plan)
    this.#log = log
  }

  /** Everything. Throws TopologyDriftError. */
  async declare(model: ChannelModel): Promise<void> {
    await declarePlan(model, this.#plans.all)
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
