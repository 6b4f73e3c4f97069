/** A time in which no hub works, or not as it should. */
export type Trouble = {
  readonly fromMs: number
  toMs: number
  /** The hub has no broker: what is on its way through the ladder, or to it, comes late by as long as that. */
  readonly isOutage: boolean
}

/** Within it everything has connected again, and what was held is tried again. */
const RECOVERY_MS = 1_500
/** A wake-up that is lost or late is stood in for by the next sweep. */
const SWEPT_MS = 7_500
/** A timer may be so late when nothing is wrong, and so long may what it says take to be heard. */
const PUNCTUAL_MS = 50
const SLOT_MS = 10

/** Everything that went wrong in a simulation, and how late that excuses something to be. */
export class Troubles {
  readonly #all: Trouble[] = []
  /** Of wake-ups that were lost, or may have been kept by a hub that died. */
  readonly #lostSlots = new Set<number>()
  /** Times at which any was lost: that of a sweep stands for all that is overdue. */
  readonly #losses: Trouble[] = []

  add(trouble: Trouble): Trouble {
    this.#all.push(trouble)
    return trouble
  }

  loseWakeUp(slotMs: number, atMs: number): void {
    this.#lostSlots.add(slotMs)
    this.#losses.push({ fromMs: atMs, toMs: atMs, isOutage: false })
  }

  /** A sweep has sent one: if the hub dies now, nobody is told that it is to be sent. */
  riskWakeUp(slotMs: number): void {
    this.#lostSlots.add(slotMs)
  }

  /** When a timer that is due then must have fired at the latest. */
  latestTimer(dueMs: number): number {
    const outages = this.#all.filter(({ isOutage, fromMs }) => isOutage && fromMs <= dueMs)
    const lateMs = outages.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0)
    const sweptMs = this.#firstCalm(dueMs, SWEPT_MS, [...this.#all, ...this.#losses])
    const latestMs = Math.min(sweptMs, this.latestMessage(dueMs + lateMs))
    const isLost =
      this.#lostSlots.has(Math.ceil(dueMs / SLOT_MS) * SLOT_MS) ||
      this.#losses.some(({ fromMs }) => fromMs >= dueMs && fromMs <= latestMs)
    return isLost ? sweptMs : latestMs
  }

  /** When a message that was committed then must have been heard at the latest. */
  latestMessage(atMs: number): number {
    return this.#isTroubled(atMs) ? this.#firstCalm(atMs, RECOVERY_MS) : atMs + PUNCTUAL_MS
  }

  #isTroubled(atMs: number): boolean {
    return this.#all.some(({ fromMs, toMs }) => fromMs <= atMs + PUNCTUAL_MS && toMs >= atMs - RECOVERY_MS)
  }

  /** The end of the first time of this length, from then on, in which nothing went wrong. */
  #firstCalm(sinceMs: number, lengthMs: number, troubles: readonly Trouble[] = this.#all): number {
    let fromMs = sinceMs
    for (const trouble of troubles.toSorted((a, b) => a.fromMs - b.fromMs))
      if (trouble.fromMs <= fromMs + lengthMs && trouble.toMs >= fromMs) fromMs = trouble.toMs + 1
    return fromMs + lengthMs
  }
}
