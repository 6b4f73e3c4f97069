import type { Actor } from '../../../shared/flow/kernel.ts'
import type { DefinitionReader } from '../../../shared/store/definitions.ts'

/** What the routes for definitions need of the hub. Each may reject with StoreUnavailableError (answered 503). */
export interface JourneyOperations {
  readonly definitions: DefinitionReader
  /** Registers a definition; nothing has changed unless the outcome is `registered`. Throws HttpProblem 503 when the broker is away. */
  register(document: unknown, by: Actor): Promise<Registration>
  /** Work queues of all activities that registered definitions name. */
  activityQueues(): readonly string[]
}

export type Registration =
  /** `warnings`: what is legal but suspicious. `same`: it was there already, word for word. */
  | {
      readonly outcome: 'registered' | 'same'
      readonly type: string
      readonly version: number
      readonly warnings: readonly string[]
    }
  /** This version is there and says something else: versions never change. */
  | {
      readonly outcome: 'changed'
      readonly type: string
      readonly version: number
      readonly differences: readonly Difference[]
    }
  | { readonly outcome: 'invalid'; readonly faults: readonly string[] }
  /** A queue of one of its activities is there, but made otherwise than the platform makes it. */
  | { readonly outcome: 'drift'; readonly reason: string }

/** A place in two documents where they differ; a side that has nothing there lacks its member. */
export type Difference = { readonly field: string; readonly from?: unknown; readonly to?: unknown }
