import { type Broker, type BrokerState, ClosedError } from '../../bus/broker.ts'

/** A broker that does nothing but change its state when told to. */
export class FakeBroker implements Broker {
  readonly version = 'FakeBroker 1.0'
  readonly saturated = false
  state: BrokerState = 'connecting'
  closes = 0
  readonly #listeners = new Set<(state: BrokerState) => void>()
  readonly #ready = withResolvers()

  /** How many listen to its state. */
  get listeners(): number {
    return this.#listeners.size
  }

  become(state: BrokerState): void {
    this.state = state
    if (state === 'up') this.#ready.resolve()
    for (const tell of this.#listeners) tell(state)
  }

  refuse(error: Error): void {
    this.#ready.reject(error)
  }

  ready(): Promise<void> {
    return this.#ready.promise
  }

  onState(listener: (state: BrokerState) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  async close(): Promise<void> {
    this.closes++
    this.#ready.reject(new ClosedError('closed'))
    this.become('closed')
  }

  publish = () => Promise.reject(new ClosedError('This broker takes nothing.'))
  consume = () => Promise.reject(new ClosedError('This broker gives nothing.'))
  listen = () => Promise.reject(new ClosedError('This broker gives nothing.'))
  follow = () => Promise.reject(new ClosedError('This broker gives nothing.'))
  browse = async () => undefined
  declare = () => Promise.reject(new ClosedError('This broker takes nothing.'))
  extend = () => Promise.reject(new ClosedError('This broker takes nothing.'))
  removeEmpty = async () => true
  inspect = async () => undefined
}

/** Node 20 has no Promise.withResolvers. */
function withResolvers() {
  let resolve: () => void = () => {}
  let reject: (error: Error) => void = () => {}
  const promise = new Promise<void>((ok, fail) => {
    resolve = ok
    reject = fail
  })
  return { promise, resolve, reject }
}
