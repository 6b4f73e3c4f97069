import { parseEvent } from '../../../shared/bus/envelope.ts'
import { fromOutboxRow } from '../../../shared/bus/outbox-message.ts'
import type { Body } from '../../../shared/events.ts'
import {
  callIdOf,
  DEADLINE,
  splitCallId,
  stepCall,
  timerOf,
  undoCall,
} from '../../../shared/flow/journey/call-names.ts'
import type { Definition } from '../../../shared/flow/journey/definition.ts'
import { readDefinition } from '../../../shared/flow/journey/definition-check.ts'
import {
  type Call,
  hasEnded,
  isSettled,
  isWaiting,
  type JourneyState,
  type JourneyStep,
  journeyStateSchema,
} from '../../../shared/flow/journey/state.ts'
import type { ConversationChange, HistoryEntry } from '../../../shared/store/conversations.ts'
import type { OutboxRow } from '../../../shared/store/store.ts'
import type { Said } from './journey-simulation-shop.ts'
import type { Commit } from './journey-simulation-store.ts'

/** What was seen of a journey. */
export type Seen = {
  state: JourneyState
  readonly history: HistoryEntry[]
  /** Steps that are done or may be, as that was seen: those of one commit in any order. */
  order: readonly (readonly string[])[]
}
/** What a hub says to all, or to one who waits. */
export type Spoken = { readonly id: string; readonly isForAll: boolean; readonly to: string; readonly body: Body }

export type WitnessOptions = {
  readonly said: readonly Said[]
  /** A journey as it is stored, with the names of its timers that run or stand still. */
  readonly find: (sagaId: string) => { readonly state: string; readonly timers: readonly string[] } | undefined
}

/** Sees every commit of every hub, and tells what is wrong with it. */
export class Witness {
  readonly broken: string[] = []
  readonly journeys = new Map<string, Seen>()
  readonly spoken: Spoken[] = []
  /** Newest attempt that was asked for, by call. */
  readonly #asked = new Map<string, number>()
  /** Attempts at a call when somebody had it tried again. */
  readonly #forgiven = new Map<string, number>()
  readonly #definitions = new Map<string, Definition>()
  readonly #registered: Pick<Commit['registered'][number], 'type' | 'version' | 'atMs'>[] = []
  readonly #options: WitnessOptions

  constructor(options: WitnessOptions) {
    this.#options = options
  }

  take({ changes, rows, registered }: Commit): void {
    for (const row of registered) this.#register(row)
    const touched = new Map<string, Seen | undefined>()
    for (const { to, history } of changes)
      if (to.kind === 'journey') {
        if (!touched.has(to.key)) touched.set(to.key, this.journeys.get(to.key))
        this.#change({ to, history })
      }
    for (const [id, before] of touched) {
      const after = this.journeys.get(id)
      if (after) this.#compare(before, after)
    }
    for (const row of rows) this.#hear(row)
  }

  #register({ type, version, document, atMs }: Commit['registered'][number]): void {
    const read = readDefinition(JSON.parse(document))
    if (!read.ok) return
    if (this.#definitions.has(`${type} ${version}`)) this.broken.push(`${type} ${version} was registered twice`)
    this.#definitions.set(`${type} ${version}`, read.definition)
    this.#registered.push({ type, version, atMs })
  }

