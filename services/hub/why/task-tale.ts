import { replayQueueOf } from '../../../shared/topology.ts'
import type { Line, Standing, Tale } from './answer.ts'
import { quoted, REASON } from './command.ts'
import { type Facts, findLying, heldAbout, type TaskFact } from './facts.ts'
import { expectsTask } from './group-view.ts'
import { linesOfHeld, standingOfHeld } from './held-standing.ts'
import { standingOfMark } from './mark-standing.ts'
import { standingInQueue } from './queue-standing.ts'

/** Where requests for tasks go. */
export const TASK_QUEUE = 'process_consume'

/** A task, as statistics has heard of it, or as the group of its object waits for it. */
export function taskTale(facts: Facts): Tale | undefined {
  const task = facts.statistics?.task
  const group = facts.parents.find(({ kind, view }) => kind === 'group' && expectsTask(view, facts.id))
  const about = heldAbout(facts, facts.id).filter(({ subject }) => subject === facts.id)
  const isTask = about.some(({ type }) => type?.startsWith('TASK_'))
  if (!task && !group && !isTask) return undefined
  const objectId = task?.objectId ?? group?.view.id
  const { says, ...standing } = standingOfTask(facts, facts.id, task)
  return {
    kind: 'task',
    ...standing,
    summary: `The task ${facts.id} ${says}.`,
    lines: [...(task ? linesOfTask(task) : []), ...linesOfHeld(about)],
    related: [
      ...(objectId === undefined
        ? []
        : [{ kind: 'object', id: objectId, state: group?.view.status ?? 'unknown', why: 'the task is a part of it' }]),
      ...about.map(({ id, state, place }) => ({ kind: 'message', id, state, why: `in ${place}` })),
    ],
    ...(facts.statistics && !task && { expired: [FORGOTTEN] }),
  }
}

const FORGOTTEN =
  'statistics has not heard of the task, or has forgotten it: rows are kept for EBS_STATISTICS_KEEP_DAYS after a task is done'

/** Where a task is. What lies somewhere because of it comes first: its end may be known to all but the one who waits for it. */
export function standingOfTask(facts: Facts, id: string, task: TaskFact | undefined): Standing {
  const lying = findLying(facts, id)
  const isRetrying = lying?.state === 'released' && task?.mark?.state === 'waiting'
  if (lying && !isRetrying && (task?.finishedAt === undefined || lying.type !== 'TASK_CREATED')) {
    const standing = standingOfHeld(lying, facts)
    return lying.type === 'TASK_CREATED' || lying.type === null
      ? standing
      : { ...standing, says: `was worked on; its ${lying.type} for ${lying.queue ?? 'nobody'} ${standing.says}` }
  }
  if (task?.finishedAt !== undefined)
    return { state: 'completed', says: `is done since ${task.finishedAt}${triesOf(task)}`, commands: [] }
  const settled = heldAbout(facts, id)[0]
  if (settled?.state === 'discarded' || settled?.state === 'archived') return standingOfHeld(settled, facts)
  return task ? standingByEvents(facts, task) : unheardStanding(facts)
}

/** Only its group speaks of it. */
function unheardStanding(facts: Facts): Standing {
  const standing = standingInQueue(TASK_QUEUE, facts)
  return facts.statistics
    ? { ...standing, says: `is nothing that statistics has told of: if it was announced just now, it ${standing.says}` }
    : {
        state: 'unknown',
        says: 'is not done as far as its group has heard, and what became of it only statistics knows, which did not answer',
        commands: [{ command: 'ebs status', does: 'shows which services run, and what waits' }],
      }
}

