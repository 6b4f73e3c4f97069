import { type Bus, publish } from '../../../shared/bus/bus.ts'
import { toMessage } from '../../../shared/bus/envelope.ts'
import { newId } from '../../../shared/bus/ids.ts'

export const ROUND_EVERY_MS = 10_000
/** One that waited for longer is not worth running: the next is there already. */
const LATE_MS = 60_000

/** Asks whichever hub runs the errands to look after the catalogue and the stream of rules. */
export async function askForRound(bus: Bus): Promise<void> {
  // While the broker is away they would only gather.
  if (bus.broker.state !== 'up') return
  const atMs = bus.clock.now()
  const id = newId(atMs)
  const slotMs = Math.floor(atMs / ROUND_EVERY_MS) * ROUND_EVERY_MS
  const message = toMessage({ type: 'HELD_ERRAND', slotMs }, { id, service: bus.service, correlationId: id, atMs })
  await publish(bus, { ...message, exchange: '', key: 'hub_work', mandatory: true })
}

/** Runs rounds that hubs ask for: each slot once, however many hubs ask, and never two at a time. */
export class Rounds {
  readonly #bus: Bus
  readonly #steps: readonly (() => Promise<void>)[]
  #lastSlotMs = Number.NEGATIVE_INFINITY
  #isRunning = false

  constructor(bus: Bus, steps: readonly (() => Promise<void>)[]) {
    this.#bus = bus
    this.#steps = steps
  }

  /** Never rejects: what went wrong is tried again in the next round. */
  async run(slotMs: number): Promise<void> {
    const { clock, log } = this.#bus
    if (this.#isRunning || slotMs === this.#lastSlotMs || clock.now() - slotMs > LATE_MS) return
    this.#isRunning = true
    this.#lastSlotMs = slotMs
    try {
      for (const step of this.#steps) await step()
    } catch (error) {
      log.error({ err: error, againInMs: ROUND_EVERY_MS }, 'could not look after what is held; trying again')
    } finally {
      this.#isRunning = false
    }
  }
}