  #change({ to, history }: Pick<ConversationChange, 'to' | 'history'>): void {
    const state = journeyStateSchema.parse(JSON.parse(to.state))
    const before = this.journeys.get(to.key)
    this.journeys.set(to.key, { state, history: [...(before?.history ?? []), ...history], order: before?.order ?? [] })
  }

  #compare(before: Seen | undefined, after: Seen): void {
    const { state } = after
    after.order = orderAfter(after.order, before?.state, state)
    const faults = [
      ...(before ? unlike(before.state, state) : []),
      ...this.#versionFaults(before?.state, state),
      ...this.#answerFaults(before?.state, state),
      ...this.#timerFaults(state),
      ...this.#budgetFaults(before?.state, state),
      ...(before ? haltFaults(before.state, state) : []),
      ...(state.status === 'COMPENSATED' ? this.#orderFaults(after) : []),
    ]
    this.broken.push(...faults.map((fault) => `${state.id}: ${fault}`))
  }

  /** It begins with the newest version, and keeps to it. One that is registered in the same moment counts for it or does not. */
  #versionFaults(before: JourneyState | undefined, { type, version, startedMs = 0 }: JourneyState): string[] {
    if (before && before.version > 0)
      return version === before.version ? [] : [`it has gone from version ${before.version} to ${version}`]
    const known = this.#registered.filter((one) => one.type === type)
    const newest = Math.max(0, ...known.flatMap((one) => (one.atMs < startedMs ? [one.version] : [])))
    const isThere = known.some((one) => one.version === version)
    return version === 0 || (isThere && version >= newest) ? [] : [`it began with version ${version}, not ${newest}`]
  }

  /** What an attempt came to was said about this attempt. */
  #answerFaults(before: JourneyState | undefined, state: JourneyState): string[] {
    return callsOf(state).flatMap(([callId, call]) => {
      const known = before && new Map(callsOf(before)).get(callId)
      return call.attempts.flatMap(({ attempt, status, isSilent }) => {
        if (isSilent || known?.attempts.some((one) => one.attempt === attempt)) return []
        const isSaid = this.#options.said.some(
          (one) => one.callId === callId && one.status === status && (one.attempt ?? attempt) === attempt,
        )
        return isSaid ? [] : [`attempt ${attempt} of ${callId} ended ${status}, which nobody has said of it`]
      })
    })
  }

  /** Whatever waits has its timer, nothing else has, and the deadline runs while steps do. */
  #timerFaults({ id }: JourneyState): string[] {
    // Another commit may have come with this one.
    const found = this.#options.find(id)
    if (!found) return ['it is not stored']
    const state = journeyStateSchema.parse(JSON.parse(found.state))
    const wanted = hasEnded(state)
      ? []
      : state.steps.flatMap((step) => [
          ...(isWaiting(step) ? [timerOf(stepCall(step.name))] : []),
          ...(step.undo && isWaiting(step.undo) ? [timerOf(undoCall(step.name))] : []),
        ])
    if (state.phase === 'running') wanted.push(DEADLINE)
    const isSame = found.timers.toSorted().join() === wanted.toSorted().join()
    const isStuck = wanted.length === 0 && !hasEnded(state) && !state.remediation
    return [
      ...(isSame ? [] : [`it waits for ${wanted.join(', ')}, and has the timers ${found.timers.join(', ')}`]),
      ...(isStuck ? ['it waits for nothing'] : []),
    ]
  }

  /** What fails too often has had as many attempts as its definition says, since somebody had it tried again. */
  #budgetFaults(before: JourneyState | undefined, state: JourneyState): string[] {
    const were = new Map(before ? callsOf(before) : [])
    return callsOf(state).flatMap(([callId, call]) => {
      const was = were.get(callId)
      if (was && !isWaiting(was) && isWaiting(call)) this.#forgiven.set(callId, was.attempt)
      const isOver = was !== undefined && isWaiting(was) && call.state === 'failed' && (call.status ?? 0) >= 500
      const name = splitCallId(callId)
      const step = this.definitionOf(state).steps.find((one) => one.name === name?.step)
      const retries = (name?.isUndo ? step?.compensate : step)?.retry.retries ?? 0
      const had = call.attempt - (this.#forgiven.get(callId) ?? 0)
      return isOver && had !== retries + 1 ? [`${callId} failed for good after ${had} of ${retries + 1} attempts`] : []
    })
  }

  /** J5: in reverse order of completion. */
  #orderFaults({ state, order }: Seen): string[] {
    const { steps } = this.definitionOf(state)
    const able = new Set(steps.flatMap(({ name, compensate }) => (compensate ? [name] : [])))
    const left = [...state.undone]
    const isInOrder = order.toReversed().every((group) => {
      const wanted = group.filter((name) => able.has(name))
      const found = left.splice(0, wanted.length)
      return found.toSorted().join() === wanted.toSorted().join()
    })
    const done = order.flatMap((group) => (group.length > 0 ? [group.join('+')] : [])).join(', ')
    return isInOrder && left.length === 0 ? [] : [`done were ${done}; taken back were ${state.undone.join(', ')}`]
  }

  #hear(row: OutboxRow): void {
    const message = fromOutboxRow(row)
    const { exchange, key, properties } = message
    const event = parseEvent({ ...message, properties: { ...properties, headers: properties.headers ?? {} } })
    if (!('data' in event)) return
    const to = properties.correlationId ?? ''
    this.spoken.push({ id: event.meta.id, isForAll: exchange !== '', to: `${key} ${to}`, body: event.data })
    if (event.data.type === 'ACTIVITY_REQUESTED') this.#request(event.data)
  }

  /** Each attempt is asked for once, one after another, and the first when its turn has come. */
  #request({ callId, sagaId, activity, attempt, idempotencyKey }: Body<'ACTIVITY_REQUESTED'>): void {
    const name = splitCallId(callId)
    const state = this.journeys.get(sagaId)?.state
    const step = state && this.definitionOf(state).steps.find((one) => one.name === name?.step)
    if (!name || !state || !step) {
      this.broken.push(`${callId} is asked for, and there is no such step`)
      return
    }
    const last = this.#asked.get(callId) ?? 0
    this.#asked.set(callId, attempt)
    const asked = name.isUndo ? step.compensate : step
    const unsettled = step.after.filter((before) => {
      const one = state.steps.find((other) => other.name === before)
      return !one || !isSettled(one)
    })
    const others = state.steps.filter(({ undo }) => undo && isWaiting(undo)).map((one) => one.name)
    const what = `attempt ${attempt} of ${callId}`
    if (attempt !== last + 1) this.broken.push(`${what} is asked for behind attempt ${last}`)
    if (asked?.activity !== activity) this.broken.push(`${what} asks for ${activity}, not for ${asked?.activity}`)
    if (!idempotencyKey.startsWith(callId)) this.broken.push(`${what} has the key ${idempotencyKey}`)
    if (!name.isUndo && unsettled.length > 0) this.broken.push(`${what} comes before ${unsettled.join(', ')}`)
    if (name.isUndo && others.length > 1) this.broken.push(`${others.join(' and ')} are taken back at the same time`)
  }

  definitionOf({ type, version }: JourneyState): Pick<Definition, 'steps'> {
    return this.#definitions.get(`${type} ${version}`) ?? { steps: [] }
  }
}

