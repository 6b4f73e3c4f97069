import { publish } from '../../shared/bus/bus.ts'
import { toMessage } from '../../shared/bus/envelope.ts'
import { newId } from '../../shared/bus/ids.ts'
import type { Body } from '../../shared/events.ts'
import { HttpProblem } from '../../shared/service/errors.ts'
import type { Asking } from './asking.ts'

/** A flow that a client wants started. */
export type FlowOrder = Omit<Body<'FLOW_REQUESTED'>, 'type'>

/** What surrounds an order on the bus. */
export type OrderEnvelope = {
  readonly correlationId: string
  readonly traceparent: string | undefined
  /** Somebody waits for the reply. */
  readonly isAwaited: boolean
}

/** A broker confirms within milliseconds; one that needs longer than this is in trouble, and the client should know. */
export const CONFIRM_MS_MAX = 5_000
const RETRY_AFTER_S = 5

/** Hands an order over; resolves when the broker has confirmed it. Throws HttpProblem 503 that says whether it may still happen. */
export async function requestFlow(
  { bus, asker }: Asking,
  order: FlowOrder,
  { correlationId, traceparent, isAwaited }: OrderEnvelope,
): Promise<void> {
  if (bus.broker.state !== 'up' || bus.broker.saturated) throw notStarted(order)
  const atMs = bus.clock.now()
  const message = toMessage(
    { type: 'FLOW_REQUESTED', ...order },
    // A new id each time: a repeated request is recognised by its flow, and is owed its answer again.
    {
      id: newId(atMs),
      service: bus.service,
      correlationId,
      traceparent,
      atMs,
      replyTo: isAwaited ? asker.replyTo : undefined,
    },
  )
  let cancelTimer = () => {}
  const late = new Promise<false>((resolve) => {
    cancelTimer = bus.clock.after(CONFIRM_MS_MAX, () => resolve(false))
  })
  const confirmed = publish(bus, message).then(
    () => true,
    (error: unknown) => {
      bus.log.warn({ err: error, flowId: order.flowId }, 'the request for a flow was not confirmed')
      return false
    },
  )
  const isConfirmed = await Promise.race([confirmed, late]).finally(() => cancelTimer())
  if (!isConfirmed) throw maybeStarted(order)
}

const notStarted = ({ flowId }: FlowOrder) =>
  refusal(
    flowId,
    `The message broker takes nothing just now: flow ${flowId} was not started. Send the same request again later.`,
  )

const maybeStarted = ({ flowId }: FlowOrder) =>
  refusal(
    flowId,
    `The message broker has not confirmed flow ${flowId}: it may still start. Repeat with the same flowId, which never starts it twice.`,
  )

const refusal = (id: string, detail: string) =>
  new HttpProblem(503, { detail, headers: { 'retry-after': String(RETRY_AFTER_S) }, extensions: { id } })
