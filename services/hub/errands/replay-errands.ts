import { type Bus, publish } from '../../../shared/bus/bus.ts'
import { type Event, toMessage } from '../../../shared/bus/envelope.ts'
import { newId } from '../../../shared/bus/ids.ts'
import type { Body } from '../../../shared/events.ts'
import type { Mover } from '../held/mover.ts'

export type ReplayEffects = {
  readonly bus: Bus
  readonly mover: Pick<Mover, 'run' | 'stop'>
}

type Errand = Event<'REPLAY_ERRAND'>

/**
 * Errands of replays. One of each job and source is under way: another that comes meanwhile, because the job has more to move or takes
 * the first for lost, only raises how far that one goes.
 */
export class ReplayErrands {
  readonly #effects: ReplayEffects
  /** How far to go, by job and source. */
  readonly #goals = new Map<string, number>()

  constructor(effects: ReplayEffects) {
    this.#effects = effects
  }

  async run(event: Errand): Promise<readonly Body[]> {
    const { job, from, upTo } = event.data
    const name = JSON.stringify([job, from])
    const goal = this.#goals.get(name)
    if (goal !== undefined) {
      this.#goals.set(name, Math.max(goal, upTo))
      return []
    }
    this.#goals.set(name, upTo)
    try {
      return await this.#move(event, () => this.#goals.get(name) ?? upTo)
    } finally {
      this.#goals.delete(name)
    }
  }

  async #move(event: Errand, goal: () => number): Promise<readonly Body[]> {
    const { job, from } = event.data
    for (;;) {
      const upTo = goal()
      const { moved, fresh, exhausted, isCut } = await this.#effects.mover.run({ ...event.data, upTo })
      // Whoever hears of a part asks for the rest; of nothing at all nobody hears.
      if (isCut && fresh === 0) {
        await this.#goOnLater(event, goal())
        return []
      }
      // Raised meanwhile: whoever asked for it waits for the answer of this one.
      if (isCut || exhausted || goal() <= upTo) return [{ type: 'REPLAY_MOVED', job, from, moved, exhausted }]
    }
  }

  /** Behind the errands that wait, as a message of its own: one that is held for long is taken back by RabbitMQ after half an hour. */
  async #goOnLater({ data, meta }: Errand, upTo: number): Promise<void> {
    const { bus } = this.#effects
    const atMs = bus.clock.now()
    const message = toMessage(
      { ...data, upTo },
      {
        id: newId(atMs),
        service: bus.service,
        correlationId: meta.correlationId,
        causationId: meta.id,
        tenant: meta.tenant,
        traceparent: meta.traceparent,
        atMs,
      },
    )
    await publish(bus, { ...message, exchange: '', key: 'hub_work', mandatory: true })
  }
}
