import { ClosedError } from '../../../shared/bus/broker.ts'
import type { Bus } from '../../../shared/bus/bus.ts'
import { subscribe } from '../../../shared/bus/consumer.ts'
import { RuleBook } from '../../../shared/bus/rule-book.ts'
import { subscribeStateful } from '../../../shared/bus/stateful-consumer.ts'
import { gated, retryPolicy } from '../../../shared/bus/test/bus-fixture.ts'
import type { MemoryStore } from '../../../shared/store/memory-store.ts'
import type { Transaction } from '../../../shared/store/store.ts'
import { type Handling, type Ledger, OBJECTS, TASKS } from './sideline-simulation-ledger.ts'

/** A process that consumes, until it is killed. */
export type Process = { readonly isAlive: boolean; kill(): void }

const PREFETCH = 8
const SLOW_MS = 300
const RETRIES = 3
const RETRY_MS = 100
const retry = retryPolicy({ retries: RETRIES, minMs: RETRY_MS, maxMs: RETRY_MS, factor: 1 })

type Around = {
  readonly bus: Bus
  readonly ledger: Ledger
  /** Called when it is about to publish, and when something has had its effect: it may be killed then. */
  readonly onMoment: () => void
}

/** The bus of a process with rules of its own; the ledger sees what it sets aside. */
function ruledBus({ bus, ledger, onMoment }: Around): Bus {
  const broker = gated(bus.broker, async (message) => {
    onMoment()
    ledger.publishes(message)
  })
  const { service, clock, log } = bus
  const rules = new RuleBook({ broker, service, clock, log, queueType: 'quorum' })
  return { ...bus, broker, rules }
}

/** Closed is what a killed process finds its connection. */
const unlessKilled = (error: unknown) => {
  if (!(error instanceof ClosedError)) throw error
}

/** A replica of the processor: what it does to a message is an effect in the ledger, as often as it does it. */
export class SimulatedProcessor implements Process {
  isAlive = true
  readonly #bus: Bus

  constructor(around: Around) {
    const { bus, ledger, onMoment } = around
    this.#bus = ruledBus(around)
    const handlers = {
      TASK_CREATED: async (event: Parameters<Ledger['begin']>[0]) => {
        const handling = ledger.begin(event, TASKS)
        if (handling.manner === 'slow') await new Promise<void>((resolve) => bus.clock.after(SLOW_MS, resolve))
        if (!this.isAlive) throw new ClosedError('This replica was killed.')
        ledger.handled(handling)
        onMoment()
        return []
      },
    }
    subscribe(this.#bus, { queue: TASKS, handlers, retry, prefetch: PREFETCH }).catch(unlessKilled)
  }

  kill(): void {
    this.isAlive = false
    void this.#bus.broker.close(0)
  }
}

/** A consumer with an inbox: an effect counts when it is committed. */
export class SimulatedKeeper implements Process {
  isAlive = true
  readonly #bus: Bus
  readonly #around: Around
  readonly #store: MemoryStore
  #handling: Handling[] = []

  constructor(around: Around, store: MemoryStore) {
    const { ledger } = around
    this.#bus = ruledBus(around)
    this.#around = around
    this.#store = store
    subscribeStateful<Transaction>(this.#bus, {
      queue: OBJECTS,
      store: { write: (job) => this.#write(job), close: async () => undefined },
      handle: (arrived) => {
        for (const one of arrived) if ('data' in one) this.#handling.push(ledger.begin(one, OBJECTS))
        return []
      },
      relayed: async () => undefined,
      accepts: (event) => event.type === 'OBJECT_CREATED',
      retry,
      prefetch: PREFETCH,
      lingerMs: 5,
    }).catch(unlessKilled)
  }

  kill(): void {
    this.isAlive = false
    void this.#bus.broker.close(0)
  }

  async #write<T>(job: (tx: Transaction) => T | Promise<T>): Promise<T> {
    let handled: readonly Handling[] = []
    const result = await this.#store.write(async (tx) => {
      this.#handling = []
      const value = await job(tx)
      if (!this.isAlive) throw new ClosedError('This consumer was killed.')
      handled = this.#handling
      return value
    })
    // Committed, whatever becomes of this process.
    for (const one of handled) this.#around.ledger.handled(one)
    this.#around.onMoment()
    return result
  }
}
