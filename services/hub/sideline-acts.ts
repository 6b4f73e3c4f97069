import type { Body } from '../../shared/events.ts'
import { RULES_MAX, TOO_MANY_RULES } from '../../shared/flow/sideline-record.ts'
import { HttpProblem } from '../../shared/service/errors.ts'
import { type Operations, REPLAY, SIDELINE } from './operations.ts'
import { awaitOutcome } from './outcome.ts'
import { replayItem } from './replay-view.ts'
import { checkExpiry, checkFilter, checkQueues } from './sideline-checks.ts'
import { findSideline, type Sideline, unknownSideline } from './sideline-view.ts'

/** Jobs that begin within one act. */
const JOBS_LOOKED_AT_MAX = 20

type Command = Omit<Body<'SIDELINE_COMMAND'>, 'type'>

/** While it has one of these it may not be confirmed yet: who resumes a rule that is starting has it confirmed first. */
const UNDER_WAY: readonly string[] = ['starting', 'resuming']

/**
 * Starts a rule and waits until the consumers confirm it, or for 10 s. 201: in force; 202: some consumers, named in `missing`, have not
 * confirmed; 200: the same rule was there already. Throws HttpProblem 422; or 409, also when somebody has ended the rule meanwhile.
 */
export async function startSideline(operations: Operations, command: Omit<Command, 'action'> & { filter: string }) {
  checkFilter('filter', command.filter)
  checkQueues(operations, command.queues)
  checkExpiry(command.expiresAt, operations.clock.now())
  const before = await findSideline(operations, command.id)
  const isNew = before === undefined || before.hasEnded
  if (isNew) await refuseTooMany(operations)
  const { refused } = await operations.tell({ type: 'SIDELINE_COMMAND', action: 'start', ...command })
  if (refused !== undefined) throw await startRefused(operations, command.id, refused)
  const told = await look(operations, command.id)
  if (!isNew && before.item.status !== 'starting' && !told.hasEnded) return { code: 200, item: told.item } as const
  const isDone = ({ item }: Sideline) => item.use !== told.item.use || !UNDER_WAY.includes(item.status)
  const seen = await awaitOutcome(operations, () => look(operations, command.id), isDone)
  if (!isDone(seen)) return { code: 202, item: seen.item } as const
  // Nobody has confirmed it, or nobody heeds it any more: 201 would say that nothing of it is handled.
  if (seen.item.use !== told.item.use || seen.item.status !== 'active') throw notNow(seen, endedMeanwhile(seen))
  return { code: isNew ? 201 : 200, item: seen.item } as const
}

const endedMeanwhile = ({ item: { id, status }, hasEnded }: Sideline) =>
  `Before all consumers had confirmed the sideline ${id}, somebody else acted on it: it is ${status}. ` +
  (hasEnded ? 'Start it again to use it.' : 'Start it again when it is over, or use another id.')

/**
 * Has somebody resume, resolve or discard a rule, and waits for the id of the replay that comes of it, or until it turns out that there is
 * nothing to bring back, or for 10 s. Throws HttpProblem 404 or 409.
 */
export async function actOnSideline(operations: Operations, command: Command) {
  const { id, action } = command
  const startMs = operations.clock.now()
  const before = await look(operations, id)
  const { refused } = await operations.tell({ type: 'SIDELINE_COMMAND', ...command })
  const told = await look(operations, id)
  if (refused !== undefined) throw notNow(told, refused)
  if (told.version === before.version)
    throw notNow(told, `The sideline ${id} is ${told.item.status}: there is nothing to ${action}.`)
  const { item } = await awaitOutcome(
    operations,
    () => look(operations, id),
    (seen) => isOver(seen, told) || isReplaying(seen, before, action),
  )
  const { status, parked, waitsFor } = item
  const replay = item.replay ?? (await findJob(operations, item.use, startMs))
  return { id, status, parked, ...(replay !== undefined && { replay }), ...(waitsFor !== undefined && { waitsFor }) }
}

/** There was nothing to bring back. */
const isOver = (seen: Sideline, told: Sideline) =>
  seen.hasEnded || (seen.item.status === 'active' && seen.version > told.version)

/** A job is under way: a new one, or one that runs and that the act waits for. One that is given up is neither. */
function isReplaying({ item }: Sideline, { item: before }: Sideline, action: Command['action']): boolean {
  if (item.replay === undefined) return false
  return item.replay !== before.replay || (before.stopReason === undefined && action !== 'discard')
}

/** The newest job of a rule since then: it may have begun and ended between two looks. */
async function findJob(operations: Operations, use: string, sinceMs: number): Promise<string | undefined> {
  const { items } = await operations.store.reader.listConversations({ kind: REPLAY }, { limit: JOBS_LOOKED_AT_MAX })
  const found = items.find((one) => one.createdAtMs >= sinceMs && replayItem(operations, one).rule === use)
  return found?.key
}

const look = async (operations: Operations, id: string) => (await findSideline(operations, id)) ?? unknownSideline(id)

async function refuseTooMany({ store }: Operations): Promise<void> {
  const open = (await store.reader.countOpen()).find(({ kind }) => kind === SIDELINE)
  if ((open?.count ?? 0) < RULES_MAX) return
  throw tooMany()
}

const tooMany = () => new HttpProblem(409, { title: 'Too many rules', detail: TOO_MANY_RULES })

/** With the rule in force, if there is one: that is what the new one is at odds with. */
async function startRefused(operations: Operations, id: string, reason: string): Promise<HttpProblem> {
  // Others have started theirs since it was looked up.
  if (reason === TOO_MANY_RULES) return tooMany()
  const there = await findSideline(operations, id)
  return there && !there.hasEnded
    ? notNow(there, reason)
    : new HttpProblem(422, { title: 'Refused', detail: `${reason} Nothing was changed.` })
}

function notNow({ item }: Sideline, detail: string): HttpProblem {
  const { id, status, filter, queues, actor, reason, since, endedAt } = item
  return new HttpProblem(409, {
    title: 'Not now',
    detail,
    extensions: { sideline: { id, status, filter, queues, actor, reason, since, endedAt } },
  })
}
