import type { Ended } from './checks.ts'

/** Nothing that a rule matches is handled, or still under way, from when its start was answered until somebody asked for what it has. */
export function rulesBroken({ witness, doing }: Ended): string[] {
  const tenants = new Map(witness.of('TASK_CREATED').map(({ data }) => [data.task.id, data.task.tenant]))
  const handled = [...witness.eachOf('TASK_STARTED'), ...witness.eachOf('TASK_FINISHED')]
  return doing.rules.flatMap(({ id, tenant, sinceMs, untilMs }) =>
    handled.flatMap(({ data: { type, taskId }, meta: { atMs = 0, id: messageId } }) =>
      tenants.get(taskId) === tenant && atMs > sinceMs && atMs < untilMs && !witness.pasted.has(messageId)
        ? [`${type} of ${taskId} at ${atMs}, and ${id} was in force from ${sinceMs} to ${untilMs}`]
        : [],
    ),
  )
}
