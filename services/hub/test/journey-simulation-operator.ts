import { newId } from '../../../shared/bus/ids.ts'
import type { Body } from '../../../shared/events.ts'
import { attentionOf, remediationOf } from '../../../shared/flow/journey/remediation-item.ts'
import type { JourneyState } from '../../../shared/flow/journey/state.ts'
import { replayState } from '../../../shared/flow/replay-state.ts'
import { sidelineState } from '../../../shared/flow/sideline-state.ts'
import { HttpProblem } from '../../../shared/service/errors.ts'
import { choose } from '../remediation/journey-choice.ts'
import { decide } from '../remediation/remediation-acts.ts'
import { requestJob } from '../remediation/remediation-jobs.ts'
import type { JourneySimulation } from './journey-simulation.ts'
import type { Act, Action } from './journey-simulation-story.ts'

type Remedy = Extract<Action, { what: 'remedy' }>
type Command = Omit<Body<'REMEDIATION_COMMAND'>, 'type' | 'job'>

/** What somebody has decided, by the reason that only it has, and what came of it as far as they were told. */
export type Decided = {
  readonly sagaId: string
  /** About the journey as it was before. */
  readonly isStale: boolean
  outcome: 'done' | 'refused' | 'unknown' | 'published'
}

export const rules = [
  { id: 'pay-of-a', filter: 'tenant == "a"', queues: ['activity.pay'] },
  { id: 'packing', filter: 'true', queues: ['activity.pack', 'activity.undo.pack'] },
] as const
const ANN = 'ann'

/** The person who settles what journeys ask for, sets activities aside, and brings them back. */
export class Operator {
  readonly decided = new Map<string, Decided>()
  /** Jobs that were begun, by their reason. */
  readonly jobs = new Map<string, string>()
  readonly #simulation: JourneySimulation
  #count = 0

  constructor(simulation: JourneySimulation) {
    this.#simulation = simulation
  }

  async act(action: Action): Promise<void> {
    this.#simulation.note('action', action)
    switch (action.what) {
      case 'remedy':
        await this.#remedy(action)
        break
      case 'bulk':
        await this.#bulk(action)
        break
      default:
        await this.#commandRule(action.what, action.rule)
    }
  }

