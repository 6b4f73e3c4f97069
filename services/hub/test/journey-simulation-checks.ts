import type { Body } from '../../../shared/events.ts'
import { splitCallId } from '../../../shared/flow/journey/call-names.ts'
import { hasEnded } from '../../../shared/flow/journey/state.ts'
import { activityQueueOf, deadQueueOf, replayQueueOf, unroutedQueue } from '../../../shared/topology.ts'
import { HEARD, type JourneySimulation, REPLIES } from './journey-simulation.ts'
import { ACTIVITIES } from './journey-simulation-definitions.ts'
import type { Operator } from './journey-simulation-operator.ts'
import type { Seen } from './journey-simulation-witness.ts'

const ENDS: ReadonlySet<string> = new Set([
  'JOURNEY_COMPLETED',
  'JOURNEY_FAILED',
  'JOURNEY_COMPENSATED',
  'JOURNEY_CANCELLED',
])

const works = ACTIVITIES.map(activityQueueOf)
/** Everything that messages pass through. */
export const passages: readonly string[] = [
  ...[HEARD, REPLIES, unroutedQueue],
  ...['hub_consume', 'hub_work', ...works].flatMap((queue) => [queue, replayQueueOf(queue)]),
]
const deadQueues = ['hub_work', ...works].map(deadQueueOf)

/** Everything in which a simulation that has come to its end has broken a promise, in words. */
export async function brokenPromises(simulation: JourneySimulation, operator: Operator): Promise<string[]> {
  return [
    ...simulation.witness.broken,
    ...simulation.surprises,
    ...requests(simulation),
    ...heard(simulation),
    ...[...simulation.witness.journeys.values()].flatMap((seen) => [
      ...oneEnd(simulation, seen),
      ...effects(simulation, seen),
      ...twiceCounted(seen),
    ]),
    ...strayEffects(simulation),
    ...(await acts(simulation, operator)),
    ...(await jobs(simulation, operator)),
    ...(await leftOvers(simulation)),
  ]
}

/** J2: each request has its journey, its one reply, and no other journey than the first with its key. */
function requests({ sent, replies, witness }: JourneySimulation): string[] {
  const byId = new Map(sent.map((one) => [one.id, one]))
  const refused = new Map<string, number>()
  const faults = [...byId.values()].flatMap(({ id, sagaId, body }) => {
    const state = witness.journeys.get(sagaId)?.state
    if (!state) return [`${id} has no journey`]
    const isSame = JSON.stringify(state.payload) === JSON.stringify(body.payload)
    if (!isSame) refused.set(sagaId, (refused.get(sagaId) ?? 0) + 1)
    // Who waits hears, too, that a person is asked.
    const got = [...replies.values()].flatMap(({ meta, type }) =>
      meta.correlationId === id && type !== 'JOURNEY_NEEDS_REMEDIATION' ? [type] : [],
    )
    const isRight = got.length === 1 && (isSame ? ENDS.has(got[0] ?? '') : got[0] === 'JOURNEY_REJECTED')
    return isRight
      ? []
      : [`${id} (${isSame ? 'as' : 'other than'} the journey) was answered ${got.join(', ') || 'nothing'}`]
  })
  const rejected = distinct(witness, 'JOURNEY_REJECTED')
  return [
    ...faults,
    ...[...witness.journeys.keys()].flatMap((id) => {
      const said = rejected.filter((body) => 'sagaId' in body && body.sagaId === id).length
      return said === (refused.get(id) ?? 0) ? [] : [`${id} rejected ${said} requests, not ${refused.get(id) ?? 0}`]
    }),
  ]
}