function standingByEvents(facts: Facts, task: TaskFact): Standing {
  const { attempts, processor = 'a processor', error = 'an error', retryAt } = task
  // When it is told of what came after it, a failure's next attempt is history.
  const waits = retryAt !== undefined && isNewest(task)
  if (waits && Date.parse(retryAt) > facts.nowMs)
    return {
      state: 'retrying',
      says: `failed in attempt ${attempts} (${error}) and is tried again at ${retryAt}`,
      where: { queue: TASK_QUEUE, place: 'the delay ladder' },
      waitsFor: { what: `its delay before attempt ${attempts + 1}`, until: retryAt },
      next: { what: `attempt ${attempts + 1}`, at: retryAt },
      commands: [
        {
          command: `ebs sideline start hold --where ${quoted(`event.task.id == ${JSON.stringify(task.id)}`)} --queue ${TASK_QUEUE} ${REASON}`,
          does: 'sets it aside when it comes back, so that it fails no more until somebody brings it back',
        },
      ],
    }
  const marked = task.mark && standingOfMark(task.mark, TASK_QUEUE, facts)
  if (marked)
    return marked.state === 'dead'
      ? { ...marked, says: `${marked.says}: it failed in attempt ${attempts} (${error})` }
      : marked
  if (task.failedAt !== undefined && !isHeardOf(task))
    return {
      state: 'dead',
      says: `failed for good at ${task.failedAt} (${error}); its message is in no place that the hub knows of`,
      waitsFor: { what: 'somebody to look for it' },
      commands: [{ command: `ebs dead list --queue ${TASK_QUEUE}`, does: 'lists what is dead in its queue' }],
    }
  if (waits) return back(standingInQueue(TASK_QUEUE, facts), `was due for attempt ${attempts + 1} at ${retryAt} and`)
  if (attempts > 0 && facts.queues.get(TASK_QUEUE)?.consumers === 0)
    // Whoever had it is gone: the broker has given it back.
    return back(standingInQueue(TASK_QUEUE, facts), `was begun by ${processor} (attempt ${attempts}), and`)
  if (attempts > 0)
    return {
      state: 'in-flight',
      says: `is being worked on by ${processor}, attempt ${attempts}${attempts === 1 ? since(task.startedAt) : ''}`,
      where: { service: 'processor', queue: TASK_QUEUE },
      next: { what: 'it is finished, or fails and is tried again' },
      commands: [],
    }
  return standingInQueue(TASK_QUEUE, facts)
}

const back = (standing: Standing, first: string): Standing => ({ ...standing, says: `${first} ${standing.says}` })
const since = (at: string | undefined) => (at === undefined ? '' : ` since ${at}`)
const triesOf = ({ attempts, error }: TaskFact) =>
  attempts > 1 ? ` in attempt ${attempts}${error === undefined ? '' : `, after ${error}`}` : ''

/** Statistics knows what happened to its message. */
const isHeardOf = ({ mark }: Pick<TaskFact, 'mark'>) => mark !== undefined && mark.state !== 'outside'

/** The newest that was heard of the task is that it failed. */
const isNewest = ({ mark, attempts, failedAttempt = attempts }: TaskFact) =>
  isHeardOf({ mark }) ? mark?.state === 'waiting' : failedAttempt >= attempts

/** What statistics has heard of it. */
export function linesOfTask(task: TaskFact): Line[] {
  const { createdAt, startedAt, finishedAt, failedAt, errorAt, error, processor, attempts, retryAt } = task
  const by = processor === undefined ? {} : { by: processor }
  const at = (time: string | undefined, what: string, more: Omit<Line, 'atMs' | 'what'> = {}): Line[] =>
    time === undefined ? [] : [{ atMs: Date.parse(time), what, ...more }]
  return [
    ...at(createdAt, 'the task was announced', { by: 'distributor' }),
    ...at(startedAt, 'first attempt at the task'),
    ...at(failedAt === undefined ? errorAt : undefined, `attempt ${attempts} failed`, {
      ...by,
      ...(error !== undefined && { detail: retryAt === undefined ? error : `${error}; again at ${retryAt}` }),
    }),
    ...at(failedAt, 'the task failed for good', { ...by, ...(error !== undefined && { detail: error }) }),
    ...at(finishedAt, 'the task was done', { ...by, detail: `attempt ${attempts}` }),
  ]
}

/** Queues that a look at tasks needs. */
export const taskQueues = [TASK_QUEUE, replayQueueOf(TASK_QUEUE)] as const
