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

/** What is under way: how far it is to go, and what is said of it in the end. */
type UnderWay = { upTo: number; readonly answer: Promise<readonly Body[]> }

/**
 * Errands of replays. One of each job and source is under way: another that comes meanwhile, because the job has more to move or takes
 * the first for lost, only raises how far that one goes. Both are answered then: the first may be one that came back after a crash and was
 * answered before, and its answer, which has the same id, is a duplicate.
 */
export class ReplayErrands {
  readonly #effects: ReplayEffects
  /** By job and source. */
  readonly #underWay = new Map<string, UnderWay>()

  constructor(effects: ReplayEffects) {
    this.#effects = effects
  }

  async run(event: Errand): Promise<readonly Body[]> {
    const { job, from, upTo } = event.data
    const name = JSON.stringify([job, from])
    const before = this.#underWay.get(name)
    if (before) {
      before.upTo = Math.max(before.upTo, upTo)
      return before.answer
    }
    const answer = this.#move(event, () => this.#underWay.get(name)?.upTo ?? upTo)
    this.#underWay.set(name, { upTo, answer })
    try {
      return await answer
    } finally {
      this.#underWay.delete(name)
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
