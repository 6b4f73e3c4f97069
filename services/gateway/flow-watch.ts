import type { EventEmitter } from 'node:events'
import { type Expected, TooManyQuestionsError } from '../../shared/bus/ask.ts'
import { unavailable } from '../../shared/service/errors.ts'
import { type Asking, askHub } from './asking.ts'
import { type FlowEnd, findEnd, isEndOf } from './flow-end.ts'
import type { FlowOrder } from './flow-order.ts'

/** A request that waits for the end of its flow. Dispose it: nothing of it may outlive the request. */
export interface FlowWatch extends Disposable {
  /** Undefined when the time, the client or this service ended first. */
  readonly end: Promise<FlowEnd | undefined>
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

/** The requests of this replica that wait for their flow to end. */
export class FlowWatches {
  readonly #asking: Asking
  readonly #stopping: AbortSignal
  readonly #open = new Set<FlowWatch>()

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
  begin(order: FlowOrder, { correlationId, waitMs, client }: WatchOptions): FlowWatch {
    const { clock } = this.#asking.bus
    const reply = this.#expectReply(order.flowId, correlationId, waitMs)
    const releases = [reply.cancel]
    const end = new Promise<FlowEnd | undefined>((resolve) => {
      const giveUp = () => resolve(undefined)
      client.once('close', giveUp)
      this.#stopping.addEventListener('abort', giveUp)
      releases.push(
        clock.after(waitMs, giveUp),
        () => client.off('close', giveUp),
        () => this.#stopping.removeEventListener('abort', giveUp),
        this.#askNowAndThen(order, resolve),
      )
      if (this.#stopping.aborted) giveUp()
      void reply.event.then((event) => {
        if (event && isEndOf(event, order.flowId)) resolve(event.data)
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

  #expectReply(flowId: string, correlationId: string, waitMs: number): Expected {
    try {
      return this.#asking.asker.expect(correlationId, waitMs, (event) => isEndOf(event, flowId))
    } catch (error) {
      if (error instanceof TooManyQuestionsError)
        throw unavailable('Too many requests wait for their flows already: nothing was started. Come back later.')
      throw error
    }
  }

  #askNowAndThen(order: FlowOrder, found: (end: FlowEnd) => void): () => void {
    const { clock } = this.#asking.bus
    let isOver = false
    let cancel = () => {}
    let pauseMs = ASK_AFTER_MS_MIN
    const ask = async () => {
      const told = await askHub(this.#asking, { kind: 'flow', id: order.flowId })
      if (isOver) return
      const end = told?.view && findEnd(told.view, order)
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
