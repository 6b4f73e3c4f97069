import { z } from 'zod'
import { NobodyThereError, TooManyQuestionsError } from '../../../shared/bus/ask.ts'
import { storedProperties } from '../../../shared/bus/outbox-message.ts'
import { isEventType, rowOf } from '../../../shared/events.ts'
import { splitCallId } from '../../../shared/flow/journey/call-names.ts'
import { idOfUse } from '../../../shared/flow/sideline-state.ts'
import type { Held } from '../../../shared/store/held-messages.ts'
import { type OutboxRow, StoreUnavailableError } from '../../../shared/store/store.ts'
import { traceIdOf } from '../../../shared/tracing/trace-context.ts'
import { findView } from '../conversation-view.ts'
import { type Operations, SIDELINE } from '../operations.ts'
import {
  datagenFacts,
  type Facts,
  type Found,
  isLying,
  type RuleFact,
  type StatisticsFacts,
  statisticsFacts,
  type TaskFact,
} from './facts.ts'
import { MEMBERS_NAMED_MAX } from './group-tale.ts'
import { groupOf } from './group-view.ts'
import { queuesFor, queuesOf } from './queue-facts.ts'

/** Who is asked has its answer in a millisecond: whoever takes longer is stuck, or not there. */
export const ASK_MS_MAX = 2_000
/** Messages of the catalogue that are about one id: what lies somewhere, and the newest of the others. */
const HELD_MAX = 50
/** So many are looked through for them, of the newest: a conversation is what all of its messages are about. */
const HELD_LOOKED_MAX = 500
const RULES_MAX = 10
/** Rows of the outbox that are looked through: more wait only when the broker is away. */
const OUTBOX_ROWS_MAX = 500

/** Asks everybody who may know something about an id: a question to each over the bus, and one for each task that is missing and unknown; lookups in the hub's store, a look at a few queues. */
export async function gather(hub: Operations, id: string): Promise<Facts> {
  const missing: string[] = []
  const [datagen, statistics, mine] = await Promise.all([
    askFacts(hub, { service: 'datagen', id, schema: datagenFacts }, missing),
    askFacts(hub, { service: 'statistics', id, schema: statisticsFacts }, missing),
    lookUp(hub, id, missing),
  ])
  const tasks = statistics ? await tasksOf(hub, { statistics, conversations: mine.conversations }, missing) : []
  const held = await heldOf(hub, [id, ...parentsOf(id), ...namedBy(mine.conversations)], missing)
  const uses = [...held.values()].flat().flatMap(({ rule }) => (rule === null ? [] : [idOfUse(rule)]))
  const rules = await rulesOf(hub, [...uses, ...rulesIn(statistics, tasks)], missing)
  const facts = { id, nowMs: hub.clock.now(), datagen, statistics, tasks, ...mine, held, rules }
  return { ...facts, queues: await queuesOf(hub, queuesFor(facts), missing), missing }
}

type Question<T extends z.ZodType> = {
  readonly service: 'datagen' | 'statistics'
  readonly id: string
  readonly schema: T
}

/** What a service has stored; undefined, and named as missing, when it does not answer in time. */
async function askFacts<T extends z.ZodType>(
  { findAsker }: Operations,
  { service, id, schema }: Question<T>,
  missing: string[],
): Promise<z.infer<T> | undefined> {
  try {
    const told = await findAsker()?.ask(`${service}_ask`, { type: 'FACTS_ASKED', id }, { withinMs: ASK_MS_MAX })
    if (told?.type === 'FACTS_TOLD' && told.data.id === id && told.data.service === service) {
      const facts = schema.safeParse(told.data.facts)
      if (facts.success) return facts.data
    }
    missing.push(
      told
        ? `${service} answers with what this version does not understand: are both of the same version?`
        : `${service} did not answer within ${ASK_MS_MAX / 1_000} s: what it has stored is missing here`,
    )
  } catch (error) {
    if (!(error instanceof NobodyThereError || error instanceof TooManyQuestionsError)) throw error
    missing.push(`${service} could not be asked: ${error.message}`)
  }
  return undefined
}

