import type { ChannelModel } from 'amqplib'
import type { Logger } from 'pino'
import { sightOf } from '../rights.ts'
import { activityOf, type Plan } from '../topology.ts'
import { declarePlan } from './amqp-declare.ts'
import { findStamp, lookFor, type Missing, saysMissing, waitFor } from './amqp-look.ts'
import { type ExtendOptions, NewerTopologyError, TopologyDriftError } from './broker.ts'
import { DeclaredPlans, versionOf } from './declared-plans.ts'

/** Declaring takes some 50 ms of the broker: not for every message that finds its queue gone. */
const DECLARE_AGAIN_MS = 5_000
/** What is missing is told when it changes, and else so often. */
const TELL_AGAIN_MS = 30_000

const DRIFTED =
  'A queue that was added while this service ran is there with other arguments now. It stays as it is, and may no longer hear its key; ' +
  'everything else goes on. `ebs topology apply` moves its messages into one with the right arguments; whoever else declares it must use ' +
  'the same'

const NOTHING: Plan = { exchanges: [], queues: [], bindings: [] }

/** What is looked for, of a plan: who asks for more has it refused, and fills the broker's log with that. */
function seenBy(service: string, { exchanges, queues }: Plan): Plan {
  const isSeen = sightOf(
    service,
    queues.flatMap(({ name }) => activityOf(name) ?? []),
  )
  const seen = <T extends { readonly name: string }>(rows: readonly T[]) => rows.filter(({ name }) => isSeen(name))
  return { exchanges: seen(exchanges), queues: seen(queues), bindings: [] }
}

export type PlansOptions = {
  readonly plan: Plan
  /** Whose plans they are. Missing: somebody's who sees everything. */
  readonly service?: string | undefined
  /** `verify`: what is fixed is only looked for. */
  readonly topology?: 'declare' | 'verify' | undefined
  readonly log?: Logger
}

/** What a service has declared on RabbitMQ, on each connection anew; or what it waits for, where somebody else declares. */
export class AmqpPlans {
  /** Declared, in the order in which it was asked for. */
  readonly #plans: DeclaredPlans
  /** Looked for. */
  readonly #awaited: DeclaredPlans | undefined
  readonly #service: string
  readonly #log: Logger | undefined
  /** Of the topology; undefined for a plan that is none. */
  readonly #version: number | undefined
  /** The newest version that the broker was found to hold. */
  #found: number | undefined
  #isRunning = false
  #declaredAtMs = Number.NEGATIVE_INFINITY
  #told = { says: '', atMs: Number.NEGATIVE_INFINITY }
  /** What the broker lacks, in words, while this waits for it. */
  trouble: string | undefined

  constructor({ plan, service = '', topology = 'declare', log }: PlansOptions) {
    this.#plans = new DeclaredPlans(topology === 'declare' ? plan : NOTHING)
    this.#awaited = topology === 'declare' ? undefined : new DeclaredPlans(seenBy(service, plan))
    this.#version = versionOf(plan)
    this.#service = service
    this.#log = log
  }

  /**
   * Everything. Throws NewerTopologyError, and TopologyDriftError for the plan that it began with. What was added since and has drifted is
   * left as it is: one activity's queue that somebody has declared anew must not keep the service away from all others. While it waits for
   * somebody else to declare, `onLooked` is called after each look.
   */
  async declare(model: ChannelModel, onLooked?: () => void): Promise<void> {
    await this.#heedVersion(model)
    if (this.#awaited) {
      await this.#await(model, this.#awaited.all, onLooked)
      // Who imported what was missing may have brought more than that.
      await this.#heedVersion(model)
    }
    this.#isRunning = true
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

  /**
   * Who starts on a broker that was made for a newer ebs ends. Who is running already goes on, in a rolling upgrade until it is replaced: it
   * would do no more harm after a reconnect than before.
   */
  async #heedVersion(model: ChannelModel): Promise<void> {
    const known = this.#version
    if (known === undefined) return
    const found = await findStamp(model, known)
    if (found > known && !this.#isRunning) throw new NewerTopologyError({ found, known })
    if (found > known && found !== this.#found)
      this.#log?.warn({ found, known }, 'a newer ebs has declared its topology: this program goes on; replace it soon')
    this.#found = found
  }

  async #declareAdded(model: ChannelModel, plan: Plan): Promise<void> {
    try {
      await declarePlan(model, plan)
    } catch (error) {
      if (!(error instanceof TopologyDriftError)) throw error
      this.#log?.error({ reason: error.message, drifts: error.drifts }, DRIFTED)
    }
  }

  /** Adds a plan; resolves when it is there. `connected` waits for a connection. Throws TopologyDriftError. */
  async extend(
    plan: Plan,
    connected: () => Promise<ChannelModel>,
    { comesAndGoes = false }: ExtendOptions = {},
  ): Promise<void> {
    const awaited = comesAndGoes ? undefined : this.#awaited
    // Kept first: a connection that is lost meanwhile declares it when it is back.
    const wanted = awaited ? seenBy(this.#service, plan) : plan
    const forget = (awaited ?? this.#plans).add(wanted)
    for (;;) {
      const model = await connected()
      try {
        return await (awaited ? this.#await(model, wanted) : declarePlan(model, wanted))
      } catch (error) {
        if (error instanceof TopologyDriftError) forget()
        // On another connection it is tried once more, to be able to say that it is there.
        if (error instanceof TopologyDriftError || (await connected()) === model) throw error
      }
    }
  }

  /** Something of the topology was deleted under us: it is put back, once in a while, or told of. */
  declareAgain(model: ChannelModel | undefined): void {
    if (!model || performance.now() - this.#declaredAtMs < DECLARE_AGAIN_MS) return
    this.#declaredAtMs = performance.now()
    this.#putBack(model).catch((error: Error) =>
      this.#log?.warn({ reason: error.message }, 'a queue or exchange is gone and could not be declared'),
    )
  }

  async #putBack(model: ChannelModel): Promise<void> {
    const missing = this.#awaited ? await lookFor(model, this.#awaited.all) : []
    if (missing.length > 0) this.#log?.error({ missing }, saysMissing(missing))
    else {
      await this.declare(model)
      this.#log?.warn('a queue or exchange was gone; the topology was declared again')
    }
  }

  async #await(model: ChannelModel, plan: Plan, onLooked?: () => void): Promise<void> {
    try {
      await waitFor(model, plan, (missing) => {
        onLooked?.()
        this.#tell(missing)
      })
    } finally {
      this.trouble = undefined
    }
  }

  #tell(missing: readonly Missing[]): void {
    const says = saysMissing(missing)
    this.trouble = says
    const nowMs = performance.now()
    if (says === this.#told.says && nowMs - this.#told.atMs < TELL_AGAIN_MS) return
    this.#told = { says, atMs: nowMs }
    this.#log?.warn({ missing: missing.length }, says)
  }
}
