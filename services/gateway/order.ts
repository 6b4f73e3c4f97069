import { publish } from '../../shared/bus/bus.ts'
import { toMessage } from '../../shared/bus/envelope.ts'
import { newId } from '../../shared/bus/ids.ts'
import { HttpProblem } from '../../shared/service/errors.ts'
import type { Asking } from './asking.ts'
import { nameOf, type Startable } from './startable.ts'

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
export async function order(
  { bus, asker }: Asking,
  startable: Startable<unknown>,
  { correlationId, traceparent, isAwaited }: OrderEnvelope,
): Promise<void> {
  if (bus.broker.state !== 'up' || bus.broker.saturated) throw notStarted(startable)
  const atMs = bus.clock.now()
  const message = toMessage(startable.body, {
    // A new id each time: a repeated request is recognised by what it asks for, and is owed its answer again.
    id: newId(atMs),
    service: bus.service,
    correlationId,
    tenant: startable.tenant,
    traceparent,
    atMs,
    replyTo: isAwaited ? asker.replyTo : undefined,
  })
  let cancelTimer = () => {}
  const late = new Promise<false>((resolve) => {
    cancelTimer = bus.clock.after(CONFIRM_MS_MAX, () => resolve(false))
  })
  const confirmed = publish(bus, message).then(
    () => true,
    (error: unknown) => {
      bus.log.warn({ err: error, ...startable.subject }, 'a request was not confirmed')
      return false
    },
  )
  const isConfirmed = await Promise.race([confirmed, late]).finally(() => cancelTimer())
  if (!isConfirmed) throw maybeStarted(startable)
}

const notStarted = (startable: Startable<unknown>) =>
  refusal(
    startable,
    `The message broker takes nothing just now: ${nameOf(startable)} was not started. Send the same request again later.`,
  )

const maybeStarted = (startable: Startable<unknown>) =>
  refusal(
    startable,
    `The message broker has not confirmed ${nameOf(startable)}: it may still start. ${startable.advice}`,
  )

const refusal = ({ subject: { id } }: Startable<unknown>, detail: string) =>
  new HttpProblem(503, { detail, headers: { 'retry-after': String(RETRY_AFTER_S) }, extensions: { id } })