const callsOf = ({ id, steps }: JourneyState): (readonly [string, Call])[] =>
  steps.flatMap((step) => [
    [callIdOf(id, stepCall(step.name)), step] as const,
    ...(step.undo ? [[callIdOf(id, undoCall(step.name)), step.undo] as const] : []),
  ])

/** What is done stays done, attempts only grow, and what has ended stays as it is. */
function unlike(before: JourneyState, after: JourneyState): string[] {
  const now = new Map(callsOf(after))
  return [
    ...(hasEnded(before) ? [`it had ended ${before.status}, and has changed`] : []),
    ...callsOf(before).flatMap(([callId, call]) => {
      const same = now.get(callId)
      const isDone = call.state !== 'done' || same?.state === 'done'
      return isDone && same && same.attempt >= call.attempt
        ? []
        : [`${callId} was ${call.state}, and is ${same?.state}`]
    }),
  ]
}

/** As long as a step has failed no other begins. */
function haltFaults(before: JourneyState, after: JourneyState): string[] {
  const failed = before.failed.filter((name) => after.failed.includes(name))
  const known = new Set(before.steps.map(({ name }) => name))
  const begun = after.steps.flatMap(({ name, attempt }) => (attempt > 0 && !known.has(name) ? [name] : []))
  return failed.length > 0 && begun.length > 0 ? [`${begun.join()} began though ${failed.join()} had failed`] : []
}

/** Which steps may have had their effect, in the order in which that was known: told from their states alone. */
function orderAfter(
  order: Seen['order'],
  before: JourneyState | undefined,
  after: JourneyState,
): readonly (readonly string[])[] {
  const were = new Set(before?.steps.filter(mayBeDone).map(({ name }) => name))
  const now = new Set(after.steps.filter(mayBeDone).map(({ name }) => name))
  const kept = order.map((group) => group.filter((name) => now.has(name)))
  return [...kept, [...now].filter((name) => !were.has(name))]
}

const mayBeDone = (step: JourneyStep) => step.state === 'done' || (!isWaiting(step) && step.isUnsure === true)
