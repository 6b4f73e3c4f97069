import type { EventType } from '../../shared/events.ts'
import type { Client } from './client.ts'
import type { Doing } from './doing.ts'
import { effectsBroken } from './effect-checks.ts'
import { wrongEnds } from './end-checks.ts'
import { ledgerBroken } from './ledger-checks.ts'
import { leftOvers } from './left-over-checks.ts'
import { rulesBroken } from './rule-checks.ts'
import type { System } from './system.ts'
import { tooEarly, tooLate } from './time-checks.ts'
import { totalsBroken } from './total-checks.ts'
import type { Witness } from './witness.ts'

/** A story that has come to its end, or that cannot. */
export type Ended = {
  readonly system: System
  readonly witness: Witness
  readonly doing: Doing
  readonly client: Client
}

/** Everything in which a story has broken a promise, in words; each begins with the name of the promise. */
export async function brokenPromises(ended: Ended): Promise<string[]> {
  const checks: Readonly<Record<string, (ended: Ended) => readonly string[] | Promise<readonly string[]>>> = {
    accepted: acceptedIsThere,
    'one end': oneEnd,
    'the right end': wrongEnds,
    'one meaning per id': oneMeaning,
    'one id per meaning': oneId,
    'no timer early': tooEarly,
    'no timer late': tooLate,
    'rules leak nothing': rulesBroken,
    'effects once': effectsBroken,
    totals: totalsBroken,
    'the ledger balances': ledgerBroken,
    'nothing left': leftOvers,
  }
  const broken: string[] = []
  for (const [promise, check] of Object.entries(checks))
    for (const fault of await check(ended)) broken.push(`${promise}: ${fault}`)
  return broken
}

const ENDS = {
  object: ['OBJECT_COMPLETED', 'OBJECT_FAILED'],
  group: ['EventGroupCollectorSuccess', 'EventGroupCollectorFailure'],
  flow: ['FLOW_SUCCEEDED', 'FLOW_FAILED'],
  journey: ['JOURNEY_COMPLETED', 'JOURNEY_FAILED', 'JOURNEY_COMPENSATED', 'JOURNEY_CANCELLED'],
} as const satisfies Record<string, readonly EventType[]>

/** Whatever was answered with 2xx was announced, so often as was asked. */
function acceptedIsThere({ witness, doing }: Ended): string[] {
  const made = new Map<string, Set<string>>()
  for (const { data } of witness.of('OBJECT_CREATED')) {
    const { id, name } = data.object
    made.set(name, (made.get(name) ?? new Set()).add(id))
  }
  const flows = new Set(witness.of('FLOW_REQUESTED').map(({ data }) => data.flowId))
  const journeys = new Set(witness.of('INITIATE_WORKFLOW').map(({ data }) => data.sagaId))
  return [
    ...[...doing.objects].flatMap(([name, count]) => {
      const { size = 0 } = made.get(name) ?? {}
      return size === count ? [] : [`${count} of ${name} were accepted, and ${size} announced`]
    }),
    ...[...doing.flows.keys()].filter((id) => !flows.has(id)).map((id) => `${id} was accepted, and not announced`),
    ...[...doing.journeys.keys()]
      .filter((id) => !journeys.has(id))
      .map((id) => `journey ${id} was accepted, and not announced`),
  ]
}

/** Each conversation that began has one end, and no end is one of nothing. */
function oneEnd({ witness }: Ended): string[] {
  const began = {
    object: new Set(witness.of('OBJECT_CREATED').map(({ data }) => data.object.id)),
    group: new Set(
      witness.of('EventGroupCollectorCreate').flatMap(({ data }) => (data.completedBy === 'tasks' ? [] : [data.id])),
    ),
    flow: new Set(witness.of('FLOW_REQUESTED').map(({ data }) => data.flowId)),
    journey: new Set(witness.of('INITIATE_WORKFLOW').map(({ data }) => data.sagaId)),
  }
  const ends = {
    object: ENDS.object.flatMap((type) => witness.of(type).map(({ data }) => data.objectId)),
    group: ENDS.group.flatMap((type) => witness.of(type).map(({ data }) => data.id)),
    flow: ENDS.flow.flatMap((type) => witness.of(type).map(({ data }) => data.flowId)),
    journey: ENDS.journey.flatMap((type) => witness.of(type).map(({ data }) => data.sagaId)),
  }
  return (['object', 'group', 'flow', 'journey'] as const).flatMap((kind) => {
    const counts = new Map<string, number>()
    for (const id of ends[kind]) counts.set(id, (counts.get(id) ?? 0) + 1)
    return [
      ...[...began[kind]].flatMap((id) => {
        const count = counts.get(id) ?? 0
        return count === 1 ? [] : [`${kind} ${id} has ${count} ends`]
      }),
      ...[...counts.keys()].filter((id) => !began[kind].has(id)).map((id) => `${kind} ${id} ended, and never began`),
    ]
  })
}

/** Two messages with one id are the same message. */
function oneMeaning({ witness }: Ended): string[] {
  return witness.each.flatMap((event) => {
    const first = witness.heard.get(event.meta.id)
    return first && (first.type !== event.type || first.meta.key !== event.meta.key)
      ? [`${event.meta.id} is a ${first.type} and a ${event.type}`]
      : []
  })
}

/** Whatever is handled again leads to the same messages as before, by their ids. */
function oneId({ witness }: Ended): string[] {
  const ids = new Map<string, string>()
  return witness.of('TASK_CREATED').flatMap(({ data, meta: { id, causationId } }) => {
    if (causationId === undefined) return []
    const meaning = `${data.type} ${data.task.id} of ${causationId}`
    const first = ids.get(meaning) ?? id
    ids.set(meaning, first)
    return first === id ? [] : [`${meaning} is ${first} and ${id}`]
  })
}
