import { z } from 'zod'
import type { Meta, Parsed } from '../../shared/bus/envelope.ts'
import type { Api, Site } from './site.ts'

/** A message as it was sent, and what its own schema makes of it. */
export type Sent = { readonly overExchange: boolean; readonly parsed: Parsed; readonly meta: Meta }

const ROWS_MAX = 1_000
const WAIT_MS_MAX = 60_000
const events = z.object({ items: z.array(z.object({ type: z.string(), count: z.int().min(0) })) })
const totals = z.record(z.string(), z.union([z.number(), z.string(), z.null()]))
const status = z.object({
  conversations: z.array(z.object({ kind: z.string(), open: z.int() })),
  timers: z.object({ pending: z.int(), overdue: z.int() }),
  outboxPending: z.int(),
})

/** What does not add up at the end of a round. */
export async function complaintsAboutCounts(site: Site, sent: readonly Sent[]): Promise<string[]> {
  const ask = async (api: Api, url: string): Promise<unknown> =>
    (await site.during(site.http(api).inject(url), WAIT_MS_MAX)).json()
  const { items } = events.parse(await ask('statistics', `/api/events?limit=${ROWS_MAX}`))
  const negative = Object.entries(totals.parse(await ask('statistics', '/api/statistics'))).filter(
    ([, value]) => typeof value === 'number' && value < 0,
  )
  const { conversations, timers, outboxPending } = await restingHub(site, () => ask('hub', '/api/status'))
  const openOf = (kind: string) => conversations.find((one) => one.kind === kind)?.open ?? 0
  return [
    // More rows than one look shows: nothing can be said.
    ...(items.length < ROWS_MAX ? uncounted(items, sent) : []),
    ...negative.map(([metric, value]) => `statistics: ${metric} is ${value}`),
    ...(timers.overdue > 0 ? [`${timers.overdue} timers are overdue`] : []),
    ...(outboxPending > 0 ? [`${outboxPending} rows of the hub's outbox were never published`] : []),
    ...(openOf('flow') > 0 ? [`${openOf('flow')} flows are open after their deadline`] : []),
    ...(openOf('group') > timers.pending ? [`${openOf('group')} groups are open, with ${timers.pending} timers`] : []),
  ]
}

/**
 * The hub between two of its own doings, if there is such a moment: an open rule sends errands every so often, and their rows stay in the
 * outbox for a moment after they were published. What is stuck is there at each look.
 */
async function restingHub(site: Site, ask: () => Promise<unknown>): Promise<z.output<typeof status>> {
  let seen = status.parse(await ask())
  for (let look = 1; look < LOOKS_MAX && (seen.outboxPending > 0 || seen.timers.overdue > 0); look++) {
    await site.clock.advance(LOOK_EVERY_MS)
    seen = status.parse(await ask())
  }
  return seen
}

const LOOKS_MAX = 50
/** Longer than published rows are kept, and no divisor of the seconds in which rules come back. */
const LOOK_EVERY_MS = 170

/** Of a longer name statistics keeps the beginning, and no database keeps half a surrogate pair. */
const asStored = (type: string) => Buffer.from(type.slice(0, TYPE_CHARS)).toString()
const TYPE_CHARS = 255

/** Types of which fewer were counted than were sent: each id once, and only ids that no other message had. */
function uncounted(items: z.output<typeof events>['items'], sent: readonly Sent[]): string[] {
  const times = new Map<string, number>()
  for (const { meta } of sent) times.set(meta.id, (times.get(meta.id) ?? 0) + 1)
  const wanted = new Map<string, number>()
  for (const { overExchange, parsed, meta } of sent) {
    if (!overExchange || 'poison' in parsed || times.get(meta.id) !== 1) continue
    const type = asStored('stranger' in parsed ? parsed.stranger : parsed.type)
    wanted.set(type, (wanted.get(type) ?? 0) + 1)
  }
  const counted = new Map<string, number>()
  for (const { type, count } of items) counted.set(type, (counted.get(type) ?? 0) + count)
  return [...wanted].flatMap(([type, count]) =>
    (counted.get(type) ?? 0) < count ? [`statistics counted ${counted.get(type) ?? 0} of ${count} ${type}`] : [],
  )
}
