import type { BrokerState } from './broker.ts'

export type LinkChange = { readonly consume?: boolean; readonly publish?: boolean; readonly isBlocked?: boolean }

/** Which of the two connections of a service are up, and what that makes of its broker. Once closed, it stays so. */
export class AmqpState {
  readonly #listeners = new Set<(state: BrokerState) => void>()
  readonly #onLinks: (isBlocked: boolean) => void
  #links: Required<LinkChange> = { consume: false, publish: false, isBlocked: false }
  #current: BrokerState = 'connecting'

  /** `onLinks` is called with each change of a connection, before the listeners; `isBlocked`: the broker takes nothing that is published. */
  constructor(onLinks: (isBlocked: boolean) => void) {
    this.#onLinks = onLinks
  }

  get current(): BrokerState {
    return this.#current
  }

  /** What is left out stays as it is; a new connection to publish is told anew that it is blocked. */
  change(change: LinkChange): void {
    const { consume, publish, isBlocked } = { ...this.#links, ...change }
    this.#links = { consume, publish, isBlocked: isBlocked && publish }
    this.#onLinks(this.#links.isBlocked)
    this.#become(!consume || !publish ? 'connecting' : isBlocked ? 'blocked' : 'up')
  }

  close(): void {
    this.#become('closed')
  }

  /** Gives what ends it. */
  onChange(listener: (state: BrokerState) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Resolves with the next change to such a state, whatever it is now. */
  turnsTo(isIt: (state: BrokerState) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const end = this.onChange((state) => {
        if (!isIt(state)) return
        end()
        resolve()
      })
    })
  }

  #become(state: BrokerState): void {
    if (this.#current === state || this.#current === 'closed') return
    this.#current = state
    for (const listener of this.#listeners) listener(state)
  }
}
