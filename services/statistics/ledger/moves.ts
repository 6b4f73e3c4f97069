import type { Body, EventType } from '../../../shared/events.ts'
import type { Subject } from '../../../shared/subject.ts'
import type { TaskBody } from '../tally.ts'
import { type EntryKind, type Mark, type MarkState, type Outcome, queueOf } from './entry.ts'

/** What an event changes about an entry. */
export type Move = {
  readonly kind: EntryKind
  readonly id: string
  readonly accepted?: true
  readonly outcome?: Outcome
  /** Of an end: when it began, as it says. */
  readonly beganAtMs?: number
  readonly mark?: Mark
}

/** Which message carries an entry of a kind, and as which of its stages. What happens to any other message about it does not move it. */
const carriers: Partial<Record<EventType, Partial<Record<EntryKind, number>>>> = {
  OBJECT_CREATED: { object: 0 },
  TASK_CREATED: { task: 0 },
  EventGroupCollectorCreate: { group: 0, object: 1 },
  FLOW_REQUESTED: { flow: 0 },
  INITIATE_WORKFLOW: { journey: 0 },
  INITIATE_JOURNEY: { journey: 1 },
}
const stages = new Map(Object.entries(carriers))
/** A journey that the hub has stored. */
export const STORED = 2

/** What an event says about the message that carries a task. */
export function taskMark(body: TaskBody, atMs: number): Mark | undefined {
  if (body.type === 'TASK_STARTED') return { stage: 0, atMs, state: 'inFlight', by: '' }
  return body.type === 'TASK_FAILED' ? { stage: 0, atMs, state: body.final ? 'dead' : 'waiting', by: '' } : undefined
}

const NONE: readonly Move[] = []

/** What an event changes, but for events of tasks and objects, which have rows of their own. */
export function movesOf(body: Body, atMs: number): readonly Move[] {
  switch (body.type) {
    case 'MESSAGE_PARKED':
      // Each use of a rule is named `id#episode`; its parking queue is the rule's.
      return carrierMoves(body, body.parkedType, { atMs, state: 'parked', by: (body.rule ?? '').replace(/#.*$/s, '') })
    case 'MESSAGE_DEAD':
      return carrierMoves(body, body.deadType, { atMs, state: 'dead', by: '' })
    case 'MESSAGE_FAILING':
      return carrierMoves(body, body.messageType, { atMs, state: 'waiting', by: '' })
    case 'MESSAGE_REPLAYED':
      return carrierMoves(body, body.messageType, { atMs, state: 'inFlight', by: '' })
    case 'MESSAGES_DISCARDED':
      return body.messages.flatMap((one) =>
        discardMoves({ queue: body.queue, subject: one.subject }, one.type, {
          atMs,
          state: 'discarded',
          by: body.actor,
        }),
      )
    case 'EventGroupCollectorCreate':
      // It opens the group of an object, which was accepted before: from here on that is in the hub's hands.
      if (body.completedBy === 'tasks') return [{ kind: 'object', id: body.id, mark: begun(1) }]
      return [{ kind: 'group', id: body.id, accepted: true }]
    case 'EventGroupCollectorSuccess':
      return [{ kind: 'group', id: body.id, outcome: 'done', beganAtMs: Date.parse(body.created) }]
    case 'EventGroupCollectorFailure':
      return [{ kind: 'group', id: body.id, outcome: 'failed', beganAtMs: Date.parse(body.created) }]
    case 'FLOW_REQUESTED':
      return [{ kind: 'flow', id: body.flowId, accepted: true }]
    case 'FLOW_SUCCEEDED':
      return [{ kind: 'flow', id: body.flowId, outcome: 'done', beganAtMs: atMs - body.durationMs }]
    case 'FLOW_FAILED':
      return [{ kind: 'flow', id: body.flowId, outcome: 'failed', beganAtMs: atMs - body.durationMs }]
    default:
      return journeyMoves(body, atMs)
  }
}

function journeyMoves(body: Body, atMs: number): readonly Move[] {
  switch (body.type) {
    case 'INITIATE_WORKFLOW':
      return [{ kind: 'journey', id: body.sagaId, accepted: true }]
    case 'INITIATE_JOURNEY':
      return [{ kind: 'journey', id: body.sagaId, accepted: true, mark: begun(1) }]
    case 'JOURNEY_STARTED':
      return [{ kind: 'journey', id: body.sagaId, mark: begun(STORED) }]
    case 'JOURNEY_NEEDS_REMEDIATION': {
      const stage = body.cause === 'unknown-type' ? 1 : STORED
      return [{ kind: 'journey', id: body.sagaId, mark: { stage, atMs, state: 'waiting', by: '' } }]
    }
    case 'JOURNEY_REMEDIATED':
      return [{ kind: 'journey', id: body.sagaId, mark: { stage: STORED, atMs, state: 'inFlight', by: '' } }]
    case 'JOURNEY_COMPLETED':
      return [{ kind: 'journey', id: body.sagaId, outcome: 'done', beganAtMs: atMs - body.durationMs }]
    case 'JOURNEY_FAILED':
    case 'JOURNEY_COMPENSATED':
    case 'JOURNEY_CANCELLED':
      return [{ kind: 'journey', id: body.sagaId, outcome: 'failed', beganAtMs: atMs - body.durationMs }]
    default:
      return NONE
  }
}

const begun = (stage: number): Mark => ({ stage, atMs: 0, state: 'inFlight', by: '' })

type Happened = { readonly queue: string; readonly subject?: Subject | undefined }
type Said = { readonly atMs: number; readonly state: MarkState; readonly by: string }

/** As of any carrier; besides, a journey that the hub has stored and lost is written off by the event that said that it was stored. */
function discardMoves(about: Happened, type: string | undefined, mark: Said): readonly Move[] {
  const { queue, subject } = about
  const isStored = type === 'JOURNEY_STARTED' && queue === 'hub_consume' && subject?.kind === 'journey'
  return isStored ? [{ ...subject, mark: { stage: STORED, ...mark } }] : carrierMoves(about, type, mark)
}

/** The entry that a message carries, if it does and lies where it should. */
function carrierMoves({ queue, subject }: Happened, type: string | undefined, mark: Said): readonly Move[] {
  if (subject === undefined || type === undefined) return NONE
  const { kind, id } = subject
  const stage = stages.get(type)?.[kind]
  if (stage === undefined || queueOf(kind, stage) !== queue) return NONE
  return [{ kind, id, mark: { stage, ...mark } }]
}
