import type { Bus } from '../../../shared/bus/bus.ts'
import { type Handlers, type Subscribed, subscribe } from '../../../shared/bus/consumer.ts'
import type { Event } from '../../../shared/bus/envelope.ts'
import type { RetryPolicy } from '../../../shared/bus/retry.ts'
import type { Body } from '../../../shared/events.ts'
import { type ReplayEffects, ReplayErrands } from './replay-errands.ts'
import { runSidelineErrand, type SidelineEffects } from './sideline-errand.ts'

export type ErrandsOptions = {
  readonly bus: Bus
  readonly retry: RetryPolicy
  readonly sideline: SidelineEffects
  readonly replay: ReplayEffects
  /** Looks after the catalogue and the stream of rules. */
  readonly round: (slotMs: number) => Promise<void>
  /** Tells whoever listens outside that a journey needs a person. */
  readonly notify: (notice: Event<'REMEDIATION_NOTICE'>) => Promise<void>
  /** Gives what an errand has found to whoever sent it; resolves when that is stored, and published. */
  readonly tell: (errand: Event, found: Body) => Promise<void>
}

/** Many wait for consumers or for a rate, and none must keep the others waiting. */
const PREFETCH = 200

/** Runs the errands of the hub: what its conversations have to know of the broker, or have done there. One hub at a time. */
export async function runErrands(options: ErrandsOptions): Promise<Subscribed> {
  const { bus, retry, sideline, replay, round, notify, tell } = options
  const replays = new ReplayErrands(replay)
  const handlers: Handlers = {
    SIDELINE_ERRAND: async (event) => {
      await tell(event, await runSidelineErrand(sideline, event.data))
      return []
    },
    REPLAY_ERRAND: async (event) => {
      for (const found of await replays.run(event)) await tell(event, found)
      return []
    },
    HELD_ERRAND: async ({ data }) => {
      await round(data.slotMs)
      return []
    },
    REMEDIATION_NOTICE: async (notice) => {
      await notify(notice)
      return []
    },
  }
  const subscribed = await subscribe(bus, { queue: 'hub_work', handlers, retry, prefetch: PREFETCH })
  return {
    stop(withinMs) {
      replay.mover.stop()
      return subscribed.stop(withinMs)
    },
  }
}
