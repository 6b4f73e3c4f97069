import { z } from 'zod'
import type { Received } from './broker.ts'
import type { DeathReason } from './memory-queue.ts'

/** One row of the broker's `x-death` header; the latest death comes first. */
const deathSchema = z.looseObject({ queue: z.string(), reason: z.string(), count: z.number() })
const historySchema = z.array(deathSchema)

type Death = z.infer<typeof deathSchema>
type Dying = { readonly queue: string; readonly reason: DeathReason; readonly timeMs: number }

/** What a message looks like after it died in a queue: RabbitMQ's `x-death` history grows, and the first death is kept. */
export function afterDeath(message: Received, dying: Dying): Received {
  const { headers } = message.properties
  const history = historyOf(message)
  const same = history.find(({ queue, reason }) => queue === dying.queue && reason === dying.reason)
  const death = {
    ...(same ?? {
      queue: dying.queue,
      reason: dying.reason,
      exchange: message.exchange,
      'routing-keys': [message.key],
      time: Math.floor(dying.timeMs / 1_000),
    }),
    count: (same?.count ?? 0) + 1,
  }
  const first = {
    'x-first-death-queue': dying.queue,
    'x-first-death-reason': dying.reason,
    'x-first-death-exchange': message.exchange,
  }
  return {
    ...message,
    properties: {
      ...message.properties,
      headers: { ...first, ...headers, 'x-death': [death, ...history.filter((other) => other !== same)] },
    },
  }
}

/**
 * Whether a message that died would come to a queue where it has died before, with no consumer having rejected it since:
 * RabbitMQ drops it there without a trace. So a republish must not carry `x-death`.
 * Source: `is_cycle` of rabbit_dead_letter.erl.
 */
export function isCycle(message: Received, queue: string): boolean {
  const history = historyOf(message)
  const at = history.findIndex((death) => death.queue === queue)
  return at >= 0 && history.slice(0, at + 1).every(({ reason }) => reason !== 'rejected')
}

/** A stranger may send any header of this name; what is not a history counts as none. */
function historyOf(message: Received): readonly Death[] {
  const { 'x-death': header } = message.properties.headers
  return historySchema.safeParse(header).data ?? []
}
