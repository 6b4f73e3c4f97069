import { z } from 'zod'
import type { Handlers } from '../../shared/bus/consumer.ts'
import type { Clock } from '../../shared/clock.ts'
import type { Body } from '../../shared/events.ts'
import { isGivenUp } from '../../shared/flow/worker.ts'

/** How long the backend takes, at random in between. */
export type BackendSettings = { readonly minMs: number; readonly maxMs: number }

const faulty = z.object({ fault: z.literal('backend') })

/** Stands for another system that answers a worker in its own time, by a message. */
export const backendHandlers = (settings: BackendSettings, clock: Clock): Handlers => ({
  FLOW_BACKEND_REQUESTED: ({ data }, context) => (isGivenUp(data, clock, context) ? [] : answer(data, settings, clock)),
})

/** Works and echoes the input. Gives nothing for the injected fault. */
async function answer(
  { deadline: _, ...call }: Body<'FLOW_BACKEND_REQUESTED'>,
  { minMs, maxMs }: BackendSettings,
  clock: Clock,
): Promise<readonly Body[]> {
  if (faulty.safeParse(call.input).success) return []
  const tookMs = minMs + Math.random() * (maxMs - minMs)
  if (tookMs > 0) await new Promise<void>((resolve) => clock.after(tookMs, resolve))
  return [{ ...call, type: 'FLOW_BACKEND_ANSWERED', status: 200, output: call.input }]
}
