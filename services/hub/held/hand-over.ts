import { ClosedError, type Message } from '../../../shared/bus/broker.ts'
import { publish } from '../../../shared/bus/bus.ts'
import { discardNews } from './discard-news.ts'
import { movedMessage } from './moved-message.ts'
import type { Errand, Job, MoverOptions } from './mover.ts'
import { Pace } from './pace.ts'
import type { Selected } from './selection.ts'

/** A queue that is gone comes back within this time (the broker layer declares it again), or its message stays where it is. */
const REFUSED_MS_MAX = 30_000
const AGAIN_MS = 500
/** A wait for the rate is looked up from so often, because a job may be paused and a hub stopped. */
const WAIT_MS_MAX = 1_000
/** Paces kept: of jobs, the last ones that were moved. */
const PACES_MAX = 1_000

/** Takes messages out of a queue: sends them, or says that they are dropped; notes it; and only then removes them. */
export class HandOver {
  readonly #options: MoverOptions
  readonly #paces = new Map<string, Pace>()
  #stopping = false

  constructor(options: MoverOptions) {
    this.#options = options
  }

  stop(): void {
    this.#stopping = true
  }

  /** Resolves when all of these are moved, or stay; in order. */
  async send(errand: Errand, job: Job, selected: readonly Selected[]): Promise<void> {
    const sent: Promise<Selected | undefined>[] = []
    for (const one of selected) {
      if (errand.rate !== undefined && !(await this.#wait(errand, errand.rate))) break
      sent.push(this.#release(errand, one).then((isSent) => (isSent ? one : undefined)))
    }
    const moved = (await Promise.all(sent)).flatMap((one) => one ?? [])
    if (moved.length === 0) return
    // Before anything is noted: whoever dies in between says it again, and nothing is dropped in silence.
    for (const news of discardNews(this.#options.bus, { errand, job, selected: moved }))
      if (!(await this.#publish(news))) return
    await this.#note(errand, job, moved)
    for (const { browsed, copies } of moved) for (const each of [browsed, ...copies]) each.remove()
    await this.#options.threads.released(moved.map(({ row }) => row))
  }

  /** Resolves when the broker has confirmed it; false when it could not be sent and stays. */
  async #release(errand: Errand, { id, browsed, edited }: Selected): Promise<boolean> {
    return errand.act !== 'replay' || this.#publish(movedMessage(browsed.message, id, { errand, edited }))
  }

  /** One transaction. An outcome may have come meanwhile: it has noted the move already. */
  #note(errand: Errand, job: Job, moved: readonly Selected[]): Promise<void> {
    const { store, bus } = this.#options
    const { act, to } = errand
    const atMs = bus.clock.now()
    return store.write(async (tx) => {
      if (act === 'archive') await tx.held.archive(moved.map((one) => archived(one, job, atMs)))
      const ids = moved.map(({ id }) => id)
      await tx.held.moved(errand.job, ids, states[act], atMs)
      // Of what is given to the exchange nobody tells an outcome: it is where it was to go.
      if (act === 'replay' && to === undefined) for (const id of ids) await tx.held.settle(id, 'handled', atMs)
    })
  }

  async #publish(message: Message): Promise<boolean> {
    const { bus } = this.#options
    const untilMs = bus.clock.now() + REFUSED_MS_MAX
    for (;;) {
      try {
        await publish(bus, message)
        return true
      } catch (error) {
        if (error instanceof ClosedError) throw error
        const isOver = this.#stopping || bus.clock.now() >= untilMs
        const { exchange, key } = message
        bus.log.warn(
          { err: error, exchange, key },
          isOver
            ? 'a held message could not be sent, or told of; it stays where it is'
            : 'a held message could not be sent, or told of; again',
        )
        if (isOver) return false
      }
      await this.#pause(AGAIN_MS)
    }
  }

  /** Waits for this job's turn; false when it is not to go on. */
  async #wait({ job }: Errand, perS: number): Promise<boolean> {
    let waitMs = this.#paceOf(job).take(perS)
    while (waitMs > 0) {
      const pieceMs = Math.min(waitMs, WAIT_MS_MAX)
      await this.#pause(pieceMs)
      waitMs -= pieceMs
      if (this.#stopping) return false
      if (waitMs > 0 && !(await this.#options.findJob(job))?.isRunning) return false
    }
    return true
  }

  #paceOf(job: string): Pace {
    const pace = this.#paces.get(job) ?? new Pace(this.#options.bus.clock)
    this.#paces.delete(job)
    this.#paces.set(job, pace)
    const [oldest] = this.#paces.keys()
    if (oldest !== undefined && this.#paces.size > PACES_MAX) this.#paces.delete(oldest)
    return pace
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#options.bus.clock.after(ms, resolve))
  }
}

const states = { replay: 'released', discard: 'discarded', archive: 'archived' } as const

const archived = ({ id, browsed: { message }, row }: Selected, { actor, reason }: Job, atMs: number) => ({
  id,
  place: row.place,
  queue: row.queue,
  key: row.key ?? message.key,
  body: message.body.toString('base64'),
  properties: JSON.stringify(message.properties),
  atMs,
  actor,
  reason,
})
