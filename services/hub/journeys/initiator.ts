import type { Event } from '../../../shared/bus/envelope.ts'
import type { Arrived, Emission } from '../../../shared/bus/stateful-consumer.ts'

/**
 * The workflow initiator: what a request handler has taken becomes the beginning of a journey of its type, said on
 * `initiate_journey.<type>` for whoever runs journeys of that type. It keeps nothing: the same request again says the same again.
 */
export const initiate = (cause: Event<'INITIATE_WORKFLOW'>): Emission => ({
  cause,
  body: { ...cause.data, type: 'INITIATE_JOURNEY' },
  // Who waits for the answer to the request waits for the end of the journey.
  replyTo: cause.meta.replyTo,
})

type Handle<Tx> = (arrived: readonly Arrived[], tx: Tx) => Promise<readonly Emission[]>

/** A handler of the hub's queue that has its requests initiated, and gets everything else. */
export const initiating =
  <Tx>(handle: Handle<Tx>): Handle<Tx> =>
  async (arrived, tx) => {
    const requests = arrived.filter(isRequest)
    if (requests.length === 0) return handle(arrived, tx)
    const rest = await handle(
      arrived.filter((one) => !isRequest(one)),
      tx,
    )
    return [...requests.map(initiate), ...rest]
  }

const isRequest = (one: Arrived): one is Event<'INITIATE_WORKFLOW'> => 'type' in one && one.type === 'INITIATE_WORKFLOW'
