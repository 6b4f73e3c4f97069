import type { Bus } from '../../shared/bus/bus.ts'
import { parseEvent, toMessage } from '../../shared/bus/envelope.ts'
import { newId } from '../../shared/bus/ids.ts'
import type { Arrived, Emission } from '../../shared/bus/stateful-consumer.ts'
import type { Body } from '../../shared/events.ts'
import type { HubStore, HubTransaction } from '../../shared/store/hub-store.ts'

type Handle = (arrived: readonly Arrived[], tx: HubTransaction) => Promise<readonly Emission[]>

/** Gives an event to the kernel in a transaction, as if it had come over the bus; the reason when its kind refuses it. */
export async function tellIn(bus: Bus, handle: Handle, body: Body, tx: HubTransaction): Promise<string | undefined> {
  const id = newId(bus.clock.now())
  const {
    key,
    body: bytes,
    properties,
  } = toMessage(body, {
    id,
    service: bus.service,
    correlationId: id,
    atMs: bus.clock.now(),
  })
  const headers = properties.headers ?? {}
  const event = parseEvent({ exchange: '', key, body: bytes, properties: { ...properties, headers } })
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
