import type { Broker, Browse, Browsed } from '../../../shared/bus/broker.ts'
import type { Body } from '../../../shared/events.ts'

/** One look through a queue, in pieces. */
export class PlaceLook {
  /** The first of those that found nothing one after the other is number 1. */
  readonly number: number
  readonly #browse: Browse
  readonly #iterator: AsyncIterator<Browsed>
  #givenBack: readonly Browsed[] = []

  /** Undefined when there is no such queue. */
  static async open(
    broker: Broker,
    { from, which }: Pick<Body<'REPLAY_ERRAND'>, 'from' | 'which'>,
    number: number,
  ): Promise<PlaceLook | undefined> {
    // The front is moved in order, and what is left of it must keep its own.
    const browse = await broker.browse(from, { inOrder: which === 'front' })
    return browse && new PlaceLook(browse, number)
  }

  private constructor(browse: Browse, number: number) {
    this.number = number
    this.#browse = browse
    this.#iterator = browse[Symbol.asyncIterator]()
  }

  /** The next messages, at most so many; none at the end. Rejects when the connection is lost. */
  async take(max: number): Promise<readonly Browsed[]> {
    const taken = this.#givenBack.slice(0, max)
    this.#givenBack = this.#givenBack.slice(max)
    while (taken.length < max) {
      const { done, value } = await this.#iterator.next()
      if (done) break
      taken.push(value)
    }
    return taken
  }

  /** The last of what was taken comes first the next time. */
  giveBack(rest: readonly Browsed[]): void {
    this.#givenBack = [...rest, ...this.#givenBack]
  }

  /** What was not removed is in its place again. */
  close(): Promise<void> {
    return this.#browse.close()
  }
}
