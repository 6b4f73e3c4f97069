import { replayQueueOf } from '../topology.ts'
import type { Consumer, Delivery } from './broker.ts'
import type { Bus } from './bus.ts'
import type { Lane } from './lanes.ts'

type Options = {
  readonly queue: string
  readonly prefetch: number
  readonly tag: string
  /** The topology has no `<queue>.replay`. */
  readonly withoutReplay?: boolean | undefined
}

/** Consumes a queue and, beside it, the one through which its messages come back; each lane with a prefetch of its own. */
export async function consumeLanes(
  { broker }: Bus,
  { queue, prefetch, tag, withoutReplay }: Options,
  onDelivery: (lane: Lane, delivery: Delivery) => void,
): Promise<Consumer> {
  const live = await broker.consume(queue, { prefetch, tag }, (delivery) => onDelivery('live', delivery))
  if (withoutReplay) return live
  const replay = await broker.consume(replayQueueOf(queue), { prefetch, tag: `${tag}.replay` }, (delivery) =>
    onDelivery('replay', delivery),
  )
  return {
    async cancel() {
      await Promise.all([live.cancel(), replay.cancel()])
    },
    async setPrefetch(next) {
      await Promise.all([live.setPrefetch(next), replay.setPrefetch(next)])
    },
  }
}
