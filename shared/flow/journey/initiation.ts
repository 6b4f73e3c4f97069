import { isDeepStrictEqual } from 'node:util'
import type { Event, Meta } from '../../bus/envelope.ts'
import type { Json } from '../../events.ts'
import { type Asker, type Decision, ignore, refuse, type Sent } from '../decision.ts'
import { ASKERS_MAX, ERROR_CHARS_MAX, VALUE_BYTES_MAX } from '../hub-state.ts'
import { findTooMuch, sizeOf } from '../value-size.ts'
import { DEADLINE } from './call-names.ts'
import type { Definition } from './definition.ts'
import { JourneyDraft, type JourneyTerms } from './draft.ts'
import { endJourney, endOf, headOf } from './ends.ts'
import { needPerson } from './remediation.ts'
import { hasEnded, type JourneyState } from './state.ts'
import { advance } from './steps.ts'

type Initiation = Event<'INITIATE_JOURNEY'>
type Decided = Decision<JourneyState>

/** Stores a journey and begins it, when its type is known; one that is too large to be kept is refused, and whoever waits is told. */
export function takeInitiation(terms: JourneyTerms, initiation: Initiation, nowMs: number): Decided {
  const { data, meta } = initiation
  const fault = findTooMuch('payload', sizeOf(data.payload), { bytesMax: VALUE_BYTES_MAX })
  if (fault !== undefined) return refuse(fault, rejections(initiation, fault))
  const draft = new JourneyDraft(terms, { ...blank(initiation), askers: askersOf(meta), createdMs: nowMs }, nowMs)
  const definition = terms.definitions.latest(data.journeyType)
  if (definition) start(draft, definition)
  else {
    const error = `Nobody has registered a journey of the type ${data.journeyType}: this one begins when somebody does.`
    needPerson(draft, { cause: 'unknown-type', error, steps: [] })
  }
  return draft.decision()
}

const blank = ({ data: { sagaId, journeyType, tenant, payload, meta } }: Initiation) => ({
  ...{ id: sagaId, type: journeyType, tenant, key: meta.key, payload },
  ...{ revision: 0, version: 0, status: 'ACCEPTED' as const, phase: 'waiting' as const },
  ...{ steps: [], order: [], failed: [], toUndo: [], undone: [] },
})

/** It keeps to this definition from now on. A payload that is not of its schema never will be: nothing is begun. */
function start(draft: JourneyDraft, definition: Definition): void {
  const { version, deadlineMs: withinMs } = definition
  const deadlineMs = draft.nowMs + withinMs
  const begun = { status: 'RUNNING', phase: 'running', remediation: undefined } as const
  draft.change({ ...begun, version, startedMs: draft.nowMs, deadlineMs })
  const faults = definition.findPayloadFaults(draft.state.payload)
  if (faults.length > 0) {
    const error = `payload: ${faults.join('; ')}`.slice(0, ERROR_CHARS_MAX)
    draft.note('payload refused', error)
    endJourney(draft, { status: 'FAILED', error })
    return
  }
  // Before the calls: whatever becomes of them, the journey does not run for ever.
  draft.arm(DEADLINE, deadlineMs)
  draft.note('started', `${draft.state.type} version ${version}`)
  draft.send({ body: { type: 'JOURNEY_STARTED', ...headOf(draft.state) } })
  advance(draft)
}

/** Begins a journey that waits for its type, when that is known by now; undefined when there is nothing to begin. */
export function begin(terms: JourneyTerms, state: JourneyState, nowMs: number): Decided | undefined {
  const definition = state.phase === 'waiting' ? terms.definitions.latest(state.type) : undefined
  if (!definition) return undefined
  const draft = new JourneyDraft(terms, state, nowMs)
  start(draft, definition)
  return draft.decision()
}

/** The type that it waits for was registered. */
export function takeRelease(terms: JourneyTerms, state: JourneyState, nowMs: number): Decided {
  return begin(terms, state, nowMs) ?? ignore(hasEnded(state) ? 'late' : 'duplicate')
}

/** A request for a journey that is there: the same one, or another with its id. */
export function repeatInitiation(
  terms: JourneyTerms,
  state: JourneyState,
  initiation: Initiation,
  nowMs: number,
): Decided {
  const difference = findDifference(state, initiation)
  if (difference !== undefined) {
    const reason = `The journey ${state.id} was started with another ${difference}, and goes on: choose another key, or repeat its request as it was.`
    return ignore('conflict', rejections(initiation, reason))
  }
  const [asker] = askersOf(initiation.meta)
  if (hasEnded(state)) return ignore('duplicate', asker ? [{ body: endOf(state), to: asker }] : [])
  const isNew = asker && state.askers.length < ASKERS_MAX && !state.askers.some((one) => isDeepStrictEqual(one, asker))
  const asked = isNew ? { ...state, askers: [...state.askers, asker] } : state
  // Word that its type was registered may have been lost.
  const begun = begin(terms, asked, nowMs)
  if (begun) return begun
  if (!isNew) return ignore('duplicate')
  const draft = new JourneyDraft(terms, asked, nowMs)
  draft.note('asked again', asker.replyTo)
  return draft.decision()
}

function findDifference(state: JourneyState, { data }: Initiation): string | undefined {
  if (data.journeyType !== state.type) return 'type'
  if (data.tenant !== state.tenant) return 'tenant'
  return isDeepStrictEqual(asStored(data.payload), asStored(state.payload)) ? undefined : 'payload'
}

/** -0 is 0 when it comes back out of the store. */
const asStored = (value: Json): unknown => JSON.parse(JSON.stringify(value))

const askersOf = ({ replyTo, correlationId }: Meta): Asker[] =>
  replyTo === undefined ? [] : [{ replyTo, correlationId }]

/** Says no to everyone, and once more to whoever waits. */
function rejections({ data: { sagaId, journeyType }, meta }: Initiation, reason: string): Sent[] {
  const body = { type: 'JOURNEY_REJECTED', sagaId, journeyType, error: reason.slice(0, ERROR_CHARS_MAX) } as const
  return [{ body }, ...askersOf(meta).map((to) => ({ body, to }))]
}
