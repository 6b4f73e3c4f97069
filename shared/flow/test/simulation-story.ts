import fc from 'fast-check'
import type { Event } from '../../bus/envelope.ts'
import type { Body } from '../../events.ts'
import type { Fault, FaultName, Sending } from './simulation.ts'

/** Random groups, flows and faults. Times are ms from the start of the simulation. */

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
/** Faults begin within it, or about the time when something falls due. */
const BUSY_MS = 2 * MINUTE_MS
const CREATED_AT = '2026-01-01T00:00:00.000Z'
const MEMBERS_MAX = 3

const rarely = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(null) }, { weight: 1, arbitrary })

/** The same message again, under its own id or another. */
const again = fc.record({ afterMs: fc.oneof(fc.nat(30), fc.nat(5_000)), hasOwnId: fc.boolean() })
const copies: fc.Arbitrary<Copies> = fc.oneof(
  { weight: 4, arbitrary: fc.constant([]) },
  fc.array(again, { minLength: 1, maxLength: 2 }),
)

const ttlMs = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(10, 11, 19, 100, 1_000, 30_000, MINUTE_MS) },
  { weight: 4, arbitrary: fc.integer({ min: 10, max: 20_000 }) },
  // Each costs as many sweeps as it has minutes.
  { weight: 1, arbitrary: fc.constantFrom(HOUR_MS, 3 * HOUR_MS) },
)

/** Of a member, or of a stranger when the number is too high; a share of the ttl later than the Create, and a little. */
const word = fc.record({
  member: fc.nat(MEMBERS_MAX),
  share: fc.constantFrom(0, 0, 0, 0.5, 1),
  littleMs: fc.oneof(fc.integer({ min: -40, max: 40 }), fc.integer({ min: -3_000, max: 6_000 }), fc.constant(-70_000)),
  outcome: fc.constantFrom('result', 'result', 'result', 'result', 'error'),
  copies,
})

const group = fc.record({
  atMs: fc.nat(MINUTE_MS),
  members: fc.oneof({ weight: 8, arbitrary: fc.integer({ min: 1, max: MEMBERS_MAX }) }, fc.constant(0)),
  ttlMs,
  /** More than there are members is refused. */
  quorum: fc.option(fc.integer({ min: 1, max: MEMBERS_MAX }), { freq: 2 }),
  isPartial: fc.boolean(),
  isObject: fc.boolean(),
  hasHandler: fc.boolean(),
  /** Another Create with the same id, so long before or after the first. */
  conflictMs: rarely(fc.integer({ min: -30, max: 3_000 })),
  copies,
  words: fc.array(word, { maxLength: 7 }),
})
type Group = typeof group extends fc.Arbitrary<infer T> ? T : never

/** What a worker says to one attempt. `attempt` 0 is the current one, -1 the one before, null says nothing about it. */
const said = fc.record({
  afterMs: fc.oneof(fc.nat(50), fc.integer({ min: 1_950, max: 2_250 }), fc.nat(5_000)),
  status: fc.constantFrom(200, 200, 200, 200, 400, 500, 503),
  attempt: fc.constantFrom(0, 0, 0, null, -1, 1),
  isProgress: fc.constantFrom(false, false, false, true),
  copies,
})
const manner = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(said.map((one) => ({ ...one, status: 200, attempt: 0, isProgress: false }))) },
  { weight: 2, arbitrary: fc.array(said, { maxLength: 3 }) },
)

const trip = fc.record({
  atMs: fc.nat(MINUTE_MS),
  length: fc.integer({ min: 1, max: 3 }),
  isTolerant: fc.boolean(),
  doesNothing: fc.constantFrom(false, false, false, false, true),
  conflictMs: rarely(fc.integer({ min: -30, max: 3_000 })),
  copies,
  /** Attempts take their turns at these. */
  manners: fc.array(manner, { minLength: 1, maxLength: 5 }),
})
type Trip = typeof trip extends fc.Arbitrary<infer T> ? T : never

const PAUSES = ['kill', 'kill all', 'stop', 'block', 'store out', 'wake-ups lost'] as const satisfies FaultName[]
const MOMENTS = ['cut', 'restart', 'another hub'] as const satisfies FaultName[]
const POINTS = ['before commit', 'after commit', 'before publish', 'after publish'] as const satisfies FaultName[]

/** At any time, or a little before or after one of the groups falls due. */
const moment = fc.oneof(
  fc.record({ atMs: fc.nat(BUSY_MS) }),
  fc.record({ groupNo: fc.nat(), littleMs: fc.integer({ min: -60, max: 60 }) }),
)
const forMs = fc.oneof(fc.nat(100), fc.nat(5_000), fc.nat(90_000))
const fault = fc
  .tuple(
    moment,
    forMs,
    fc.oneof(
      fc.constantFrom(...PAUSES, ...MOMENTS).map((what) => ({ what })),
      fc.record({ what: fc.constantFrom(...POINTS), count: fc.nat(3) }),
    ),
  )
  .map(([moment, forMs, what]) => ({ moment, forMs, what }))

export const story = fc.record({
  groups: fc.array(group, { maxLength: 4 }),
  trips: fc.array(trip, { maxLength: 2 }),
  /** Another hub stands by from the beginning. */
  isDouble: fc.constantFrom(false, false, true),
  faults: fc.array(fault, { maxLength: 5 }),
})
export type Story = typeof story extends fc.Arbitrary<infer T> ? T : never

