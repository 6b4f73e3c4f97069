import { createHash } from 'node:crypto'
import type { Body, EbsObject, Task } from '../../shared/events.ts'

/** Into how many tasks, and how long they may take together. */
export type Split = { readonly tasks: number; readonly deadlineMs: number }

/**
 * The group that waits for an object's tasks, then the tasks. All ids follow from the object's, so that doing it again opens the
 * same group and gives the same tasks. The group is first: a task that overtakes it is kept by the hub, but only for a while.
 */
export function fanOut(object: EbsObject, { tasks: of, deadlineMs }: Split): Body[] {
  const tasks = Array.from({ length: of }, (_, i) => taskOf(object, i + 1, of))
  return [groupOf(object, tasks, deadlineMs), ...tasks.map((task) => ({ type: 'TASK_CREATED' as const, task, object }))]
}

/** The payload is what the hub needs to say how it ended: whose it is, and since when it counts. */
const groupOf = ({ id, tenant, createdAt }: EbsObject, tasks: readonly Task[], deadlineMs: number) => ({
  type: 'EventGroupCollectorCreate' as const,
  id,
  expected: tasks.map((task) => task.id),
  ttl: deadlineMs / MS_PER_S,
  completedBy: 'tasks' as const,
  payload: { tenant, createdAt },
})

const taskOf = ({ id, tenant }: EbsObject, index: number, of: number): Task => ({
  id: taskId(id, index),
  objectId: id,
  index,
  of,
  tenant,
})

/** `<object id>.<index>`; an id too long to be extended is replaced by its hash. */
function taskId(objectId: string, index: number): string {
  const readable = `${objectId}.${index}`
  return readable.length <= ID_CHARS_MAX ? readable : `${createHash('sha256').update(objectId).digest('hex')}.${index}`
}

/** As the catalogue has it. */
const ID_CHARS_MAX = 128
const MS_PER_S = 1_000
