import { z } from 'zod'
import type { View } from '../conversation-view.ts'
import { cut } from './answer.ts'

/** Of the view of a group. */
const schema = z.looseObject({
  status: z.enum(['open', 'success', 'failure']),
  completedBy: z.enum(['done', 'tasks']),
  ttl: z.number(),
  due: z.string(),
  quorum: z.number(),
  members: z.array(z.looseObject({ id: z.string(), status: z.string() })),
  membersLeftOut: z.number().default(0),
  missing: z.array(z.string()),
  resolved: z.string().optional(),
  endedBy: z.enum(['all', 'quorum', 'timeout', 'error', 'cancel']).optional(),
  entity: z.string().optional(),
  error: z.json().optional(),
})
export type GroupView = z.infer<typeof schema>

export const groupOf = (view: View): GroupView => schema.parse(view)

/** How many members it waits for, and how many of them are done. */
export const countsOf = ({ members, membersLeftOut, missing }: GroupView) => {
  const total = members.length + membersLeftOut
  return { total, done: total - missing.length }
}

/** Whether a group is about the tasks of an object, and waits or has waited for this one. */
export function expectsTask(view: View, taskId: string): boolean {
  const { completedBy, members, missing } = groupOf(view)
  return completedBy === 'tasks' && (members.some(({ id }) => id === taskId) || missing.includes(taskId))
}

/** The error of a failure, as text. */
export const errorOf = ({ error }: GroupView): string =>
  cut(typeof error === 'string' ? error : (JSON.stringify(error) ?? 'no error was given'))
