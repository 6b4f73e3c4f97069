import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import type { Event } from '../../shared/bus/envelope.ts'
import { type Body, catalogue, type Json } from '../../shared/events.ts'
import type { View } from './asking.ts'
import type { Startable } from './startable.ts'

/** A journey that a client wants started. */
export type JourneyOrder = Omit<Body<'INITIATE_WORKFLOW'>, 'type'>

/** What a client that waits is told: how the journey ended, or that it does not go on by itself. */
export type JourneyEnd =
  | { readonly status: 'COMPLETED'; readonly shown: Ended & { readonly output?: Json | undefined } }
  | {
      readonly status: 'FAILED' | 'COMPENSATED' | 'CANCELLED'
      readonly error: string
      readonly shown: Ended & {
        readonly step?: string | undefined
        readonly compensated?: readonly string[] | undefined
      }
    }
  /** It waits: for a person, or (accepted) for somebody to register its type. */
  | { readonly status: 'NEEDS_REMEDIATION' | 'ACCEPTED' }
  | { readonly status: 'REJECTED'; readonly error: string }

type Ended = {
  readonly type: string
  readonly version: number
  readonly tenant: string
  readonly durationMs?: number | undefined
}

/** A journey as something to start; `mayBeTaken` when its id follows from a key. */
export const startableJourney = (order: JourneyOrder, mayBeTaken: boolean): Startable<JourneyEnd> => ({
  subject: { kind: 'journey', id: order.sagaId },
  body: { type: 'INITIATE_WORKFLOW', ...order },
  tenant: order.tenant,
  mayBeTaken,
  advice: mayBeTaken
    ? 'Repeat with the same key, which never starts it twice.'
    : `Look for it at /api/journeys/${order.sagaId} before you repeat, because without a key that starts another one.`,
  endBy: (event) => endBy(event, order.sagaId),
  findEnd: (view) => findConflict(view, order) ?? findEnd(view),
  findConflict: (view) => findConflict(view, order),
})

function endBy({ type, data }: Event, sagaId: string): JourneyEnd | undefined {
  if (!('sagaId' in data) || data.sagaId !== sagaId) return undefined
  switch (type) {
    case 'JOURNEY_COMPLETED':
      return { status: 'COMPLETED', shown: { ...endedOf(data), output: data.output } }
    case 'JOURNEY_FAILED':
      return { status: 'FAILED', error: data.error, shown: { ...endedOf(data), step: data.step } }
    case 'JOURNEY_COMPENSATED':
      return { status: 'COMPENSATED', error: data.error, shown: { ...endedOf(data), compensated: data.compensated } }
    case 'JOURNEY_CANCELLED':
      return { status: 'CANCELLED', error: wordsOf(data), shown: endedOf(data) }
    case 'JOURNEY_NEEDS_REMEDIATION':
      return { status: data.cause === 'unknown-type' ? 'ACCEPTED' : 'NEEDS_REMEDIATION' }
    case 'JOURNEY_REJECTED':
      return { status: 'REJECTED', error: data.error }
    default:
      return undefined
  }
}

const endedOf = ({
  journeyType,
  definitionVersion,
  tenant,
  durationMs,
}: Omit<Body<'JOURNEY_CANCELLED'>, 'type' | 'actor' | 'reason'>) => ({
  type: journeyType,
  version: definitionVersion,
  tenant,
  durationMs,
})

/** Of what the hub shows. */
const shownJourney = z.object({
  type: z.string(),
  version: z.int(),
  tenant: catalogue.JOURNEY_COMPLETED.body.shape.tenant,
  status: z.enum(['ACCEPTED', 'RUNNING', 'COMPLETED', 'FAILED', 'COMPENSATED', 'NEEDS_REMEDIATION', 'CANCELLED']),
  waitingFor: z.string().optional(),
  output: catalogue.JOURNEY_COMPLETED.body.shape.output,
  error: z.string().optional(),
  compensated: z.array(z.string()).optional(),
  cancelledBy: z.object({ actor: z.string(), reason: z.string() }).optional(),
})

function findEnd(view: View): JourneyEnd | undefined {
  const { success, data } = shownJourney.safeParse(view)
  if (!success) return undefined
  const { status, type, version, waitingFor, cancelledBy, compensated, error = 'The journey shows why.' } = data
  const shown = { type, version, tenant: data.tenant }
  switch (status) {
    case 'COMPLETED':
      return { status, shown: { ...shown, output: data.output } }
    case 'FAILED':
    case 'COMPENSATED':
      return { status, error, shown: { ...shown, compensated } }
    case 'CANCELLED':
      return { status, error: cancelledBy ? wordsOf(cancelledBy) : error, shown }
    case 'NEEDS_REMEDIATION':
      return { status }
    case 'ACCEPTED':
      return waitingFor === 'definition' ? { status } : undefined
    case 'RUNNING':
      return undefined
  }
}

const wordsOf = ({ actor, reason }: { readonly actor: string; readonly reason: string }) => `${actor}: ${reason}`

const asked = z.object({ payload: catalogue.INITIATE_WORKFLOW.body.shape.payload })

/** The refusal of an order, when what is shown is another journey with its key. */
function findConflict(view: View, { sagaId, payload }: JourneyOrder): JourneyEnd | undefined {
  const { success, data } = asked.safeParse(view)
  // As it comes out of the bus: JSON knows no -0.
  if (!success || isDeepStrictEqual(data.payload, JSON.parse(JSON.stringify(payload)))) return undefined
  return {
    status: 'REJECTED',
    error: `There is another journey ${sagaId} with the same type, tenant and key but another payload: choose another key, or repeat its request as it was.`,
  }
}
