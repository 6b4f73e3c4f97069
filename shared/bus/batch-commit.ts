import type { OutboxRow, Transaction } from '../store/store.ts'
import { inBatch } from '../tracing/delivery-span.ts'
import type { Message } from './broker.ts'
import { type Bus, messageFor } from './bus.ts'
import { toOutboxRow } from './outbox-message.ts'
import type { Arrived, Emission, StatefulSubscription } from './stateful-consumer.ts'

type Batch<Tx extends Transaction> = Pick<StatefulSubscription<Tx>, 'queue' | 'isIdempotent' | 'handle'> & {
  readonly store: Pick<StatefulSubscription<Tx>['store'], 'write'>
}

export type Committed = {
  /** Ids that were handled; the others had been before. */
  readonly handled: ReadonlySet<string>
  /** What the handler refused, with its reasons. Of several with one id only one is handled, and so refused. */
  readonly refusals: ReadonlyMap<Arrived, string>
}

/** Handles a batch in one transaction: inbox rows, effects, and the outbox rows of what follows. Rejects as the store or the handler does. */
export async function commitBatch<Tx extends Transaction>(
  bus: Bus,
  subscription: Batch<Tx>,
  items: readonly { readonly arrived: Arrived }[],
): Promise<Committed> {
  const { queue, store, handle } = subscription
  const byId = new Map(items.map(({ arrived }) => [arrived.meta.id, arrived]))
  const metas = [...byId.values()].map(({ meta }) => meta)
  const handleAll = async (tx: Tx) => {
    const unseen = await findUnseen(bus, subscription, byId, tx)
    const emissions = unseen.length > 0 ? await handle(unseen, tx) : []
    const rows = rowsOf(bus, queue, emissions)
    if (rows.length > 0) await tx.enqueue(rows)
    const refusals = refusalsOf(emissions)
    if (refusals.size > 0)
      await tx.forget(
        queue,
        [...refusals.keys()].map(({ meta }) => meta.id),
      )
    return { handled: new Set(unseen.map(({ meta }) => meta.id)), refusals }
  }
  const committed = await inBatch(queue, metas, () => store.write(handleAll))
  for (let i = committed.handled.size; i < items.length; i++) bus.recorder.duplicate(queue)
  return committed
}

/** Those to be handled, in the order in which they came; they are remembered with the transaction, unless they need not be. */
async function findUnseen<Tx extends Transaction>(
  bus: Bus,
  { queue, isIdempotent = () => false }: Batch<Tx>,
  byId: ReadonlyMap<string, Arrived>,
  tx: Tx,
): Promise<readonly Arrived[]> {
  const remembered = [...byId].flatMap(([id, arrived]) => (isIdempotent(arrived) ? [] : [id]))
  if (remembered.length === 0) return [...byId.values()]
  const fresh = await tx.recordFirstSeen(queue, remembered, bus.clock.now())
  const seen = new Set(remembered.filter((id) => !fresh.has(id)))
  return [...byId].flatMap(([id, arrived]) => (seen.has(id) ? [] : [arrived]))
}

/** Positions count per cause, so that a batch of other neighbours gives the same ids. */
function rowsOf(bus: Bus, queue: string, emissions: readonly Emission[]): OutboxRow[] {
  const positions = new Map<string, number>()
  return emissions.flatMap((emission) => {
    if ('refused' in emission) return []
    const { cause, body, replyTo } = emission
    const position = positions.get(cause.meta.id) ?? 0
    positions.set(cause.meta.id, position + 1)
    const message = messageFor(bus, { meta: cause.meta, queue }, body, position)
    return toOutboxRow(replyTo === undefined ? message : asking(message, replyTo))
  })
}

/** The correlation id is that of the thread, by which the asker knows the answer. */
const asking = (message: Message, replyTo: string): Message => ({
  ...message,
  properties: { ...message.properties, replyTo },
})

const refusalsOf = (emissions: readonly Emission[]): Committed['refusals'] =>
  new Map(emissions.flatMap((emission) => ('refused' in emission ? [[emission.refused, emission.reason]] : [])))
