import { z } from 'zod'
import type { Http } from '../../shared/service/http.ts'
import type { ConversationReader } from '../../shared/store/conversations.ts'
import { countHeld, sumOf } from './held-counts.ts'
import { isoOf, isoOrNull, type Operations, REPLAY, SIDELINE } from './operations.ts'

/** Overdue timers are counted up to this number: who has as many needs no exact one. */
const OVERDUE_COUNTED_MAX = 1_000
const JOBS_COUNTED_MAX = 100

const ignored = {
  response: {
    200: z.object({
      items: z.array(
        z.object({
          kind: z.string(),
          why: z.string(),
          type: z.string(),
          count: z.int(),
          lastKey: z.string(),
          lastAt: z.string(),
        }),
      ),
    }),
  },
}
const status = {
  response: {
    200: z.object({
      conversations: z.array(z.object({ kind: z.string(), open: z.int(), oldestAgeMs: z.number().nullable() })),
      timers: z.object({ pending: z.int(), overdue: z.int(), frozen: z.int(), nextDue: z.string().nullable() }),
      early: z.int(),
      outboxPending: z.int(),
      sidelines: z.object({ open: z.int(), parked: z.int() }),
      dead: z.object({ total: z.int(), byQueue: z.record(z.string(), z.int()) }),
      unrouted: z.int(),
      replays: z.object({ running: z.int() }),
    }),
  },
}

/** `GET /api/status`, `GET /api/ignored`. */
export function serveStatus(http: Http, operations: Operations): void {
  const { reader } = operations.store
  http.get('/api/status', { schema: { ...status, summary: 'What is open, waits and is late' } }, () =>
    stand(operations),
  )
  http.get(
    '/api/ignored',
    { schema: { ...ignored, summary: 'What changed nothing: late, unknown, duplicate, by kind and type' } },
    async () => ({
      items: (await reader.listIgnored()).map(({ lastAtMs, ...count }) => ({ ...count, lastAt: isoOf(lastAtMs) })),
    }),
  )
}

/** Timers whose time has passed, up to OVERDUE_COUNTED_MAX. */
export const countOverdue = async (reader: ConversationReader, nowMs: number): Promise<number> =>
  (await reader.listTimers({ dueBeforeMs: nowMs }, { limit: OVERDUE_COUNTED_MAX })).items.length

/** Jobs that are neither paused nor stopped, up to JOBS_COUNTED_MAX. */
export const countRunning = (reader: ConversationReader): Promise<number> => countJobs(reader, 'running')

/** Jobs that stopped because too many of their messages failed again, and wait for a person, up to JOBS_COUNTED_MAX. */
export const countStopped = (reader: ConversationReader): Promise<number> => countJobs(reader, 'stopped')

const countJobs = async (reader: ConversationReader, status: 'running' | 'stopped'): Promise<number> =>
  (await reader.listConversations({ kind: REPLAY, status }, { limit: JOBS_COUNTED_MAX })).items.length

/** Numbers of everything that waits, for a person. */
async function stand({ store, kinds, clock, held }: Operations) {
  const { reader } = store
  const nowMs = clock.now()
  const open = new Map((await reader.countOpen()).map((one) => [one.kind, one]))
  const { items: next } = await reader.listTimers({}, { limit: 1 })
  const { parked, dead, unrouted } = await countHeld(held)
  return {
    conversations: kinds.map(({ name }) => {
      const { count = 0, oldestMs } = open.get(name) ?? {}
      return { kind: name, open: count, oldestAgeMs: oldestMs === undefined ? null : nowMs - oldestMs }
    }),
    timers: {
      pending: await reader.countTimers(),
      overdue: await countOverdue(reader, nowMs),
      frozen: await reader.countFrozenTimers(),
      nextDue: isoOrNull(next[0]?.dueMs ?? null),
    },
    early: await reader.countEarly(),
    outboxPending: await store.countPending(),
    sidelines: { open: open.get(SIDELINE)?.count ?? 0, parked: sumOf(parked) },
    dead: { total: sumOf(dead), byQueue: Object.fromEntries(dead) },
    unrouted,
    replays: { running: await countRunning(reader) },
  }
}
