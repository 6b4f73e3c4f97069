import type { Clock } from '../../../shared/clock.ts'
import type { ActivityMemory } from '../../../shared/store/activity-memory.ts'
import type { HttpClient } from '../http-client.ts'
import type { Effects } from '../shop/effects.ts'
import type { WorkSettings } from '../work.ts'

/** The other systems that activities work with; each takes what it needs. */
export type Systems = {
  readonly clock: Clock
  readonly memory: ActivityMemory
  readonly shop: Effects
  readonly http: HttpClient
  /** How long the work of a task takes and how often it fails. */
  readonly work: WorkSettings
}