/** By then everything has fallen due long ago, and every fault is over. */
export const lengthOf = ({ groups }: Story): number =>
  Math.max(BUSY_MS, ...groups.map(({ atMs, ttlMs }) => atMs + ttlMs)) + 6 * MINUTE_MS

export const sendingsOf = ({ groups, trips }: Story): Sending[] => [
  ...groups.flatMap(groupSendings),
  ...trips.flatMap(tripSendings),
]

export function faultsOf({ faults, groups, isDouble }: Story): Fault[] {
  const timed = faults.map(({ moment, forMs, what }) => {
    if ('atMs' in moment) return { atMs: moment.atMs, forMs, ...what }
    const near = groups[moment.groupNo % groups.length]
    return { atMs: Math.max(0, (near ? near.atMs + near.ttlMs : 0) + moment.littleMs), forMs, ...what }
  })
  return isDouble ? [{ atMs: 0, forMs: 0, what: 'another hub' }, ...timed] : timed
}

type Copies = readonly { readonly afterMs: number; readonly hasOwnId: boolean }[]

/** A message, and its copies. */
function sentOften({ atMs, id, body }: Sending, copies: Copies): Sending[] {
  const again = copies.map(({ afterMs, hasOwnId }, n) => ({
    atMs: atMs + afterMs,
    id: hasOwnId ? id : `${id} copy ${n}`,
    body,
  }))
  return [{ atMs, id, body }, ...again]
}

function groupSendings(group: Group, n: number): Sending[] {
  const id = `g${n}`
  const create = { id: `${id} create`, atMs: group.atMs, body: createOf(id, group) }
  const conflict = { ...create, id: `${id} conflict`, body: createOf(id, { ...group, ttlMs: group.ttlMs + 7 }) }
  const words = group.words.flatMap(({ member, share, littleMs, outcome, copies }, i) => {
    const atMs = Math.max(0, Math.round(group.atMs + share * group.ttlMs + littleMs))
    const about = { id, member: memberOf(n, member), text: `${id} word ${i}` }
    const body = group.isObject ? taskBody(about, outcome) : doneBody(about, outcome)
    return sentOften({ atMs, id: about.text, body }, copies)
  })
  return [
    ...sentOften(create, group.copies),
    ...(group.conflictMs === null ? [] : [{ ...conflict, atMs: Math.max(0, group.atMs + group.conflictMs) }]),
    ...words,
  ]
}

const memberOf = (n: number, member: number) => `g${n} member ${member}`

function createOf(id: string, group: Group): Body<'EventGroupCollectorCreate'> {
  const { members, quorum, isPartial, isObject, hasHandler } = group
  const expected = Array.from({ length: members }, (_, member) => `${id} member ${member}`)
  const handled = { topic: 'handled', payload: { group: id } }
  return {
    type: 'EventGroupCollectorCreate',
    id,
    expected,
    ttl: group.ttlMs / 1_000,
    ...(quorum !== null && { quorum }),
    ...(isPartial && { onTimeout: 'partial' }),
    ...(isObject && { completedBy: 'tasks', payload: { tenant: 'acme', createdAt: CREATED_AT } }),
    ...(hasHandler && { handler: { onsuccess: handled, onfailure: handled } }),
  }
}

type About = { readonly id: string; readonly member: string; readonly text: string }

const doneBody = ({ id, member, text }: About, outcome: string): Body => ({
  type: 'EventGroupCollectorEntityDone',
  id: member,
  group: id,
  ...(outcome === 'error' ? { error: text } : { result: text }),
})

function taskBody({ id, member, text }: About, outcome: string): Body {
  const run = { taskId: member, objectId: id, processor: 'p', attempt: 1, durationMs: 1 }
  if (outcome === 'error') return { type: 'TASK_FAILED', ...run, error: text, final: true }
  return { type: 'TASK_FINISHED', ...run, result: text }
}

function tripSendings({ atMs, length, isTolerant, doesNothing, conflictMs, copies }: Trip, n: number): Sending[] {
  const id = `f${n}`
  const body: Body<'FLOW_REQUESTED'> = {
    type: 'FLOW_REQUESTED',
    flowId: id,
    length,
    mode: 'parallel',
    ...(isTolerant && { requestKey: 'tolerant' }),
    ...(doesNothing && { error: 'hub' }),
  }
  const conflict = { id: `${id} conflict`, body: { ...body, requestKey: 'another' } }
  return [
    ...sentOften({ atMs, id: `${id} request`, body }, copies),
    ...(conflictMs === null ? [] : [{ ...conflict, atMs: Math.max(0, atMs + conflictMs) }]),
  ]
}

/** What the worker of the story says to a call, from now on. It says the same whenever it is asked again. */
export function answersTo({ trips }: Story, { data }: Event<'FLOW_CALLED'>): Sending[] {
  const { callId, flowId, attempt } = data
  const manners = trips[Number(flowId.slice(1))]?.manners ?? []
  const n = Number(callId.slice(flowId.length + 1))
  const answers = manners[(n * 3 + attempt) % manners.length] ?? []
  return answers.flatMap(({ afterMs, status, attempt: shift, isProgress, copies }, i) => {
    const id = `${callId} ${attempt} answer ${i}`
    const body: Body<'FLOW_CALL_ANSWERED'> = {
      type: 'FLOW_CALL_ANSWERED',
      callId,
      status,
      complete: !isProgress,
      ...(shift !== null && { attempt: Math.max(1, attempt + shift) }),
      ...(status < 400 ? { output: id } : { error: id }),
    }
    return sentOften({ atMs: afterMs, id, body }, copies)
  })
}
