import type { Ended } from './checks.ts'

/** What was said so long before an end was heard before it, not counting the time in which somebody was away who has to hear it. */
const HEARD_MS = 1_000

/** An end says what happened: completed is what has all of its parts, and nothing fails for want of what was there in time. */
export function wrongEnds({ witness, system }: Seen): string[] {
  const isHeard: IsHeard = (saidMs, endMs) => endMs - saidMs - system.outages.between(saidMs, endMs) > HEARD_MS
  return [...objects(witness, isHeard), ...groups(witness, isHeard), ...incomplete(witness)]
}

type Seen = { readonly witness: Of; readonly system: Pick<Ended['system'], 'outages'> }
type Of = Pick<Ended['witness'], 'of'>
type IsHeard = (saidMs: number, endMs: number) => boolean

function objects(witness: Of, isHeard: IsHeard): string[] {
  const finished = new Map<string, number>()
  // What a person pastes does not say when.
  for (const { data, meta } of witness.of('TASK_FINISHED'))
    if (meta.atMs !== undefined) finished.set(data.taskId, meta.atMs)
    else if (!finished.has(data.taskId)) finished.set(data.taskId, Number.POSITIVE_INFINITY)
  const tasks = new Map<string, string[]>()
  for (const { data } of witness.of('TASK_CREATED')) {
    const { id, objectId } = data.task
    tasks.set(objectId, [...(tasks.get(objectId) ?? []), id])
  }
  return [
    ...witness.of('OBJECT_COMPLETED').flatMap(({ data: { objectId } }) => {
      const open = (tasks.get(objectId) ?? []).filter((id) => !finished.has(id))
      return open.length === 0 ? [] : [`object ${objectId} is completed, and ${open.join(', ')} never finished`]
    }),
    ...witness.of('OBJECT_FAILED').flatMap(({ data: { objectId, missing }, meta: { atMs = 0 } }) => {
      const there = missing.filter((id) => isHeard(finished.get(id) ?? atMs, atMs))
      return there.length === 0 ? [] : [`object ${objectId} failed for want of ${there.join(', ')}, which had finished`]
    }),
  ]
}

function groups(witness: Of, isHeard: IsHeard): string[] {
  const expected = new Map(witness.of('EventGroupCollectorCreate').map(({ data }) => [data.id, data.expected]))
  const done = new Map<string, number>()
  for (const { data, meta } of witness.of('EventGroupCollectorEntityDone'))
    if (data.error === undefined && !done.has(data.id)) done.set(data.id, meta.atMs ?? Number.POSITIVE_INFINITY)
  return [...witness.of('EventGroupCollectorSuccess'), ...witness.of('EventGroupCollectorFailure')].flatMap(
    ({ data }) => {
      if (data.endedBy !== 'timeout') return []
      const endMs = Date.parse(data.resolved)
      const lost = (expected.get(data.id) ?? []).filter(
        (id) => isHeard(done.get(id) ?? endMs, endMs) && !Object.hasOwn(data.results, id),
      )
      return lost.map((id) => `group ${data.id} timed out without ${id}, which was done`)
    },
  )
}

/** A group that has what it waited for has it. */
function incomplete(witness: Of): string[] {
  const wanted = new Map(witness.of('EventGroupCollectorCreate').map(({ data }) => [data.id, data]))
  return witness.of('EventGroupCollectorSuccess').flatMap(({ data: { id, endedBy, results } }) => {
    const { expected = [], quorum = expected.length } = wanted.get(id) ?? {}
    const count = Object.keys(results).length
    const least = endedBy === 'all' ? expected.length : endedBy === 'quorum' ? quorum : 0
    return count >= least ? [] : [`group ${id} has ${count} results of ${least}, and succeeded by ${endedBy}`]
  })
}