type TaskFacts = Pick<Facts, 'conversations'> & { readonly statistics: StatisticsFacts }

/** Of the tasks that an object's group misses those that statistics has not told with the object: they are done, or it has not heard of them. */
async function tasksOf(
  hub: Operations,
  { conversations, statistics }: TaskFacts,
  missing: string[],
): Promise<readonly TaskFact[]> {
  const known = new Set(statistics.tasks?.unfinished.map((task) => task.id))
  const unknown = namedBy(conversations.filter(isOfTasks)).filter((id) => !known.has(id))
  const troubles: string[] = []
  const found = await Promise.all(
    unknown.map((id) => askFacts(hub, { service: 'statistics', id, schema: statisticsFacts }, troubles)),
  )
  if (troubles.length > 0) missing.push(`of ${unknown.length} tasks ${troubles.length}: ${troubles[0]}`)
  return found.flatMap((facts) => facts?.task ?? [])
}

const isOfTasks = ({ kind, view }: Found) => kind === 'group' && groupOf(view).completedBy === 'tasks'

/** All that the hub's own store has under this id, and what the id of a call or of a task belongs to. */
async function lookUp(
  hub: Operations,
  id: string,
  missing: string[],
): Promise<Pick<Facts, 'conversations' | 'parents' | 'early' | 'outbox'>> {
  const conversations = await findAll(hub, id, missing)
  const parents = (await Promise.all(parentsOf(id).map((key) => findAll(hub, key, missing)))).flat()
  const early = await Promise.all(
    hub.kinds.map(async ({ name: kind }) => {
      const found = await orMissing(missing, () => hub.store.reader.earlyOf({ kind, key: id }))
      return found ? [{ kind, ...found }] : []
    }),
  )
  return { conversations, parents, early: early.flat(), outbox: await outboxOf(hub, id, missing) }
}

/** What the id of a part may be a part of: of a journey, a flow, or an object. */
function parentsOf(id: string): readonly string[] {
  const saga = splitCallId(id)?.sagaId
  const whole = /^(.+)[.:][^.:]+$/s.exec(id)?.[1]
  return [...new Set([saga, whole].flatMap((key) => key ?? []))]
}

async function findAll(hub: Operations, key: string, missing: string[]): Promise<readonly Found[]> {
  const found = await Promise.all(
    hub.kinds.map(async (kind) => {
      const one = await orMissing(missing, async () => {
        const conversation = await hub.store.reader.findConversation({ kind: kind.name, key })
        const view = conversation && (await findView(hub, kind, key))
        const traceId = traceIdOf(conversation?.traceparent ?? undefined)
        return (
          conversation &&
          view && { kind: kind.name, correlationId: conversation.correlationId, view, ...(traceId && { traceId }) }
        )
      })
      return one ? [one] : []
    }),
  )
  return found.flat()
}

/** A conversation that may lie in a store that is out of reach is missing; the rest of the answer stands. */
async function orMissing<T>(missing: string[], look: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await look()
  } catch (error) {
    if (!(error instanceof StoreUnavailableError)) throw error
    const text = `the hub's store: ${error.message}`
    if (!missing.includes(text)) missing.push(text)
    return undefined
  }
}

/** Members that groups wait for: what is about them holds the group up. */
const namedBy = (found: readonly Found[]): readonly string[] =>
  found.flatMap(({ kind, view }) => (kind === 'group' ? groupOf(view).missing.slice(0, MEMBERS_NAMED_MAX) : []))

