import type { Line, Link, Standing, Tale, WhyState } from './answer.ts'
import { HUB_QUEUE } from './carried-tale.ts'
import { linesOfHistory } from './conversation-lines.ts'
import { type Facts, type Found, findLying, heldAbout, type TaskFact } from './facts.ts'
import { deadlineCommands, MEMBERS_NAMED_MAX, namesOf } from './group-tale.ts'
import { countsOf, errorOf, type GroupView, groupOf } from './group-view.ts'
import { linesOfHeld, standingOfHeld } from './held-standing.ts'
import { standingInQueue } from './queue-standing.ts'
import { linesOfTask, standingOfTask } from './task-tale.ts'

/** Where announcements of objects go. */
export const OBJECT_QUEUE = 'distributor_consume'

/** An object: what holds it up are its tasks, or what carries its announcement. */
export function objectTale(facts: Facts): Tale | undefined {
  const { id, datagen, statistics } = facts
  const found = facts.conversations.find(({ kind, view }) => kind === 'group' && groupOf(view).completedBy === 'tasks')
  const group = found && groupOf(found.view)
  const about = heldAbout(facts, id).filter(({ subject }) => subject === id)
  const isHeldObject = about.some(({ type }) => type === 'OBJECT_CREATED')
  if (!datagen?.object && !statistics?.object && !group && !isHeldObject) return undefined
  const tasks = group ? tasksOf(group, facts) : []
  const { says, ...standing } = standingOf(facts, found, tasks)
  return {
    kind: 'object',
    ...standing,
    summary: `The object ${id} ${says}`,
    lines: [
      ...linesOfObject(facts),
      ...(found ? linesOfHistory(found.view) : []),
      ...linesOfHeld(about),
      ...taskLines(facts, tasks),
    ],
    related: tasks.map(
      ({ id: taskId, standing: { state, says: how } }): Link => ({ kind: 'task', id: taskId, state, why: how }),
    ),
    expired: expiredOf(facts, group),
  }
}

type TaskStanding = { readonly id: string; readonly standing: Standing }

/** Tasks that its group has not heard to be done. */
function tasksOf({ missing }: GroupView, facts: Facts): readonly TaskStanding[] {
  const known = knownTasks(facts)
  return missing
    .slice(0, MEMBERS_NAMED_MAX)
    .map((id) => ({ id, standing: standingOfTask(facts, id, known.get(id)) }))
    .toSorted((a, b) => weightOf(a.standing.state) - weightOf(b.standing.state))
}

const knownTasks = ({ statistics, tasks }: Facts): ReadonlyMap<string, TaskFact> =>
  new Map([...(statistics?.tasks?.unfinished ?? []), ...tasks].map((task) => [task.id, task]))

/** What most needs somebody comes first. */
const WEIGHTS: readonly WhyState[] = [
  'parked',
  'dead',
  'discarded',
  'failed',
  'unknown',
  'waiting',
  'retrying',
  'in-flight',
]
const weightOf = (state: WhyState) => (WEIGHTS.includes(state) ? WEIGHTS.indexOf(state) : WEIGHTS.length)

function standingOf(facts: Facts, found: Found | undefined, tasks: readonly TaskStanding[]): Standing {
  const group = found && groupOf(found.view)
  const ended = endOf(facts, group, tasks)
  if (ended) return ended
  const { datagen, id } = facts
  if (datagen?.outbox)
    return {
      state: 'accepted',
      says: `was accepted and is not announced yet: the broker has not confirmed it (${datagen.outbox.ahead} before it in datagen's outbox).`,
      where: { service: 'datagen', place: 'outbox', ahead: datagen.outbox.ahead },
      waitsFor: { what: 'the broker' },
      next: { what: 'it is announced as soon as the broker takes it' },
      commands: [{ command: 'ebs status', does: 'shows whether datagen reaches the broker' }],
    }
  if (found && group) return standingOfTasks(facts, found, group, tasks)
  const lying = findLying(facts, id)
  const standing = lying ? standingOfHeld(lying, facts) : standingInQueue(OBJECT_QUEUE, facts)
  const first = lying
    ? `has not become tasks: its ${lying.type ?? 'message'}`
    : 'was announced, and has no group yet: it'
  return { ...standing, says: `${first} ${standing.says}.` }
}

function standingOfTasks(facts: Facts, { view }: Found, group: GroupView, tasks: readonly TaskStanding[]): Standing {
  const { total, done } = countsOf(group)
  const [first] = tasks
  const [timer, frozen] = [view.timers[0], view.frozenTimers[0]]
  const deadline = timer
    ? {
        next: earlier(first?.standing.next, {
          what: 'without it the object fails: its deadline passes',
          at: timer.due,
        }),
      }
    : frozen
      ? { next: { what: `its deadline stands still since ${frozen.since}; ${frozen.leftMs} ms are left` } }
      : {}
  const until = timer === undefined ? '' : ` Its deadline is ${timer.due}.`
  const heldUp = first ? ` The task ${first.id} ${first.standing.says}.` : ''
  const hub = first && first.standing.state === 'completed' ? standingInQueue(HUB_QUEUE, facts) : undefined
  const standing = hub ?? first?.standing
  const what = hub ? `the news of ${first?.id}` : `the task ${first?.id}`
  return {
    state: standing?.state ?? 'in-flight',
    says: `is in the works: ${done} of ${total} tasks are done.${heldUp}${hub ? ` The hub has not heard that yet: the news ${hub.says}.` : ''}${until}`,
    ...(standing?.where && { where: standing.where }),
    waitsFor: { what, ...(timer && { until: timer.due }) },
    ...deadline,
    commands: [...(standing?.commands ?? []), ...deadlineCommands('group', view, facts)],
  }
}

