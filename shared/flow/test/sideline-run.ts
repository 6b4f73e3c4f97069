import type { Body } from '../../events.ts'
import { sidelineKind } from '../sideline.ts'
import type { SidelineState } from '../sideline-state.ts'
import { DeciderRun } from './decider-run.ts'

export const QUEUES = ['process_consume', 'distributor_consume', 'hub_consume']
const [PROCESS = '', DISTRIBUTOR = ''] = QUEUES

export { DISTRIBUTOR, PROCESS }
export const testSidelineKind = sidelineKind({ queues: QUEUES, defaultQueues: [PROCESS, DISTRIBUTOR] })
export const ANN = { actor: 'ann', reason: 'acme is down' }
export const FILTER = 'tenant == "acme"'

type Command = Body<'SIDELINE_COMMAND'>
export const commandOf = (action: Command['action'], said: Partial<Command> = {}): Command => ({
  type: 'SIDELINE_COMMAND',
  action,
  id: 'acme',
  ...(action === 'start' && { filter: FILTER }),
  ...ANN,
  ...said,
})

/** A rule with the id `acme`, and answers to whatever it waits for. */
export class SidelineRun extends DeciderRun<SidelineState> {
  constructor() {
    super(testSidelineKind)
  }

  command(action: Command['action'], said: Partial<Command> = {}): string {
    return this.take(commandOf(action, said))
  }

  settled(said: Partial<Body<'SIDELINE_SETTLED'>> = {}): string {
    const { revision } = this.opened
    return this.take({ type: 'SIDELINE_SETTLED', id: 'acme', revision, confirmed: 2, missing: [], ...said })
  }

  /** So many are parked, in the first queue. */
  measured(count: number, said: Partial<Body<'SIDELINE_MEASURED'>> = {}): string {
    const parked = count === 0 ? [] : [{ queue: PROCESS, count }]
    const { revision } = this.opened
    return this.take({ type: 'SIDELINE_MEASURED', id: 'acme', revision, parked, removed: false, ...said })
  }

  removed(): string {
    return this.measured(0, { removed: true })
  }

  ended(status: Body<'REPLAY_ENDED'>['status'], said: Partial<Body<'REPLAY_ENDED'>> = {}): string {
    const id = this.opened.job?.id ?? 'none'
    const counts = { total: 3, handled: status === 'completed' ? 3 : 1, failed: 0 }
    return this.take({
      type: 'REPLAY_ENDED',
      id,
      status,
      rule: this.opened.job?.request.rule,
      reason: 'so',
      ...counts,
      ...said,
    })
  }

  /** What was sent since, in short: `park`, `settle`, `replay 3`, `cancel`, and statuses in brackets. */
  says(): string {
    return this.taken()
      .map((sent) => ('body' in sent ? inShort(sent.body) : '?'))
      .join(' ')
  }
}

function inShort(body: Body): string {
  switch (body.type) {
    case 'SIDELINE_RULE':
      return body.rule.phase
    case 'SIDELINE_ERRAND':
      return body.step
    case 'SIDELINE_CHANGED':
      return `(${body.status})`
    case 'REPLAY_REQUESTED':
      return `${body.ordered ? 'ordered ' : ''}${body.act} ${body.sources.reduce((sum, { count }) => sum + count, 0)}`
    case 'REPLAY_COMMAND':
      return body.action
    default:
      return body.type
  }
}

type Step = (rule: SidelineRun) => string
const start: Step = (rule) => rule.command('start')
const startProbed: Step = (rule) => rule.command('start', { probeMs: 5_000 })
const resume: Step = (rule) => rule.command('resume')
const resolve: Step = (rule) => rule.command('resolve')
const resolveOrdered: Step = (rule) => rule.command('resolve', { ordered: true })
const discard: Step = (rule) => rule.command('discard')
const settled: Step = (rule) => rule.settled()
const measured =
  (count: number): Step =>
  (rule) =>
    rule.measured(count)
const removed: Step = (rule) => rule.removed()
const ended =
  (status: Body<'REPLAY_ENDED'>['status']): Step =>
  (rule) =>
    rule.ended(status)
const probe: Step = (rule) => rule.fire('probe')

const active = [start, settled]
const resuming = [...active, resume, measured(30)]
const resolving = [...active, resolve, settled, measured(30)]
const draining = [...active, resolveOrdered, measured(21)]
const holding = [...active, resolveOrdered, measured(20)]
const discarding = [...active, discard, settled, measured(30)]

/** Ways to bring a rule into each of its states. */
const ways = {
  starting: [start],
  active,
  'resuming, measuring': [...active, resume],
  resuming,
  'resuming, stopped': [...resuming, ended('stopped')],
  'resolving, settling': [...active, resolve],
  'resolving, measuring': [...active, resolve, settled],
  resolving,
  'resolving, stopped': [...resolving, ended('stopped')],
  'resolving, cancelled': [...resolving, ended('cancelled')],
  'resolving, removing': [...resolving, ended('completed')],
  'draining, measuring': [...active, resolveOrdered],
  draining,
  'draining, stopped': [...draining, ended('stopped')],
  'draining, holding': holding,
  'draining, held, measuring': [...holding, settled],
  'draining, held': [...holding, settled, measured(7)],
  'draining, drained': [...holding, settled, measured(0)],
  'discarding, settling': [...active, discard],
  discarding,
  'discarding, cancelled': [...discarding, ended('cancelled')],
  'discarding, removing': [...discarding, ended('completed')],
  probing: [startProbed, settled, probe, measured(30)],
  'probing, measuring': [startProbed, settled, probe],
  closed: [...active, resolve, settled, measured(0), removed],
  discarded: [...active, discard, settled, measured(0), removed],
} as const satisfies Record<string, readonly Step[]>

export type Way = keyof typeof ways

/** What was said on the way is forgotten. */
export function ruleThatIs(way: Way): SidelineRun {
  const rule = new SidelineRun()
  for (const step of ways[way]) step(rule)
  rule.taken()
  rule.history.length = 0
  return rule
}
