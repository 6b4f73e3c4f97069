import { PACE, type ReplayDraft } from './replay-draft.ts'
import { hasEnded, knownOf, type ReplayState, settledOf, sumOf } from './replay-state.ts'

/** How fast a job goes: a few first, then more and more, and no further when too many fail. */

export const CANARY_DEFAULT = 10
export const MAX_FAILURE_PERCENT_DEFAULT = 10
/** The first window, as a multiple of the canary; and at least. */
const WINDOW_PER_CANARY = 10
const WINDOW_MIN = 100
/** The prefetch that a quorum queue gives at most: more in flight would only lie in the queue. */
const WINDOW_MAX = 2_000
/** Messages that one errand moves: a fraction of a second, so that a pause or a stop is soon felt. */
const ERRAND_MAX = 500
/** In the ramp a share says little of fewer outcomes than these. */
const SAMPLE_MIN = 10
const MS_PER_S = 1_000
const PERCENT = 100

/** Whatever has happened: completes the job, stops it, or has more messages moved. */
export function advance(draft: ReplayDraft): void {
  const { state } = draft
  if (hasEnded(state)) return
  if (isDone(state)) complete(draft)
  else if (state.status === 'running') {
    const fault = findTooManyFailures(state)
    if (fault !== undefined) draft.end('stopped', fault)
    else goOn(draft)
  }
}

function goOn(draft: ReplayDraft): void {
  passCanary(draft)
  widen(draft)
  askForMore(draft)
}

/** Everything is moved, and what was moved is settled. */
const isDone = (state: ReplayState) =>
  state.sources.every(({ moved, count }) => moved >= count) && settledOf(state) >= sumOf(state, 'moved')

function complete(draft: ReplayDraft): void {
  const { act, handled, dead, parked } = draft.state
  const again = [dead > 0 ? `, ${dead} dead again` : '', parked > 0 ? `, ${parked} set aside again` : ''].join('')
  draft.end('completed', `${handled} ${{ replay: 'handled', discard: 'dropped', archive: 'archived' }[act]}${again}`)
}

/** Why it goes no further. Failures that somebody has forgiven do not count. */
function findTooManyFailures(state: ReplayState): string | undefined {
  const { ordered, phase, canary, maxFailure, forgiven } = state
  const failed = state.failed - forgiven.failed
  if (ordered && failed > 0) return 'a message failed again, and those behind it wait for it'
  const known = knownOf(state) - forgiven.known
  // In the canary what is to come cannot make it better than this.
  const sample = Math.max(known, Math.min(phase === 'canary' ? canary : SAMPLE_MIN, sumOf(state, 'count')))
  if (failed * PERCENT <= maxFailure * sample) return undefined
  return `${failed} of ${known} failed again, and at most ${maxFailure} % may`
}

/** Nobody goes on before it is known of each of the first few how it went. */
function passCanary(draft: ReplayDraft): void {
  const { state } = draft
  const { phase, sources, canary, canaryUpTo } = state
  if (phase === 'ramp') return
  const upTo = sumOf(state, 'upTo')
  const isSent = upTo >= Math.min(canaryUpTo, sumOf(state, 'count')) && !sources.some(({ isAsked }) => isAsked)
  if (!isSent || knownOf(state) < upTo) return
  if (canary > 0) draft.note('canary passed', `${upTo} sent, ${state.failed} failed`)
  const window = Math.min(Math.max(canary * WINDOW_PER_CANARY, WINDOW_MIN), WINDOW_MAX)
  draft.change({ phase: 'ramp', window, windowFrom: knownOf(state) })
}

function widen(draft: ReplayDraft): void {
  const { phase, window, windowFrom } = draft.state
  const known = knownOf(draft.state)
  if (phase === 'ramp' && known - windowFrom >= window)
    draft.change({ window: Math.min(window * 2, WINDOW_MAX), windowFrom: known })
}

function askForMore(draft: ReplayDraft): void {
  let room = roomOf(draft)
  const { sources, rate } = draft.state
  // Several errands together would be faster than the rate.
  const idle = idleInTurn(draft.state).slice(0, rate === undefined ? sources.length : 1)
  let asked = 0
  for (const [i, at] of idle.entries()) {
    const source = sources[at]
    if (!source || room <= 0) break
    const share = Math.min(Math.ceil(room / (idle.length - i)), ERRAND_MAX, source.count - source.upTo)
    draft.changeSource(at, { upTo: source.upTo + share })
    draft.ask(at)
    draft.change({ turn: (at + 1) % sources.length })
    room -= share
    asked += share
  }
  keepPace(draft, asked)
}

/** Sources that have more and no errand under way, the next one first. */
function idleInTurn({ sources, turn }: ReplayState): number[] {
  const inTurn = sources.map((_, i) => (turn + i) % sources.length)
  return inTurn.filter((at) => {
    const source = sources[at]
    return source && !source.isAsked && source.upTo < source.count
  })
}

/** How many more may be moved now. */
function roomOf({ state, nowMs }: ReplayDraft): number {
  const { act, ordered, phase, canaryUpTo, window, rate, pace, sources } = state
  const isBusy = sources.some(({ isAsked }) => isAsked)
  if (rate !== undefined && (isBusy || (pace && Math.abs(nowMs - pace.sinceMs) < pace.gapMs))) return 0
  const paced = rate === undefined ? Number.POSITIVE_INFINITY : Math.max(1, Math.floor(rate))
  if (act !== 'replay') return Math.min(paced, ERRAND_MAX * sources.length)
  const outstanding = sumOf(state, 'upTo') - settledOf(state)
  if (ordered) return isBusy || outstanding > 0 ? 0 : 1
  if (phase === 'canary') return Math.min(paced, canaryUpTo - sumOf(state, 'upTo'))
  return outstanding < window / 2 ? Math.min(paced, window - outstanding) : 0
}

function keepPace(draft: ReplayDraft, asked: number): void {
  const { rate } = draft.state
  if (rate === undefined || asked === 0) return
  const gapMs = (asked * MS_PER_S) / rate
  draft.change({ pace: { sinceMs: draft.nowMs, gapMs } })
  draft.arm(PACE, draft.nowMs + Math.ceil(gapMs))
}