async function heldOf(
  { held }: Operations,
  ids: readonly string[],
  missing: string[],
): Promise<ReadonlyMap<string, readonly Held[]>> {
  const look = async (id: string) => {
    const all = await held.heldAbout(id, HELD_LOOKED_MAX)
    if (all.length === HELD_LOOKED_MAX)
      missing.push(`of the messages about ${id} that were held the newest ${HELD_LOOKED_MAX} were looked at`)
    return [id, chosenOf(all)] as const
  }
  return new Map(await Promise.all([...new Set(ids)].map(look)))
}

/** What lies somewhere however old it is, and the newest of the others, in the order in which they came. */
function chosenOf(all: readonly Held[]): readonly Held[] {
  const [lying, settled] = [all.filter(isLying), all.filter((held) => !isLying(held))]
  const chosen = new Set([...lying, ...settled].slice(0, Math.max(HELD_MAX, lying.length)))
  return all.filter((held) => chosen.has(held))
}

/** The rules by which messages were set aside. */
async function rulesOf(
  hub: Operations,
  rules: readonly string[],
  missing: string[],
): Promise<ReadonlyMap<string, RuleFact>> {
  const kind = hub.kinds.find(({ name }) => name === SIDELINE)
  const ids = new Set(rules)
  if (!kind) return new Map()
  const found = await Promise.all(
    [...ids].slice(0, RULES_MAX).map(async (id) => {
      const rule = await orMissing(missing, () => hub.store.reader.findConversation({ kind: SIDELINE, key: id }))
      const { actor, reason, waitsFor } = rule ? kind.read(rule.state).view(hub.clock.now()) : {}
      return rule
        ? [
            [
              id,
              {
                status: rule.status,
                actor: String(actor),
                reason: String(reason),
                ...(typeof waitsFor === 'string' && { waitsFor }),
              },
            ] as const,
          ]
        : []
    }),
  )
  return new Map(found.flat())
}

/** Those that statistics has heard of, which may be ahead of the catalogue. */
const rulesIn = (statistics: StatisticsFacts | undefined, tasks: readonly TaskFact[]): readonly string[] =>
  [statistics?.task, ...(statistics?.tasks?.unfinished ?? []), ...tasks, ...(statistics?.entries ?? [])].flatMap(
    (one) => (one?.mark?.state === 'parked' && one.mark.by !== undefined ? [one.mark.by] : []),
  )

/** The hub's announcements that name the id, of those that wait longest. */
async function outboxOf({ store }: Operations, id: string, missing: string[]): Promise<Facts['outbox']> {
  const pending = await store.countPending()
  if (pending === 0) return []
  const rows = await store.readPending(0, OUTBOX_ROWS_MAX)
  if (pending > rows.length)
    missing.push(`of ${pending} announcements in the hub's outbox the oldest ${rows.length} were looked through`)
  return rows.flatMap((row, ahead) => {
    const about = aboutOf(row)
    return about.ids.includes(id) ? [{ type: about.type, key: row.key, ahead }] : []
  })
}

/** What a row of the outbox is and what it is about: a word in its body may be anything, such as a tenant. */
function aboutOf({ body, properties }: OutboxRow): { readonly type: string; readonly ids: readonly unknown[] } {
  const { messageId, correlationId } = storedProperties.safeParse(jsonIn(properties)).data ?? {}
  const said = outboxBody.safeParse(jsonIn(body)).data ?? {}
  const catalogued = said.type !== undefined && isEventType(said.type) ? rowOf(said.type) : undefined
  const at = catalogued?.about?.[1].split('.') ?? []
  const subject = at.reduce<unknown>(
    (part, name) => z.record(z.string(), z.unknown()).safeParse(part).data?.[name],
    said,
  )
  return { type: said.type ?? 'a message', ids: [messageId, correlationId, subject, said.callId] }
}

const outboxBody = z.looseObject({ type: z.string().optional(), callId: z.string().optional() })

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    // What a flow passes on as it came is no JSON for sure: it is about its conversation.
    if (error instanceof SyntaxError) return {}
    throw error
  }
}
