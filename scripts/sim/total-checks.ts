import { z } from 'zod'
import type { Ended } from './checks.ts'

const kind = z.object({ type: z.string(), n: z.number() })
const KINDS = 'select type, sum(count) as n from event_kinds group by type'
const counter = z.object({ name: z.string(), value: z.number() })
const COUNTERS = 'select name, value from counters'

/** Statistics has counted what was heard: each message once, each object and task in one state. */
export function totalsBroken({ system, witness }: Ended): string[] {
  const stats = system.files.find('stats.db')?.read
  if (!stats) return ['there are no statistics']
  const heard = new Map<string, number>()
  for (const { type } of witness.heard.values()) heard.set(type, (heard.get(type) ?? 0) + 1)
  const counted = new Map(stats.all(kind, KINDS).map(({ type, n }) => [type, n]))
  const counters = new Map(stats.all(counter, COUNTERS).map(({ name, value }) => [name, value]))
  const ids = <T>(list: readonly T[]) => new Set(list).size
  const model = {
    objects_created: ids(witness.of('OBJECT_CREATED').map(({ data }) => data.object.id)),
    objects_completed: ids(witness.of('OBJECT_COMPLETED').map(({ data }) => data.objectId)),
    objects_failed: ids(witness.of('OBJECT_FAILED').map(({ data }) => data.objectId)),
    tasks_created: ids(witness.of('TASK_CREATED').map(({ data }) => data.task.id)),
    tasks_finished: ids(witness.of('TASK_FINISHED').map(({ data }) => data.taskId)),
  }
  return [
    ...[...heard].flatMap(([type, n]) =>
      counted.get(type) === n ? [] : [`${n} ${type} were heard, and ${counted.get(type) ?? 0} counted`],
    ),
    ...Object.entries(model).flatMap(([name, n]) =>
      counters.get(name) === n ? [] : [`${name} is ${counters.get(name)}, and should be ${n}`],
    ),
  ]
}
