import { commitBatch } from '../../shared/bus/batch-commit.ts'
import { type Bus, messageFor } from '../../shared/bus/bus.ts'
import { type Event, toMessage } from '../../shared/bus/envelope.ts'
import { newId } from '../../shared/bus/ids.ts'
import { toOutboxRow } from '../../shared/bus/outbox-message.ts'
import type { Arrived, Emission } from '../../shared/bus/stateful-consumer.ts'
import type { Body } from '../../shared/events.ts'
import { readBack } from '../../shared/flow/sent-messages.ts'
import type { HubStore, HubTransaction } from '../../shared/store/hub-store.ts'

type Handle = (arrived: readonly Arrived[], tx: HubTransaction) => Promise<readonly Emission[]>

/** Gives an event to the kernel in a transaction, as if it had come over the bus; the reason when its kind refuses it. */
export async function tellIn(bus: Bus, handle: Handle, body: Body, tx: HubTransaction): Promise<string | undefined> {
  const id = newId(bus.clock.now())
  const event = readBack(toMessage(body, { id, service: bus.service, correlationId: id, atMs: bus.clock.now() }))
  // Whoever tells has a body that the compiler knows; its bounds are another matter.
  if (!('data' in event)) return 'poison' in event ? event.poison : `type: ${body.type} is not in the catalogue`
  const refusal = (await handle([event], tx)).find((emission) => 'refused' in emission)
  return refusal && 'refused' in refusal ? refusal.reason : undefined
}

/** The same, in a transaction of its own; resolves when it is stored. */
export async function tell(
  bus: Bus,
  { store, handle }: { readonly store: Pick<HubStore, 'write'>; readonly handle: Handle },
  body: Body,
): Promise<{ readonly refused?: string }> {
  const refused = await store.write((tx) => tellIn(bus, handle, body, tx))
  return refused === undefined ? {} : { refused }
}

export type Telling = {
  readonly store: Pick<HubStore, 'write'>
  readonly handle: Handle
  /** Resolves when everything in the outbox so far is confirmed by the broker. */
  readonly relayed: () => Promise<void>
}

/**
 * Gives the kernel what an errand has found out as if it had come over the hub's queue, where it would wait behind all that waits there;
 * and publishes it for whoever watches. Its id follows from the errand: when that is run again, the first answer stands, and the copy which
 * comes to the hub's queue is a duplicate. Resolves when it is stored and confirmed.
 */
export async function tellFound(bus: Bus, telling: Telling, errand: Event, found: Body): Promise<void> {
  const { store, handle, relayed } = telling
  const message = messageFor(bus, { meta: errand.meta, queue: 'hub_work' }, found, 0)
  const arrived = readBack(message)
  if (!('data' in arrived)) throw new TypeError(`An errand has found what the catalogue does not have: ${found.type}.`)
  const answered: Handle = async (events, tx) => {
    await tx.enqueue([toOutboxRow(message)])
    return handle(events, tx)
  }
  await commitBatch(bus, { queue: 'hub_consume', store, handle: answered }, [{ arrived }])
  await relayed()
}
