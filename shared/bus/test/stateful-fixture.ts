import type { MemoryStore } from '../../store/memory-store.ts'
import { startRelay } from '../../store/outbox-relay.ts'
import { type Store, StoreUnavailableError, type Transaction } from '../../store/store.ts'
import type { Message } from '../broker.ts'
import { type Bus, publish } from '../bus.ts'
import { fromOutboxRow } from '../outbox-message.ts'
import { type Arrived, type Emission, type StatefulSubscription, subscribeStateful } from '../stateful-consumer.ts'
import { finishedBody, gated, retryPolicy, type Site } from './bus-fixture.ts'

/** The number in the id of a task, 0 for any other message. */
export const numberOf = (arrived: Arrived) =>
  'data' in arrived && arrived.type === 'TASK_CREATED' ? Number(arrived.data.task.id.slice(1)) : 0

export type ServiceOptions = Partial<StatefulSubscription<Transaction>> & {
  /** Stands in the way of every publish. */
  readonly gate?: (message: Message) => Promise<void>
  /** Throws to make a message fail; called for each that is handled. */
  readonly check?: (arrived: Arrived) => void
}

/**
 * A stateful service on the queue `work`: its one effect is a row in the outbox, TASK_FINISHED for each task. `batches` are the
 * numbers of the tasks that its handler was called with, also when that failed.
 */
export async function startService(
  site: Site,
  memory: MemoryStore,
  options: ServiceOptions = {},
  change: Partial<Bus> = {},
) {
  const { gate = async () => undefined, check = () => undefined, ...subscription } = options
  const connection = site.connect('stateful')
  const bus = site.bus(gated(connection, gate), change)
  const relay = startRelay({
    outbox: memory,
    publish: (row) => publish(bus, fromOutboxRow(row)),
    log: bus.log,
    clock: bus.clock,
  })
  const batches: number[][] = []
  const loop = await subscribeStateful(bus, {
    queue: 'work',
    store: memory,
    handle: (arrived): Emission[] => {
      batches.push(arrived.map(numberOf))
      for (const one of arrived) check(one)
      return arrived.map((cause) => ({ cause, body: finishedBody(numberOf(cause)) }))
    },
    relayed: () => relay.flushed(),
    accepts: (event) => event.type === 'TASK_CREATED',
    retry: retryPolicy(),
    prefetch: 100,
    lingerMs: 5,
    ...subscription,
  })
  return { bus, loop, relay, batches, connection, lines: bus.recorder.lines }
}

/** A store that is out of order for so many writes; it counts all of them. */
export function failingStore(memory: MemoryStore, failures: number): Store<Transaction> & { readonly writes: number } {
  let writes = 0
  return {
    get writes() {
      return writes
    },
    write: (job) =>
      ++writes <= failures ? Promise.reject(new StoreUnavailableError('the disk is full')) : memory.write(job),
    close: () => memory.close(),
  }
}