type Next = NonNullable<Standing['next']>

/** What comes first; what has no time comes before the deadline, as far as anybody knows. */
const earlier = (next: Next | undefined, deadline: Next & { readonly at: string }): Next =>
  next === undefined || (next.at !== undefined && Date.parse(next.at) > Date.parse(deadline.at)) ? deadline : next

/** The hub's own words: a worker may speak of its own time limits. */
const TIMED_OUT = /^Operation timed out after \d+(?:\.\d+)? seconds$/

/** How it ended, if anybody knows that it did. */
function endOf(facts: Facts, group: GroupView | undefined, tasks: readonly TaskStanding[]): Standing | undefined {
  const { object } = facts.datagen ?? {}
  const heard = facts.statistics?.object
  const completedAt =
    group?.status === 'success' ? group.resolved : object?.state === 'completed' ? object.endedAt : heard?.completedAt
  if (completedAt !== undefined) return { state: 'completed', says: `is completed since ${completedAt}.`, commands: [] }
  const failedAt =
    group?.status === 'failure' ? group.resolved : object?.state === 'failed' ? object.endedAt : heard?.failedAt
  if (failedAt === undefined) return undefined
  const error = group?.status === 'failure' ? errorOf(group) : object?.error
  const isTimeout = group?.endedBy === 'timeout' || (group === undefined && TIMED_OUT.test(error ?? ''))
  const missing = group?.missing ?? object?.missing ?? []
  const [first] = tasks.filter(({ standing }) => standing.state !== 'completed')
  const which = missing.length === 0 ? '' : ` ${missing.length} of its tasks had not finished: ${namesOf(missing)}.`
  const where = first ? ` The task ${first.id} ${first.standing.says}.` : ''
  return {
    state: isTimeout ? 'timed-out' : group?.endedBy === 'cancel' ? 'cancelled' : 'failed',
    says: `${isTimeout ? 'timed out' : 'failed'} at ${failedAt}${error === undefined ? '' : ` (${error})`}.${which}${where}`,
    ...(first?.standing.where && { where: first.standing.where }),
    commands: first ? first.standing.commands : [],
  }
}

function linesOfObject({ datagen, statistics }: Facts): Line[] {
  const { object, outbox } = datagen ?? {}
  const acceptedAt = object?.acceptedAt ?? statistics?.object?.createdAt
  const endedAt = object?.endedAt ?? statistics?.object?.completedAt ?? statistics?.object?.failedAt
  const ended =
    object?.state === 'failed' || (object === undefined && statistics?.object?.failedAt) ? 'failed' : 'completed'
  return [
    ...(acceptedAt === undefined
      ? []
      : [
          {
            atMs: Date.parse(acceptedAt),
            what: 'the object was accepted',
            by: 'datagen',
            ...(outbox && { detail: 'not announced yet' }),
          },
        ]),
    ...(endedAt === undefined
      ? []
      : [
          {
            atMs: Date.parse(endedAt),
            what: `the object ${ended}`,
            ...(object?.error !== undefined && { detail: object.error }),
          },
        ]),
  ]
}

function taskLines(facts: Facts, tasks: readonly TaskStanding[]): Line[] {
  // Ids of tasks begin with the object's, which the reader knows.
  const nameOf = (id: string) => (id.startsWith(`${facts.id}.`) ? `task …${id.slice(facts.id.length)}` : id)
  const named = (id: string, lines: readonly Line[]) =>
    lines.map((line) => ({ ...line, what: `${nameOf(id)}: ${line.what}` }))
  const known = knownTasks(facts)
  return tasks.flatMap(({ id }) => {
    const task = known.get(id)
    return named(id, [...(task ? linesOfTask(task) : []), ...linesOfHeld(heldAbout(facts, id))])
  })
}

function expiredOf({ datagen, statistics }: Facts, group: GroupView | undefined): string[] {
  const isOver = datagen?.object?.state === 'completed' || datagen?.object?.state === 'failed'
  return [
    ...(isOver && !group
      ? [
          'the hub has forgotten its group: ended ones are kept for EBS_HUB_KEEP_HOURS (failed ones for EBS_HUB_KEEP_FAILED_HOURS)',
        ]
      : []),
    ...(isOver && statistics && !statistics.object
      ? ['statistics has forgotten it: rows of what is completed are kept for EBS_STATISTICS_KEEP_DAYS']
      : []),
    ...(group && group.missing.length > MEMBERS_NAMED_MAX
      ? [`of its ${group.missing.length} missing tasks the first ${MEMBERS_NAMED_MAX} were looked at`]
      : []),
  ]
}
