import type { Logger } from 'pino'
import type { DefinitionRegistry } from '../../../shared/flow/journey/registry.ts'
import { JOURNEY } from '../operations.ts'
import { isWaitedFor, type ReleaseOptions, releaseWaiting } from './releases.ts'

export type WaitingTypesOptions = ReleaseOptions & {
  readonly bus: { readonly log: Pick<Logger, 'info' | 'error'> }
  readonly registry: Pick<DefinitionRegistry, 'latest'>
}

/** What was told may still lie in the outbox, or in the hub's queue: it is told again after twice as long each time. */
const AGAIN_MS = 60_000
const AGAIN_MS_MAX = 3_600_000

type Told = { readonly version: number | undefined; readonly atMs: number; readonly pauseMs: number }

/** Types that are registered while journeys wait for them: these are told, until none waits. */
export class WaitingTypes {
  readonly #options: WaitingTypesOptions
  readonly #told = new Map<string, Told>()
  #looking: Promise<void> | undefined
  /** By type. Journeys are released beside everything else: a million may wait. */
  readonly #releases = new Map<string, Promise<void>>()

  constructor(options: WaitingTypesOptions) {
    this.#options = options
  }

  /** Tells the journeys that wait for this type, which somebody has registered just now. */
  release(type: string): void {
    this.#begin(type, AGAIN_MS)
  }

  /**
   * Tells those that wait for a type which another hub has registered; and those that wait all the same: whoever released them was stopped
   * or failed, or they were accepted while their type was being registered. Costs what there are types, however many journeys there are.
   */
  look(): void {
    const { log } = this.#options.bus
    this.#looking ??= this.#look()
      .catch((error: unknown) =>
        log.error({ err: error }, 'could not look for journeys that wait for their type; trying again'),
      )
      .finally(() => {
        this.#looking = undefined
      })
  }

  /** Resolves when nothing is under way. */
  async stop(): Promise<void> {
    await this.#looking
    await Promise.all(this.#releases.values())
  }

  async #look(): Promise<void> {
    const { bus, store, registry } = this.#options
    for (const type of await store.reader.labelsOf(JOURNEY)) {
      const version = registry.latest(type)?.version
      if (version === undefined) continue
      const told = this.#told.get(type)
      if (!(await isWaitedFor(store, type))) this.#told.delete(type)
      else if (told?.version !== version) this.#begin(type, AGAIN_MS)
      else if (bus.clock.now() >= told.atMs + told.pauseMs) this.#begin(type, Math.min(told.pauseMs * 2, AGAIN_MS_MAX))
    }
  }

  #begin(type: string, pauseMs: number): void {
    if (this.#releases.has(type)) return
    this.#releases.set(
      type,
      this.#release(type, pauseMs).finally(() => this.#releases.delete(type)),
    )
  }

  /** When that fails they are told with the next look. */
  async #release(type: string, pauseMs: number): Promise<void> {
    const { bus, registry } = this.#options
    this.#told.set(type, { version: registry.latest(type)?.version, atMs: bus.clock.now(), pauseMs })
    try {
      const count = await releaseWaiting(this.#options, type)
      if (count > 0) bus.log.info({ journeyType: type, count }, 'journeys that waited for their type begin')
    } catch (error) {
      this.#told.delete(type)
      bus.log.error({ err: error }, 'journeys that wait for their type were not released; trying again')
    }
  }
}
