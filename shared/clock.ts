/** Where time comes from. Whatever waits takes a clock, so that a test can turn the hands itself. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /** Runs once, no earlier than `delayMs` from now; returns the function that cancels it. */
  after(delayMs: number, run: () => void): () => void
}

/** Node fires a timer at once when its delay does not fit into 31 bits, so a longer one is waited for in pieces. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, run) {
    let remainingMs = Math.max(0, delayMs)
    let timer: NodeJS.Timeout
    const wait = () => {
      const pieceMs = Math.min(remainingMs, TIMEOUT_MS_MAX)
      remainingMs -= pieceMs
      timer = setTimeout(remainingMs > 0 ? wait : run, pieceMs)
    }
    wait()
    return () => clearTimeout(timer)
  },
}

/** Enough turns of the event loop for a message to be published, confirmed, delivered, handled and answered. */
const SETTLE_TURNS = 16

type Timer = { readonly dueAt: number; readonly run: () => void }

/** A clock that stands still until it is told to move: a month of timers in a millisecond, in the same order every time. */
export class VirtualClock implements Clock {
  #nowMs: number
  /** By due time; among equals, by insertion. */
  readonly #timers: Timer[] = []
  readonly #settleTurns: number

  /** With fewer turns of the event loop between two timers, time passes while work is under way: a slow machine. */
  constructor(startMs = 0, settleTurns = SETTLE_TURNS) {
    this.#nowMs = startMs
    this.#settleTurns = settleTurns
  }

  now(): number {
    return this.#nowMs
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = { dueAt: this.#nowMs + Math.max(0, delayMs), run }
    this.#timers.splice(this.#placeOf(timer.dueAt), 0, timer)
    return () => {
      const at = this.#timers.indexOf(timer)
      if (at >= 0) this.#timers.splice(at, 1)
    }
  }

  /** Moves forward and runs what falls due, also what is scheduled on the way; everything settles between two timers. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms
    await settle(this.#settleTurns)
    for (let next = this.#timers[0]; next && next.dueAt <= endMs; next = this.#timers[0]) {
      this.#timers.shift()
      this.#nowMs = next.dueAt
      next.run()
      await settle(this.#settleTurns)
    }
    this.#nowMs = endMs
  }

  /** The first place behind every timer that is due at this time or before. */
  #placeOf(dueAt: number): number {
    let [from, to] = [0, this.#timers.length]
    while (from < to) {
      const middle = (from + to) >>> 1
      if ((this.#timers[middle]?.dueAt ?? Number.POSITIVE_INFINITY) <= dueAt) from = middle + 1
      else to = middle
    }
    return from
  }
}

/** Lets promise jobs and immediates that are under way come to an end. */
async function settle(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
}
