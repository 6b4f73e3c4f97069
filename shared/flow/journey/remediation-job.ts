import { z } from 'zod'
import type { Event } from '../../bus/envelope.ts'
import type { Body } from '../../events.ts'
import { journeyEvents } from '../../journey-events.ts'
import { type Decision, type HistoryLine, type Input, ignore, type Kind, refuse, type Sent } from '../decision.ts'

/**
 * The same decision about many journeys: each gets the command, and answers what it came to. The set is frozen when the job is asked for,
 * each journey as it was looked at: what one refuses, because it has ended or changed meanwhile, is counted and changes nothing.
 */

const { journeys: chosen, ...shape } = journeyEvents.REMEDIATION_REQUESTED.body.shape
const journeys = z.array(chosen.element)

const jobState = z.object({
  ...shape,
  status: z.enum(['running', 'completed', 'cancelled']),
  total: z.int(),
  /** Not asked yet, in order. */
  waiting: journeys,
  /** Asked, and not answered. */
  asked: journeys,
  /** How often, since somebody answered. */
  askedAgain: z.int().optional(),
  done: z.int(),
  refused: z.int(),
  /** The first of them, for a person to look at. */
  refusals: z.array(z.object({ sagaId: z.string(), reason: z.string() })),
  endedMs: z.number().optional(),
})

export type RemediationJob = z.infer<typeof jobState>
type Chosen = RemediationJob['asked'][number]
type Decided = Decision<RemediationJob>

/** Commands on their way at once: a batch or two of the hub, so that journeys that go on by themselves hardly wait for it. */
const WINDOW_MAX = 200
/**
 * When nothing was heard for so long, those that were asked are asked again: a command may lie in the dead queue, or have been dropped by
 * hand. Each time it takes twice as long, up to the longest: what nobody hears piles up wherever it lies.
 */
const AGAIN_MS = 60_000
const AGAIN_MS_MAX = 3_600_000
const AGAIN = 'again'
const REFUSALS_KEPT_MAX = 50

export const remediationJobKind: Kind<RemediationJob> = {
  name: 'remediation-job',
  state: jobState,
  keyOf,
  decide,
  view: ({ id, act, status, total, done, refused, refusals, actor, reason, step }) => ({
    ...{ id, act, status, total, done, refused, refusals, actor, reason },
    ...(step !== undefined && { step }),
    pending: total - done - refused,
  }),
}

function keyOf({ data }: Event): string | undefined {
  switch (data.type) {
    case 'REMEDIATION_REQUESTED':
      return data.id
    case 'REMEDIATION_DONE':
      return data.job
    default:
      return undefined
  }
}

function decide(state: RemediationJob | undefined, input: Input, nowMs: number): Decided {
  if ('event' in input) {
    const { data } = input.event
    if (data.type === 'REMEDIATION_REQUESTED') return request(state, data, nowMs)
    if (data.type === 'REMEDIATION_DONE') return hear(state, data, nowMs)
    return ignore('unknown')
  }
  if (!state) return ignore('unknown')
  if (state.status !== 'running') return ignore('late')
  if ('act' in input) {
    const history = [{ what: 'cancelled', detail: `${input.actor}: ${input.reason}` }]
    return changed({ ...state, status: 'cancelled', waiting: [], endedMs: nowMs }, { nowMs, history })
  }
  if (input.timer !== AGAIN) return ignore('unknown')
  const history = [{ what: 'asked again', detail: `${state.asked.length} journeys have not answered` }]
  const askedAgain = (state.askedAgain ?? 0) + 1
  return changed({ ...state, askedAgain }, { nowMs, history, ask: state.asked })
}

function request(
  state: RemediationJob | undefined,
  { type: _type, journeys, ...wish }: Body<'REMEDIATION_REQUESTED'>,
  nowMs: number,
): Decided {
  if (state) return ignore('duplicate')
  const waiting = [...new Map(journeys.map((one) => [one.id, one])).values()]
  if (waiting.length === 0) return refuse('journeys: there is no journey to decide about.')
  const total = waiting.length
  const begun: RemediationJob = {
    ...wish,
    ...{ status: 'running', total, waiting, asked: [], done: 0, refused: 0, refusals: [] },
  }
  const history = [{ what: 'requested', detail: `${wish.actor}: ${wish.reason}: ${wish.act} ${total} journeys` }]
  return goOn(begun, nowMs, history)
}

function hear(
  state: RemediationJob | undefined,
  { sagaId, refused }: Body<'REMEDIATION_DONE'>,
  nowMs: number,
): Decided {
  if (!state) return ignore('unknown')
  if (!state.asked.some(({ id }) => id === sagaId)) return ignore('duplicate')
  const heard = { ...state, asked: state.asked.filter(({ id }) => id !== sagaId), askedAgain: undefined }
  if (refused === undefined) return goOn({ ...heard, done: state.done + 1 }, nowMs)
  const refusals =
    state.refusals.length < REFUSALS_KEPT_MAX ? [...state.refusals, { sagaId, reason: refused }] : state.refusals
  return goOn({ ...heard, refused: state.refused + 1, refusals }, nowMs)
}

/** Asks as many more as there is room for; nothing left and nobody asked is the end. */
function goOn(state: RemediationJob, nowMs: number, history: readonly HistoryLine[] = []): Decided {
  if (state.status !== 'running') return changed(state, { nowMs, history })
  const ask = state.waiting.slice(0, WINDOW_MAX - state.asked.length)
  const next = { ...state, asked: [...state.asked, ...ask], waiting: state.waiting.slice(ask.length) }
  if (next.asked.length > 0) return changed(next, { nowMs, history, ask })
  const { done, refused } = next
  const end = { what: 'completed', detail: `${done} done, ${refused} refused` }
  return changed({ ...next, status: 'completed', endedMs: nowMs }, { nowMs, history: [...history, end] })
}

type Doing = { readonly nowMs: number; readonly history: readonly HistoryLine[]; readonly ask?: readonly Chosen[] }

function changed(state: RemediationJob, { nowMs, history, ask = [] }: Doing): Decided {
  return {
    kind: 'change',
    state,
    status: state.status,
    ended: state.status !== 'running',
    sent: ask.map((one) => commandOf(state, one)),
    timers: state.status === 'running' ? [{ arm: AGAIN, dueMs: nowMs + patienceMs(state) }] : [],
    history,
  }
}

const patienceMs = ({ askedAgain = 0 }: RemediationJob) => Math.min(AGAIN_MS * 2 ** askedAgain, AGAIN_MS_MAX)

const commandOf = (
  { id: job, act, step, input, output, actor, reason }: RemediationJob,
  { id: sagaId, revision }: Chosen,
): Sent => ({
  body: { type: 'REMEDIATION_COMMAND', sagaId, revision, job, act, step, input, output, actor, reason },
  queue: 'hub_consume',
})
