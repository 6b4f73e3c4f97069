import { takeAny } from './intake.ts'

/** Those that may have ended their consumers are handled one at a time: when one of them ends the process, those that came before it are done. */
export class Suspects {
  readonly #waiting: (() => Promise<void>)[] = []
  #isTrying = false

  /** Does this when nothing else of its kind is being done; resolves or rejects as it does. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => work().then(resolve, reject))
      if (!this.#isTrying) setImmediate(() => this.#try())
    })
  }

  async #try(): Promise<void> {
    if (this.#isTrying) return
    this.#isTrying = true
    while (this.#waiting.length > 0) await takeAny(this.#waiting)?.()
    this.#isTrying = false
  }
}