  /** Settles everything that is open: what journeys need, rules and replays. `round` grows, and patience ends. */
  async settle(round: number): Promise<void> {
    for (const [n, { state }] of [...this.#simulation.witness.journeys.values()].entries()) {
      if (attentionOf(state) !== 'remediation') continue
      const acts = remediationOf(state)?.acts ?? []
      const wanted = (['retry', 'skip', 'compensate', 'cancel'] as const)[(round + n) % 4] ?? 'retry'
      await this.#decide(state, acts.includes(wanted) ? wanted : 'cancel', { way: 'told' })
    }
    await this.#settleRules()
  }

  async #remedy({ act, nth, isEager, ...how }: Remedy): Promise<void> {
    const states = [...this.#simulation.witness.journeys.values()].map(({ state }) => state)
    const able = states.filter((state) => isEager || attentionOf(state) === 'remediation')
    const state = able[nth % Math.max(1, able.length)]
    const steps = state?.remediation?.steps ?? []
    // Of all that failed, or of one of them.
    const step = nth % 3 === 0 ? undefined : steps[nth % Math.max(1, steps.length)]
    if (state) await this.#decide(state, act, { ...how, step })
  }

  async #decide(
    state: JourneyState,
    act: Act,
    how: Pick<Remedy, 'way'> & { isPatched?: boolean; isStale?: boolean; step?: string | undefined },
  ): Promise<void> {
    const { hub, shop } = this.#simulation
    const reason = `reason ${++this.#count}`
    // Of several that failed one is named, or none.
    const step = how.step ?? (act === 'skip' ? state.remediation?.steps[0] : undefined)
    const command: Command = {
      ...{ sagaId: state.id, act, actor: ANN, reason },
      ...((act === 'retry' || act === 'skip') && step !== undefined && { step }),
      ...(act === 'retry' && how.isPatched && { input: { patched: reason } }),
      ...(act === 'skip' && how.isPatched && { output: { given: reason } }),
      ...(how.isStale && { revision: state.revision - 1 }),
    }
    // What is cancelled as any conversation can be is so whatever has become of it.
    const isStale = how.isStale === true && how.way !== 'cancelled'
    const decided: Decided = { sagaId: state.id, isStale, outcome: 'unknown' }
    this.#simulation.note('decides', { ...command, way: how.way, isMended: shop.isMended })
    if (how.way === 'published' || how.way === 'published twice') {
      decided.outcome = 'published'
      this.decided.set(reason, decided)
      for (const afterMs of how.way === 'published' ? [0] : [0, 700])
        this.#simulation.say(afterMs, `command ${reason}`, { type: 'REMEDIATION_COMMAND', ...command }, 'hub_consume')
      return
    }
    if (!hub?.isAlive) return
    this.decided.set(reason, decided)
    try {
      if (how.way === 'cancelled') {
        const id = { kind: 'journey', key: state.id }
        const by = { act: 'cancel', actor: ANN, reason } as const
        const outcome = await hub.store.write(async (tx) => {
          await hub.journeys.sync(tx)
          return hub.kernel.act(tx, id, by)
        })
        decided.outcome = outcome === 'done' ? 'done' : 'refused'
      } else {
        await decide({ ...hub.operations, store: hub.store, clock: this.#simulation.stage.clock }, command)
        decided.outcome = 'done'
      }
    } catch (error) {
      // Otherwise the hub was killed, or its store is out: nobody knows.
      if (error instanceof HttpProblem) decided.outcome = 'refused'
      this.#simulation.note('told', { reason, error: String(error) })
    }
  }

  async #bulk({ act, type, cause }: Extract<Action, { what: 'bulk' }>): Promise<void> {
    const { hub, stage } = this.#simulation
    if (!hub?.isAlive) return
    const reason = `reason ${++this.#count}`
    const operations = { ...hub.operations, store: hub.store, clock: stage.clock }
    try {
      const { journeys } = await choose(operations, { type, cause })
      const ids = journeys.map(({ id }) => id)
      this.#simulation.note('job', { reason, act, ids })
      if (ids.length === 0) return
      this.jobs.set(reason, '')
      this.jobs.set(reason, await requestJob(operations, { act, journeys, actor: ANN, reason }))
    } catch (error) {
      this.#simulation.note('no job', { reason, error: String(error) })
    }
  }

  async #commandRule(action: 'start' | 'resolve' | 'discard', nth: number): Promise<void> {
    const { hub } = this.#simulation
    const { id, filter, queues } = rules[nth] ?? rules[0]
    if (!hub?.isAlive) return
    const about = action === 'start' ? { filter, queues: [...queues] } : {}
    await this.#tell({
      type: 'SIDELINE_COMMAND',
      action,
      id,
      ...about,
      actor: ANN,
      reason: newId(this.#simulation.nowMs),
    })
  }

  async #settleRules(): Promise<void> {
    const { reader } = this.#simulation.store
    for (const [nth, { id }] of rules.entries()) {
      const found = await reader.findConversation({ kind: 'sideline', key: id })
      const state = found && sidelineState.parse(JSON.parse(found.state))
      if (!state || state.end) continue
      const { task, wait, job } = state
      const isStuck = wait?.for === 'person' || (job?.stopped !== undefined && !job.givenUp)
      if (isStuck || task === undefined) await this.#commandRule('resolve', nth)
    }
    const { items } = await reader.listConversations({ kind: 'replay', isOpen: true }, { limit: 100 })
    for (const { state } of items) {
      const { id, status } = replayState.parse(JSON.parse(state))
      if (status === 'paused' || status === 'stopped')
        await this.#tell({ type: 'REPLAY_COMMAND', id, action: 'resume', actor: ANN, reason: 'mended' })
    }
  }

  async #tell(body: Body): Promise<void> {
    try {
      await this.#simulation.hub?.operations.tell(body)
    } catch (error) {
      this.#simulation.note('not told', { body, error: String(error) })
    }
  }
}
