import { setTimeout as pause } from 'node:timers/promises'
import type { AmqpMoveLink } from '../../shared/bus/amqp-move-link.ts'
import { counted } from '../cli/wording.ts'
import { LeftError } from './left-error.ts'
import { Turns } from './turns.ts'

/** Moves that moved nothing of what a queue said it had, each of which has waited for a minute. */
const FRUITLESS_MAX = 2
/** Moving takes the broker's processors, and memory for what is on its way. */
const MOVES_AT_ONCE = 4
/** What comes faster than it can be moved is left to the time when nothing comes any more. */
const PASSES_MAX = 4
/** A quorum queue refuses for some 100 ms after it was declared, while it has no leader: 5 s in all. */
const REFUSED_PAUSES_MS = [100, 200, 400, 800, 1_500, 2_000]
/** A service that was cut off is back within seconds. */
const TAKER_MS = 15_000
const LOOK_AGAIN_MS = 100

type Link = Pick<AmqpMoveLink, 'count' | 'move'>
type Way = { readonly from: string; readonly to: string }

/** Moves messages from queue to queue, and finds out when that does not help. */
export class Mover {
  /** Messages that were moved. */
  moved = 0
  readonly #link: Link
  readonly #takerMs: number
  readonly #wayOn: (queue: string) => string
  readonly #turns = new Turns(MOVES_AT_ONCE)
  readonly #fruitless = new Map<string, number>()

  /** `wayOn` says, for a queue that is left, what that means for what comes, and the way back. */
  constructor({
    link,
    takerMs = TAKER_MS,
    wayOn,
  }: {
    readonly link: Link
    readonly takerMs: number | undefined
    readonly wayOn: (queue: string) => string
  }) {
    this.#link = link
    this.#takerMs = takerMs
    this.#wayOn = wayOn
  }

  /** In passes, while more comes behind. Where somebody consumes, that is left to them. Throws LeftError. */
  async move({ from, to }: Way): Promise<void> {
    for (let pass = 0; pass < PASSES_MAX; pass++) {
      const found = await this.#link.count(from)
      if (!found || found.messages === 0 || found.consumers > 0) return
      await this.moveSome({ from, to, count: found.messages })
    }
  }

  /** So many at most. Throws LeftError when they do not leave the one queue, or do not arrive in the other. */
  async moveSome({ from, to, count }: Way & { readonly count: number }): Promise<void> {
    const { count: moved, isSilent } = await this.#turns.take(() => this.#moveUnrefused({ from, to, count }))
    this.moved += moved
    const fruitless = isSilent && moved === 0 ? (this.#fruitless.get(from) ?? 0) + 1 : 0
    this.#fruitless.set(from, fruitless)
    if (fruitless >= FRUITLESS_MAX)
      throw new LeftError(
        `${from} says that it has ${counted(count, 'message')}, and gives none. Look at it, and at the log of its node, and run this again${this.#wayOn(from)}`,
      )
    const lost = await this.#lostOf(moved, to)
    if (lost !== undefined)
      throw new LeftError(
        `${counted(moved, 'message')} went to ${to}, and it has ${lost.messages}: something takes or drops them there. Look at the policies that apply to it (max-length, message-ttl) before you run this again${this.#wayOn(from)}`,
      )
  }

  /**
   * What a queue has, if that is less than was moved there, and nobody consumes it. A consumer that took them and was cut off at once comes
   * back, or they do.
   */
  async #lostOf(moved: number, to: string): Promise<{ readonly messages: number } | undefined> {
    const untilMs = performance.now() + this.#takerMs
    for (;;) {
      const there = await this.#link.count(to)
      if (!there || there.consumers > 0 || there.messages >= moved) return undefined
      if (performance.now() > untilMs) return there
      await pause(LOOK_AGAIN_MS)
    }
  }

  async #moveUnrefused(way: Way & { readonly count: number }): ReturnType<Link['move']> {
    const isHolding = /^ebs\.|\.dead(?:\.moving)?$/.test(way.from)
    const move = () => this.#link.move({ ...way, isHolding })
    for (const pauseMs of REFUSED_PAUSES_MS)
      try {
        return await move()
      } catch (error) {
        if (!(error instanceof Error && error.message.includes('refuses'))) throw error
        await pause(pauseMs)
      }
    return move()
  }
}
