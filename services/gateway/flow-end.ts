import { z } from 'zod'
import type { Event } from '../../shared/bus/envelope.ts'
import { type Body, catalogue } from '../../shared/events.ts'
import { requestKeyOf } from '../../shared/flow/flow-request.ts'
import type { View } from './asking.ts'
import type { FlowOrder } from './flow-order.ts'

/** The one reply of a flow, however it became known. */
export type FlowEnd = Body<'FLOW_SUCCEEDED' | 'FLOW_FAILED' | 'FLOW_REFUSED'>

/** Whether an event is the reply of this flow: a client may use one correlation id for several. */
export const isEndOf = (event: Event, flowId: string): event is Event<FlowEnd['type']> =>
  (event.type === 'FLOW_SUCCEEDED' || event.type === 'FLOW_FAILED' || event.type === 'FLOW_REFUSED') &&
  event.data.flowId === flowId

/** Of what the hub shows: the request as it was, and the reply once there is one. */
const shownFlow = z.object({
  request: catalogue.FLOW_REQUESTED.body,
  result: z
    .discriminatedUnion('type', [
      catalogue.FLOW_SUCCEEDED.body.extend({ type: z.literal('FLOW_SUCCEEDED') }),
      catalogue.FLOW_FAILED.body.extend({ type: z.literal('FLOW_FAILED') }),
    ])
    .optional(),
})

/** How the flow that was ordered ended; undefined while it goes on. What is shown may be another flow with its id. */
export const findEnd = (view: View, order: FlowOrder): FlowEnd | undefined =>
  findConflict(view, order) ?? shownFlow.safeParse(view).data?.result

/** The refusal of an order, when what is shown is another flow with its id. */
export function findConflict(view: View, order: FlowOrder): Body<'FLOW_REFUSED'> | undefined {
  const request = shownFlow.safeParse(view).data?.request
  if (!request || requestKeyOf(request) === requestKeyOf(order)) return undefined
  const error = `There is another flow with the id ${order.flowId}: choose another id, or repeat its request as it was.`
  return { type: 'FLOW_REFUSED', flowId: order.flowId, error }
}
