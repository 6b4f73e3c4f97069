import { z } from 'zod'
import { type Body, catalogue } from '../../shared/events.ts'
import { requestKeyOf } from '../../shared/flow/flow-request.ts'
import type { View } from './asking.ts'
import type { Startable } from './startable.ts'

/** A flow that a client wants started. */
export type FlowOrder = Omit<Body<'FLOW_REQUESTED'>, 'type'>
/** The one reply of a flow, however it became known. */
export type FlowEnd = Body<'FLOW_SUCCEEDED' | 'FLOW_FAILED' | 'FLOW_REFUSED'>

/** A flow as something to start; `mayBeTaken` when its id is the client's own. */
export const startableFlow = (order: FlowOrder, mayBeTaken: boolean): Startable<FlowEnd> => ({
  subject: { kind: 'flow', id: order.flowId },
  body: { type: 'FLOW_REQUESTED', ...order },
  mayBeTaken,
  advice: 'Repeat with the same flowId, which never starts it twice.',
  endBy: (event) =>
    (event.type === 'FLOW_SUCCEEDED' || event.type === 'FLOW_FAILED' || event.type === 'FLOW_REFUSED') &&
    event.data.flowId === order.flowId
      ? event.data
      : undefined,
  findEnd: (view) => findConflict(view, order) ?? shownFlow.safeParse(view).data?.result,
  findConflict: (view) => findConflict(view, order),
})

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

function findConflict(view: View, order: FlowOrder): Body<'FLOW_REFUSED'> | undefined {
  const request = shownFlow.safeParse(view).data?.request
  if (!request || requestKeyOf(request) === requestKeyOf(order)) return undefined
  const error = `There is another flow with the id ${order.flowId}: choose another id, or repeat its request as it was.`
  return { type: 'FLOW_REFUSED', flowId: order.flowId, error }
}
