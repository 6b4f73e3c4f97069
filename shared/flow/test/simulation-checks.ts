import { isDeepStrictEqual } from 'node:util'
import { parseEvent } from '../../bus/envelope.ts'
import { fromOutboxRow } from '../../bus/outbox-message.ts'
import type { Body } from '../../events.ts'
import type { OutboxRow } from '../../store/store.ts'
import type { Heard, Simulation } from './simulation.ts'
import { type End, endOf } from './simulation-ends.ts'
import { type Due, FlowModel } from './simulation-flows.ts'
import { GroupModel } from './simulation-groups.ts'
import type { Commit } from './simulation-hub.ts'

/** Everything in which a simulation has broken a promise, in words. */
export async function brokenPromises(simulation: Simulation): Promise<string[]> {
  const groups = new GroupModel()
  const flows = new FlowModel()
  for (const commit of simulation.commits) {
    groups.take(commit)
    for (const step of stepsOf(commit))
      if ('event' in step) flows.take(step.event, commit.atMs)
      else flows.send(step.body, commit.atMs)
  }
  const ends = endsByKey(simulation)
  const { troubles } = simulation
  return [
    ...sent(simulation),
    ...groupFaults(simulation, groups, ends),
    ...flows.faults,
    ...flows.dues.flatMap((due) => punctual(simulation, due, troubles.latestTimer(due.dueMs))),
    ...[...flows.flows].flatMap(([key, { end }]) => oneEnd(key, end?.atMs, ends)),
    ...unopened(ends, [...groups.groups.keys(), ...flows.flows.keys()]),
    ...(await leftOvers(simulation, groups.refused)),
  ]
}

type Step = { readonly event: Commit['events'][number] } | { readonly body: Body }

/** Events and what followed from each; what no event is the cause of followed from timers, which fire last of all. */
function stepsOf({ events, rows }: Commit): Step[] {
  const ids = new Set(events.map(({ meta }) => meta.id))
  const following = (isOf: (causationId: unknown) => boolean) =>
    rows.flatMap((row) => {
      const { message, body } = read(row)
      return body && isOf(message.properties.headers?.['x-ebs-causation']) ? [{ body }] : []
    })
  return [
    ...events.flatMap((event) => [{ event }, ...following((id) => id === event.meta.id)]),
    ...following((id) => typeof id !== 'string' || !ids.has(id)),
  ]
}

function read(row: OutboxRow) {
  const message = fromOutboxRow(row)
  const received = { ...message, properties: { ...message.properties, headers: message.properties.headers ?? {} } }
  const event = parseEvent(received)
  return { message, body: 'data' in event ? event.data : undefined }
}

type Ends = ReadonlyMap<string, readonly (Heard & End)[]>

/** Ends that were heard, by the key of their conversation. */
function endsByKey({ heard }: Simulation): Ends {
  const ends = new Map<string, (Heard & End)[]>()
  for (const one of heard.values()) {
    const end = endOf(one.message)
    if (end) ends.set(end.id.key, [...(ends.get(end.id.key) ?? []), { ...one, ...end }])
  }
  return ends
}

/** What was committed was heard, in time, under an id of its own; and nothing else was. */
function sent(simulation: Simulation): string[] {
  const rows = simulation.commits.flatMap(({ rows, atMs }) => rows.map((row) => ({ ...read(row), atMs })))
  const ids = rows.map(({ message }) => message.properties.messageId ?? '')
  const said = rows.filter(({ message }) => message.exchange === 'ebs')
  const known = new Set(ids)
  return [
    ...(known.size < ids.length ? ['two messages have the same id'] : []),
    ...simulation.stillArmed.map((key) => `${key} ended and had a timer`),
    ...simulation.ambiguous.map((id) => `something else was heard under the id ${id}`),
    ...said.flatMap(({ message: { properties }, atMs }) => {
      const what = `${properties.type ?? 'what a handler says'} of ${at(simulation, atMs)}`
      const heard = simulation.heard.get(properties.messageId ?? '')
      return heard
        ? punctual(simulation, { what, dueMs: atMs, atMs: heard.atMs }, simulation.troubles.latestMessage(atMs))
        : [`${what} was not heard`]
    }),
    ...[...simulation.heard.values()].flatMap(({ message: { properties } }) =>
      properties.appId !== 'hub' || properties.type === 'MESSAGE_DEAD' || known.has(properties.messageId ?? '')
        ? []
        : [`${properties.type} was heard and never committed`],
    ),
  ]
}

function punctual(simulation: Simulation, { what, dueMs, atMs }: Due, latestMs: number): string[] {
  const due = `was due at ${at(simulation, dueMs)}, at ${at(simulation, latestMs)} at the latest`
  return atMs >= dueMs && atMs <= latestMs ? [] : [`${what} ${due}, and came at ${at(simulation, atMs)}`]
}

const at = ({ startMs }: Simulation, atMs: number) => `+${atMs - startMs} ms`

function groupFaults(simulation: Simulation, { groups }: GroupModel, ends: Ends): string[] {
  return [...groups].flatMap(([key, { dueMs, end }]) => {
    const [heard] = ends.get(key) ?? []
    if (!end || !heard) return oneEnd(key, end?.atMs, ends)
    const body: Record<string, unknown> = heard.body
    const isAsExpected =
      body.type === end.type && Object.entries(end.says).every(([k, v]) => isDeepStrictEqual(body[k], v))
    return [
      ...oneEnd(key, end.atMs, ends),
      ...(isAsExpected ? [] : [`${key} ended with ${JSON.stringify(heard.body)}, not with ${JSON.stringify(end)}`]),
      ...(end.isTimeout
        ? punctual(simulation, { what: `end of ${key}`, dueMs, atMs: end.atMs }, simulation.troubles.latestTimer(dueMs))
        : []),
    ]
  })
}

function oneEnd(key: string, endedMs: number | undefined, ends: Ends): string[] {
  const heard = ends.get(key)?.length ?? 0
  return heard === 1 && endedMs !== undefined ? [] : [`${key} has ${heard} ends`]
}

const unopened = (ends: Ends, opened: readonly string[]) =>
  [...ends.keys()].filter((key) => !opened.includes(key)).map((key) => `${key} ended and never began`)

async function leftOvers(simulation: Simulation, refused: ReadonlySet<string>): Promise<string[]> {
  const { store } = simulation
  const dead = await simulation.take('hub_consume.dead')
  const deadIds = new Set(dead.map(({ properties }) => properties.messageId ?? ''))
  const counts = {
    timers: await store.reader.countTimers(),
    'outbox rows': store.countPending(),
    'early events': await store.reader.countEarly(),
    'open conversations': (await store.reader.countOpen()).length,
    'messages for the hub': simulation.depth('hub_consume'),
    'calls for the worker': simulation.depth('flow_worker_consume'),
    'dead calls': simulation.depth('flow_worker_consume.dead'),
    'messages that no queue wanted': simulation.depth('ebs.unrouted'),
  }
  return [
    ...Object.entries(counts).flatMap(([what, count]) => (count > 0 ? [`${count} ${what} are left`] : [])),
    ...[...deadIds].filter((id) => !refused.has(id)).map((id) => `${id} died`),
    ...[...refused].filter((id) => !deadIds.has(id)).map((id) => `${id} should have died`),
  ]
}
