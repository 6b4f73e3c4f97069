import type { EventEmitter } from 'node:events'
import { type Expected, TooManyQuestionsError } from '../../shared/bus/ask.ts'
import { unavailable } from '../../shared/service/errors.ts'
import { type Asking, askHub } from './asking.ts'
import type { Startable } from './startable.ts'

/** A request that waits for the end of what it started. Dispose it: nothing of it may outlive the request. */
export interface EndWatch<E> extends Disposable {
  /** Undefined when the time, the client or this service ended first. */
  readonly end: Promise<E | undefined>
}

export type WatchOptions = {
  readonly correlationId: string
  readonly waitMs: number
  /** Emits `close` when the client hangs up. */
  readonly client: EventEmitter
}

/**
 * The queue of this replica goes with its connection, and a reply that was in it, too: so the hub is also asked. Soon, then less and
 * less often: 10,000 requests that wait for long ask some 330 times a second.
 */
const ASK_AFTER_MS_MIN = 2_000
const ASK_AFTER_MS_MAX = 30_000

/** The requests of this replica that wait for what they started to end. */
export class EndWatches {
  readonly #asking: Asking
  readonly #stopping: AbortSignal
  readonly #open = new Set<Disposable>()

  /** When `stopping` is aborted, every wait is over. */
  constructor(asking: Asking, stopping: AbortSignal) {
    this.#asking = asking
    this.#stopping = stopping
  }

  get size(): number {
    return this.#open.size
  }

  /**
   * Begin before the request is published: the reply may be there before the confirm is. Throws HttpProblem 503 when too many wait
   * already.
   */
  begin<E>(started: Startable<E>, { correlationId, waitMs, client }: WatchOptions): EndWatch<E> {
    const { clock } = this.#asking.bus
    const reply = this.#expectReply(started, correlationId, waitMs)
    const releases = [reply.cancel]
    const end = new Promise<E | undefined>((resolve) => {
      const giveUp = () => resolve(undefined)
      client.once('close', giveUp)
      this.#stopping.addEventListener('abort', giveUp)
      releases.push(
        clock.after(waitMs, giveUp),
        () => client.off('close', giveUp),
        () => this.#stopping.removeEventListener('abort', giveUp),
        this.#askNowAndThen(started, resolve),
      )
      if (this.#stopping.aborted) giveUp()
      void reply.event.then((event) => {
        const ended = event && started.endBy(event)
        if (ended) resolve(ended)
      })
    })
    const watch = {
      end,
      [Symbol.dispose]: () => {
        for (const release of releases) release()
        this.#open.delete(watch)
      },
    }
    this.#open.add(watch)
    return watch
  }

  #expectReply(started: Startable<unknown>, correlationId: string, waitMs: number): Expected {
    try {
      return this.#asking.asker.expect(correlationId, waitMs, (event) => started.endBy(event) !== undefined)
    } catch (error) {
      if (error instanceof TooManyQuestionsError)
        throw unavailable(
          `Too many requests wait for a ${started.subject.kind} already: nothing was started. Come back later.`,
        )
      throw error
    }
  }

  #askNowAndThen<E>(started: Startable<E>, found: (end: E) => void): () => void {
    const { clock } = this.#asking.bus
    let isOver = false
    let cancel = () => {}
    let pauseMs = ASK_AFTER_MS_MIN
    const ask = async () => {
      const told = await askHub(this.#asking, started.subject)
      if (isOver) return
      const end = told?.view && started.findEnd(told.view)
      if (end) found(end)
      else askLater()
    }
    const askLater = () => {
      cancel = clock.after(pauseMs, () => void ask())
      pauseMs = Math.min(2 * pauseMs, ASK_AFTER_MS_MAX)
    }
    askLater()
    return () => {
      isOver = true
      cancel()
    }
  }
}