/** Everything that was committed was heard, each under an id of its own. */
function heard({ witness, heard }: JourneySimulation): string[] {
  const ids = new Set<string>()
  return witness.spoken.flatMap(({ id, isForAll, body: { type } }) => {
    if (!/^(?:JOURNEY|ACTIVITY|DEFINITION)_/.test(type)) return []
    const isTwice = ids.has(id)
    ids.add(id)
    return [
      ...(isTwice ? [`two messages have the id ${id} (${type})`] : []),
      ...(isForAll && !heard.has(id) ? [`${type} (${id}) was not heard`] : []),
    ]
  })
}

/** What was said to all, of this type. */
const distinct = ({ spoken }: JourneySimulation['witness'], type: Body['type']) =>
  spoken.flatMap(({ isForAll, body }) => (isForAll && body.type === type ? [body] : []))

function oneEnd({ heard }: JourneySimulation, { state, history }: Seen): string[] {
  const ends = [...heard.values()].filter(
    ({ data }) => ENDS.has(data.type) && 'sagaId' in data && data.sagaId === state.id,
  )
  const [end] = ends
  const asks = history.filter(({ what }) => what === 'needs remediation').length
  const asked = [...heard.values()].filter(
    ({ data }) => data.type === 'JOURNEY_NEEDS_REMEDIATION' && data.sagaId === state.id,
  )
  const names = end?.data.type === 'JOURNEY_COMPENSATED' ? end.data.compensated : state.undone
  return [
    ...(hasEnded(state) ? [] : [`${state.id} is ${state.status}: ${JSON.stringify(state)}`]),
    ...(ends.length === 1 ? [] : [`${state.id} has ${ends.length} ends`]),
    ...(end && end.type !== `JOURNEY_${state.status}` ? [`${state.id} is ${state.status}, and said ${end.type}`] : []),
    ...(asks === asked.length ? [] : [`${state.id} needed a person ${asks} times, and said so ${asked.length} times`]),
    ...(names.join() === state.undone.join() ? [] : [`${state.id} said that it took back ${names.join()}`]),
  ]
}

/** What a journey says was done was done, and what was taken back, too. */
function effects({ shop, witness }: JourneySimulation, { state, history }: Seen): string[] {
  const done = new Map([...shop.effects.values()].map((effect) => [effect.callId, effect]))
  const has = (step: string, undo = '') => done.get(`${state.id}:${step}${undo}`)
  const { steps } = witness.definitionOf(state)
  const decidedMs = history.find(({ what }) => what === 'compensating')?.atMs ?? 0
  // Who answers without saying which attempt is meant may end one that is still being done.
  const isVague = (step: string) =>
    shop.said.some(({ callId, attempt }) => callId === `${state.id}:${step}` && attempt === undefined)
  return state.steps.flatMap(({ name, state: what, undo }) => {
    const isUndone = state.undone.includes(name)
    const isAble = steps.find((step) => step.name === name)?.compensate !== undefined
    const effect = has(name)
    return [
      ...(what === 'done' && !effect ? [`${state.id}: ${name} is done, and nothing was`] : []),
      ...(undo?.state === 'done' && !has(name, ':undo') ? [`${state.id}: ${name} is taken back, and nothing was`] : []),
      ...(state.status === 'COMPENSATED' && isAble && !isUndone && effect && effect.atMs < decidedMs && !isVague(name)
        ? [`${state.id}: ${name} was done, and not taken back`]
        : []),
    ]
  })
}

/** Something that only one key may do was done under several, and nobody had given another input; or nobody had asked for it. */
function strayEffects({ shop, witness }: JourneySimulation): string[] {
  const keys = new Map<string, string[]>()
  for (const [key, { callId }] of shop.effects) keys.set(callId, [...(keys.get(callId) ?? []), key])
  return [...keys].flatMap(([callId, used]) => {
    const name = splitCallId(callId)
    const step = witness.journeys.get(name?.sagaId ?? '')?.state.steps.find((one) => one.name === name?.step)
    const call = name?.isUndo ? step?.undo : step
    if (!call || call.attempt === 0) return [`${callId} was done, and nobody had asked for it`]
    const most = 1 + (call.patches ?? 0)
    return used.length <= most ? [] : [`${callId} was done ${used.length} times: ${used.join(', ')}`]
  })
}

