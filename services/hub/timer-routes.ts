import { z } from 'zod'
import { TTL_S_MAX } from '../../shared/events.ts'
import { HttpProblem } from '../../shared/service/errors.ts'
import type { Http } from '../../shared/service/http.ts'
import type { ConversationReader, ConversationTransaction, Timer, TimerId } from '../../shared/store/conversations.ts'
import { actBy, acting, isoOf, type Operations, pageOf, paging } from './operations.ts'
import { parseTimerId, timerIdText, timerItem, timerSchema } from './timer-view.ts'

const MS_PER_S = 1_000
/** As far as the delay ladder reaches. */
const AHEAD_MS_MAX = TTL_S_MAX * MS_PER_S

const list = {
  querystring: z
    .object({ ...paging, kind: z.string().min(1).max(64).optional(), overdue: z.literal('true').optional() })
    .strict(),
  response: { 200: z.object({ items: z.array(timerSchema), next: z.string().optional() }) },
}
const params = z.object({ id: z.string() })
const one = { params, response: { 200: timerSchema } }
/** With a token, the act is for that arming only and refused when the timer was armed again since. */
const body = z.object({ ...acting, token: z.int().min(1).optional() }).strict()
const done = z.object({
  id: z.string(),
  result: z.enum(['fired', 'cancelled', 'moved']),
  timer: timerSchema.optional(),
})
const acted = { params, body, response: { 200: done } }
const moved = { ...acted, body: body.extend({ due: z.iso.datetime({ offset: true }) }) }
const tags = ['timers']

/** `GET /api/timers`, `GET /api/timers/:id`, `POST /api/timers/:id/fire|cancel|move`. */
export function serveTimers(http: Http, operations: Operations): void {
  const { store, clock } = operations
  const { reader } = store

  http.get(
    '/api/timers',
    { schema: { ...list, tags, summary: 'List timers, earliest due first' } },
    async ({ query }) => {
      const { kind, overdue, limit, cursor } = query
      const nowMs = clock.now()
      const filter = { kind, dueBeforeMs: overdue === undefined ? undefined : nowMs }
      return pageOf(
        () => reader.listTimers(filter, { limit, cursor }),
        (timer) => timerItem(timer, nowMs),
      )
    },
  )

  http.get('/api/timers/:id', { schema: { ...one, tags, summary: 'Show one timer' } }, async ({ params }) => {
    const id = parseTimerId(params.id)
    return timerItem((id && (await findTimer(reader, id))) ?? unknown(params.id), clock.now())
  })

  serveActs(http, operations)
}

type Act = (tx: ConversationTransaction, timer: TimerId) => Promise<boolean>

function serveActs(http: Http, { store, kernel, clock }: Operations): void {
  const { reader } = store
  const act = async (text: string, run: Act): Promise<TimerId> => {
    const id = parseTimerId(text) ?? unknown(text)
    return (await store.write((tx) => run(tx, id))) ? id : explainMiss(reader, id)
  }

  http.post(
    '/api/timers/:id/fire',
    { schema: { ...acted, tags, summary: 'Fire one timer now, as if it were due' } },
    async (request) => {
      const { token, ...by } = actBy(request)
      const id = await act(request.params.id, (tx, timer) => kernel.fire(tx, timer, by, token))
      return { id: timerIdText(id), result: 'fired' as const }
    },
  )

  http.post(
    '/api/timers/:id/cancel',
    { schema: { ...acted, tags, summary: 'Take one timer away: its conversation may then wait for ever' } },
    async (request) => {
      const { token, ...by } = actBy(request)
      const id = await act(request.params.id, (tx, timer) => kernel.cancelTimer(tx, timer, by, token))
      return { id: timerIdText(id), result: 'cancelled' as const }
    },
  )

  http.post(
    '/api/timers/:id/move',
    { schema: { ...moved, tags, summary: 'Give one timer another due time; one that has passed fires it' } },
    async (request) => {
      const { token, due, ...by } = actBy(request)
      const dueMs = Date.parse(due)
      if (dueMs > clock.now() + AHEAD_MS_MAX)
        throw new HttpProblem(400, { detail: `due: ${due} is more than ${TTL_S_MAX / 86_400} days ahead.` })
      const id = await act(request.params.id, (tx, timer) => kernel.moveTimer(tx, timer, { ...by, dueMs }, token))
      const timer = await findTimer(reader, id)
      // With a time that has passed it may have fired by now.
      return { id: timerIdText(id), result: 'moved' as const, ...(timer && { timer: timerItem(timer, clock.now()) }) }
    },
  )
}

async function findTimer(reader: ConversationReader, id: TimerId): Promise<Timer | undefined> {
  return (await reader.timersOf(id)).find(({ name }) => name === id.name)
}

/** Says why an act found nothing to act on. */
async function explainMiss(reader: ConversationReader, id: TimerId): Promise<never> {
  const timer = await findTimer(reader, id)
  if (timer)
    throw new HttpProblem(409, {
      title: 'Armed again',
      detail: `The timer ${timerIdText(id)} was armed again: its token is ${timer.token} now, due ${isoOf(timer.dueMs)}.`,
      extensions: { token: timer.token, due: isoOf(timer.dueMs) },
    })
  const conversation = await reader.findConversation(id)
  if (!conversation?.endedAtMs) return unknown(timerIdText(id))
  const endedAt = isoOf(conversation.endedAtMs)
  throw new HttpProblem(409, {
    title: 'Already ended',
    detail: `The ${id.kind} ${id.key} is ${conversation.status} since ${endedAt}; its timers are gone.`,
    extensions: { ended: { status: conversation.status, at: endedAt } },
  })
}

function unknown(text: string): never {
  throw new HttpProblem(404, {
    detail: `There is no timer ${text}. A timer's id is kind:key:name; GET /api/timers lists them.`,
  })
}
