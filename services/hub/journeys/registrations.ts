import { isDeepStrictEqual } from 'node:util'
import type { Bus } from '../../../shared/bus/bus.ts'
import { toMessage } from '../../../shared/bus/envelope.ts'
import { newId } from '../../../shared/bus/ids.ts'
import { toOutboxRow } from '../../../shared/bus/outbox-message.ts'
import type { Body } from '../../../shared/events.ts'
import type { Definition } from '../../../shared/flow/journey/definition.ts'
import { readDefinition } from '../../../shared/flow/journey/definition-check.ts'
import { activitiesOf, type DefinitionRegistry } from '../../../shared/flow/journey/registry.ts'
import type { Actor } from '../../../shared/flow/kernel.ts'
import type { DefinitionRow } from '../../../shared/store/definitions.ts'
import type { HubStore } from '../../../shared/store/hub-store.ts'
import { activityQueueOf } from '../../../shared/topology.ts'
import type { ActivityQueues } from './activity-queues.ts'
import { differencesOf } from './document-differences.ts'
import type { Registration } from './journey-operations.ts'

export type RegistrationsOptions = {
  readonly bus: Pick<Bus, 'clock' | 'service'>
  readonly store: Pick<HubStore, 'definitions' | 'write'>
  readonly registry: DefinitionRegistry
  readonly queues: ActivityQueues
  /** Called when a version of this type was registered just now, or again as it was. */
  readonly onRegistered: (type: string) => void
}

/** Registers definitions: checks them, declares the queues of their activities, stores them and says so. */
export class Registrations {
  readonly #options: RegistrationsOptions

  constructor(options: RegistrationsOptions) {
    this.#options = options
  }

  /** Waits for the broker. */
  async register(document: unknown, by: Actor): Promise<Registration> {
    const read = readDefinition(document)
    if (!read.ok) return { outcome: 'invalid', faults: read.faults }
    const { definition, warnings } = read
    const { type, version } = definition
    const there = await this.#options.store.definitions.find(type, version)
    if (there) return this.#repeated(there, definition, warnings)
    // Before it is stored: a journey that is released asks at once, and what no queue hears is lost.
    const [drift] = await this.#options.queues.declare(activitiesOf(definition))
    if (drift) return { outcome: 'drift', reason: drift.message }
    const before = await this.#store(definition, by)
    // Somebody else was faster.
    if (before) return this.#repeated(before, definition, warnings)
    this.#options.onRegistered(type)
    return { outcome: 'registered', type, version, warnings: await this.#warned(definition, warnings) }
  }

  async #repeated(row: DefinitionRow, definition: Definition, warnings: readonly string[]): Promise<Registration> {
    const { type, version } = row
    const stored: unknown = JSON.parse(row.document)
    if (!isDeepStrictEqual(stored, definition.document))
      return { outcome: 'changed', type, version, differences: differencesOf(stored, definition.document) }
    // Who says so again may do it because journeys wait for it all the same.
    this.#options.onRegistered(type)
    return { outcome: 'same', type, version, warnings: await this.#warned(definition, warnings) }
  }

  /** One transaction. Gives the version that was there before. */
  async #store({ type, version, document }: Definition, by: Actor): Promise<DefinitionRow | undefined> {
    const { bus, store, registry } = this.#options
    const atMs = bus.clock.now()
    const said: Body = { type: 'DEFINITION_REGISTERED', journeyType: type, definitionVersion: version, ...by }
    const id = newId(atMs)
    const message = toMessage(said, { id, service: bus.service, correlationId: id, atMs })
    const before = await store.write(async (tx) => {
      const row = { type, version, document: JSON.stringify(document), ...by, atMs }
      if (!(await tx.definitions.insert(row))) return tx.definitions.find(type, version)
      await tx.enqueue([toOutboxRow(message)])
      return undefined
    })
    // Once it is durable, and before anybody asks: what another hub registers comes with the next batch.
    if (!before) registry.add({ type, version, document: JSON.stringify(document) })
    return before
  }

  async #warned(definition: Definition, warnings: readonly string[]): Promise<readonly string[]> {
    const unserved = await this.#options.queues.findUnserved(activitiesOf(definition))
    return [
      ...warnings,
      ...unserved.map(
        (activity) =>
          `nobody consumes ${activityQueueOf(activity)} yet: requests for ${activity} wait there until somebody does, or time out`,
      ),
    ]
  }
}
