import type { Logger } from 'pino'
import type { Bus } from '../../../shared/bus/bus.ts'
import type { DefinitionRegistry } from '../../../shared/flow/journey/registry.ts'
import type { Actor } from '../../../shared/flow/kernel.ts'
import { unavailable } from '../../../shared/service/errors.ts'
import type { HubStore, HubTransaction } from '../../../shared/store/hub-store.ts'
import { activityQueueOf, type QueueType } from '../../../shared/topology.ts'
import { ActivityQueues } from './activity-queues.ts'
import { registerFolder } from './definition-folder.ts'
import type { JourneyOperations, Registration } from './journey-operations.ts'
import { Registrations } from './registrations.ts'
import { WaitingTypes } from './waiting-types.ts'

export type JourneysOptions = {
  readonly bus: Pick<Bus, 'broker' | 'clock' | 'service'> & { readonly log: Logger }
  readonly store: Pick<HubStore, 'definitions' | 'reader' | 'write'>
  readonly registry: DefinitionRegistry
  readonly queueType: QueueType
  readonly stopping: AbortSignal
}

/** What the hub does for journeys besides deciding them: definitions, the queues of their activities, and who waits for them. */
export class Journeys implements JourneyOperations {
  readonly #options: JourneysOptions
  readonly #queues: ActivityQueues
  readonly #registrations: Registrations
  readonly #waiting: WaitingTypes

  constructor(options: JourneysOptions) {
    const { bus, queueType } = options
    this.#options = options
    this.#queues = new ActivityQueues({ broker: bus.broker, queueType })
    this.#registrations = new Registrations({
      ...options,
      queues: this.#queues,
      onRegistered: (type) => this.#waiting.release(type),
    })
    this.#waiting = new WaitingTypes(options)
  }

  get definitions() {
    return this.#options.store.definitions
  }

  async register(document: unknown, by: Actor): Promise<Registration> {
    const { state } = this.#options.bus.broker
    if (state === 'connecting' || state === 'closed')
      throw unavailable('The broker is away: the queues of its activities cannot be declared. Nothing was registered.')
    return this.#registrations.register(document, by)
  }

  activityQueues(): readonly string[] {
    return [...this.#options.registry.activities()].map(activityQueueOf)
  }

  /** Reads what was registered since, by whichever hub: decisions ask for definitions, and may not wait for them. */
  async sync(tx: Pick<HubTransaction, 'definitions'>): Promise<void> {
    const { registry, store } = this.#options
    await registry.sync(tx, store.definitions)
  }

  /** Before anything is consumed: reads all definitions, and those of a folder. Throws ConfigError when there is no such folder. */
  async start(folder: string | undefined): Promise<void> {
    await this.refresh()
    if (folder !== undefined)
      await registerFolder(folder, { journeys: this.#registrations, log: this.#options.bus.log })
  }

  /**
   * Catches up with other hubs that share the store: they have declared the queues, and after a reconnect each hub does so by itself. Who
   * has registered a type may have been stopped before all journeys that wait for it were told; they are told here, too.
   */
  async refresh(): Promise<void> {
    const { bus, store, registry } = this.#options
    await store.write((tx) => this.sync(tx))
    // Those of other activities work; what is asked of this one times out, and says so.
    for (const drift of await this.#queues.declare(registry.activities()))
      bus.log.error({ err: drift }, 'the queue of an activity is there, but made otherwise')
    this.#waiting.look()
  }

  /** Resolves when nothing is under way. */
  async stop(): Promise<void> {
    await this.#waiting.stop()
  }
}