/** Each answer of somebody else, who has a word of their own in each, counts once. */
function twiceCounted({ state, history }: Seen): string[] {
  const words = history.flatMap(({ what, detail }) =>
    what === 'answered' ? (/ (answer of .+)$/.exec(detail ?? '')?.[1] ?? []) : [],
  )
  return words.filter((word, i) => words.indexOf(word) !== i).map((word) => `${state.id}: ${word} counted twice`)
}

/** J4: each act that was done stands once in the history, with who and why, and was said; what was refused has left no trace. */
async function acts(simulation: JourneySimulation, { decided }: Operator): Promise<string[]> {
  const dead = await simulation.look(deadQueueOf('hub_consume'))
  const refused = dead.map(({ body }) => body.toString())
  const said = distinct(simulation.witness, 'JOURNEY_REMEDIATED')
  const strangers = dead.filter(({ properties: { type } }) => type !== 'REMEDIATION_COMMAND')
  return [
    ...strangers.map(({ body, properties: { headers } }) => `${body} died: ${headers['x-ebs-error']}`),
    ...[...decided].flatMap(([reason, { sagaId, outcome, isStale }]) => {
      const lines = linesOf(simulation, sagaId, reason)
      const told = said.filter((body) => 'reason' in body && body.reason === reason).length
      const isDead = refused.some((text) => text.includes(`"${reason}"`))
      const isRight = {
        done: lines === 1,
        refused: lines === 0,
        unknown: lines <= 1,
        published: lines === 1 || (lines === 0 && isDead),
      }[outcome]
      return [
        ...(isStale && lines > 0 ? [`${reason} was about another revision of ${sagaId}, and was done`] : []),
        ...(isRight ? [] : [`${reason} was ${outcome}, dead is ${isDead}, and stands ${lines} times in ${sagaId}`]),
        ...(told === lines ? [] : [`${reason} stands ${lines} times in ${sagaId}, and was said ${told} times`]),
      ]
    }),
  ]
}

const linesOf = ({ witness }: JourneySimulation, sagaId: string, reason: string) =>
  witness.journeys.get(sagaId)?.history.filter(({ detail }) => detail === `ann: ${reason}`).length ?? 0

/** A job has done what it says, to each journey once. */
async function jobs(simulation: JourneySimulation, { jobs }: Operator): Promise<string[]> {
  const ids = [...simulation.witness.journeys.keys()]
  const faults: string[] = []
  for (const [reason, id] of jobs) {
    const counts = ids.map((sagaId) => linesOf(simulation, sagaId, reason))
    const lines = counts.reduce((sum, count) => sum + count, 0)
    if (counts.some((count) => count > 1)) faults.push(`the job ${reason} was carried out twice by a journey`)
    const found = await simulation.store.reader.findConversation({ kind: 'remediation-job', key: id })
    if (!found) continue
    const { done, refused, total } = JSON.parse(found.state)
    if (done !== lines || done + refused !== total)
      faults.push(`the job ${reason} says ${done} done and ${refused} refused of ${total}, and ${lines} are so`)
  }
  return faults
}

async function leftOvers(simulation: JourneySimulation): Promise<string[]> {
  const { store } = simulation
  const counts: [string, number][] = [
    ['timers', await store.reader.countTimers()],
    ['frozen timers', await store.reader.countFrozenTimers()],
    ['early events', await store.reader.countEarly()],
    ['outbox rows', await store.countPending()],
  ]
  for (const { kind, count } of await store.reader.countOpen()) counts.push([`open conversations (${kind})`, count])
  for (const queue of [...passages, ...deadQueues]) counts.push([`messages in ${queue}`, simulation.depth(queue)])
  return counts.flatMap(([what, count]) => (count > 0 ? [`${count} ${what} are left`] : []))
}
