import { expect } from 'vitest'
import { z } from 'zod'
import { distinct, type HeardMessage, type Onlooker } from './onlooker.ts'
import type { System } from './system.ts'
import { waitUntil } from './wait-until.ts'

const COLLECTOR = 'eventbus-collector'
export const SUCCESS = 'eventbus-collector.success'
export const FAILURE = 'eventbus-collector.failure'
/** The end of an object, too, is the end of a group. */
const GROUP_ENDS = [SUCCESS, FAILURE, 'objects.completed', 'objects.failed']

/** Pastes lines of JSON into the exchange, one after the other, without any properties. */
export async function paste(system: System, ...lines: readonly string[]): Promise<void> {
  for (const body of lines) expect(await system.publish({ key: COLLECTOR, body })).toBe(true)
}

export const createLine = (id: string, expected: readonly string[], more: Readonly<Record<string, unknown>> = {}) =>
  JSON.stringify({ type: 'EventGroupCollectorCreate', id, expected, ...more })

export const doneLine = (group: string, id: string, more: Readonly<Record<string, unknown>> = { result: id }) =>
  JSON.stringify({ type: 'EventGroupCollectorEntityDone', id, group, ...more })

/** The ends of a group or an object among what was heard, each once. */
export const endsOf = (heard: readonly HeardMessage[], id: string): readonly HeardMessage[] =>
  distinct(heard).filter(({ key, body }) => GROUP_ENDS.includes(key) && (body.id ?? body.objectId) === id)

/** Resolves when the hub has handled everything that was published before: its queue is first in, first out. */
export async function fence(system: System, ends: Onlooker, id: string): Promise<void> {
  await paste(system, createLine(id, []))
  await waitUntil(async () => expect(endsOf(await ends.heard(), id)).toHaveLength(1))
}

const ignored = z.object({ items: z.array(z.object({ kind: z.string(), why: z.string(), count: z.number() })) })

/** What the hub counted as changing nothing: `group late`, `flow unknown` and so on. */
export async function ignoredCounts(system: System): Promise<Readonly<Record<string, number>>> {
  const { items } = ignored.parse((await system.ask('hub', '/api/ignored')).json)
  const counts: Record<string, number> = {}
  for (const { kind, why, count } of items) counts[`${kind} ${why}`] = (counts[`${kind} ${why}`] ?? 0) + count
  return counts
}

/** What was ignored since then; what was not is not in it. */
export async function ignoredSince(system: System, before: Readonly<Record<string, number>>) {
  const now = Object.entries(await ignoredCounts(system))
  const more = now.map(([what, count]) => [what, count - (before[what] ?? 0)] as const)
  return Object.fromEntries(more.filter(([, count]) => count > 0))
}
