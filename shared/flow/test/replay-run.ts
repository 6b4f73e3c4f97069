import type { Body } from '../../events.ts'
import { replayKind } from '../replay.ts'
import type { ReplayState } from '../replay-state.ts'
import { DeciderRun } from './decider-run.ts'

type Requested = Body<'REPLAY_REQUESTED'>
type Outcome = 'handled' | 'failing' | 'dead' | 'parked'
const types = {
  handled: 'MESSAGE_REPLAYED',
  failing: 'MESSAGE_FAILING',
  dead: 'MESSAGE_DEAD',
  parked: 'MESSAGE_PARKED',
} as const

/** So many of a queue that is called by one letter. */
export const sourceOf = (queue: string, count: number) => ({ from: `${queue}.dead`, to: queue, count })

export const requestOf = (said: Partial<Requested> = {}): Requested => ({
  type: 'REPLAY_REQUESTED',
  id: 'job',
  act: 'replay',
  sources: [sourceOf('a', 1_000)],
  which: 'chosen',
  actor: 'ann',
  reason: 'fixed',
  ...said,
})

/** A job, with a hand that runs errands and tells outcomes. Messages are called `a.1`, `a.2` and so on, by their source. */
export class ReplayRun extends DeciderRun<ReplayState> {
  constructor() {
    super(replayKind)
  }

  request(said: Partial<Requested> = {}): string {
    return this.take(requestOf(said))
  }

  command(action: Body<'REPLAY_COMMAND'>['action']): string {
    return this.take({ type: 'REPLAY_COMMAND', id: 'job', action, actor: 'bob', reason: 'because' })
  }

  /** An errand of this source has been run: so many are moved in all, as many as were asked for when nothing is said. */
  moved(queue: string, moved?: number, exhausted = false): string {
    const from = `${queue}.dead`
    const upTo = this.opened.sources.find((source) => source.from === from)?.upTo ?? 0
    return this.take({ type: 'REPLAY_MOVED', job: 'job', from, moved: moved ?? upTo, exhausted })
  }

  /** What became of a message, such as `a.7`. */
  tell(outcome: Outcome, held: string): string {
    const [queue = ''] = held.split('.')
    const happened = { queue, messageId: held, reason: 'so', replay: { job: 'job', held } }
    const type = types[outcome]
    return type === 'MESSAGE_FAILING'
      ? this.take({ type, ...happened, error: 'boom' })
      : this.take({ type, ...happened })
  }

  /** The same of the messages `from` to `to` of a queue. */
  tellAll(outcome: Outcome, queue: string, from: number, to: number): string {
    let last = ''
    for (let i = from; i <= to; i++) last = this.tell(outcome, `${queue}.${i}`)
    return last
  }

  /** What was sent since, in short: `a 10`, and how it ended in brackets. */
  says(): string {
    return this.taken()
      .map((sent) => {
        if (!('body' in sent)) return '?'
        const { body } = sent
        if (body.type === 'REPLAY_ERRAND') return `${body.from.replace('.dead', '')} ${body.upTo}`
        return body.type === 'REPLAY_ENDED' ? `(${body.status})` : body.type
      })
      .join(', ')
  }

  /** How many may be moved in all. */
  get upTo(): number {
    return this.opened.sources.reduce((sum, { upTo }) => sum + upTo, 0)
  }
}

/** A job whose request is as said, and nothing has happened since. */
export function jobOf(said: Partial<Requested> = {}): ReplayRun {
  const run = new ReplayRun()
  run.request(said)
  return run
}

/** A job of 1,000 (unless said otherwise) whose canary of 10 has been handled. What it asks for then is not run yet. */
export function rampOf(said: Partial<Requested> = {}): ReplayRun {
  const run = jobOf(said)
  run.moved('a')
  run.tellAll('handled', 'a', 1, 10)
  run.taken()
  run.history.length = 0
  return run
}
