import type { Bus } from '../../../shared/bus/bus.ts'
import { deriveId } from '../../../shared/bus/ids.ts'
import type { Body } from '../../../shared/events.ts'
import { idOfUse } from '../../../shared/flow/sideline-state.ts'
import type { Rule } from '../../../shared/operation-events.ts'
import type { Held } from '../../../shared/store/held-messages.ts'
import type { HubStore } from '../../../shared/store/hub-store.ts'
import { placesOfJobs } from './open-conversations.ts'
import type { PlaceLocks } from './place-locks.ts'
import { findWorkQueue, PARKING } from './work-queue.ts'

export type LateParkingOptions = {
  readonly bus: Bus
  readonly store: Pick<HubStore, 'held'> & {
    readonly reader: Pick<HubStore['reader'], 'findConversation' | 'listConversations'>
  }
  readonly locks: PlaceLocks
  /** Rules as the stream has them. */
  readonly rules: () => ReadonlyMap<string, Pick<Rule, 'phase'>>
  /** Gives an event to the kernel. */
  readonly tell: (body: Body) => Promise<unknown>
}

const ASKED = { actor: 'ebs', reason: 'set aside by a consumer that stood still until its rule was over' }

/**
 * Brings back what was set aside when the rule was over already: its consumer stood still for longer than anybody waits, and has made the
 * parking queue anew. One job per place at a time; one that somebody cancels is not asked for again. The empty queue is removed.
 */
export class LateParking {
  readonly #options: LateParkingOptions
  /** Rules by place. A queue that is left because its hub was stopped meanwhile is empty, and harms nobody. */
  readonly #late = new Map<string, string>()

  constructor(options: LateParkingOptions) {
    this.#options = options
  }

  async run(): Promise<void> {
    const { held, reader } = this.#options.store
    const places = (await held.countByPlace()).filter(({ place, count }) => place.startsWith(PARKING) && count > 0)
    if (places.length === 0 && this.#late.size === 0) return
    const busy = await placesOfJobs(reader)
    for (const { place } of places) if (!busy.has(place)) await this.#bringBack(place)
    for (const [place, rule] of this.#late) if (!busy.has(place)) await this.#removeEmpty(place, rule)
  }

  async #bringBack(place: string): Promise<void> {
    const { bus, store, locks, tell } = this.#options
    const [newest] = (await store.held.listHeld({ place, states: ['held'] }, { limit: 1 })).items
    if (!newest?.rule || locks.isBusy(place) || !(await this.#isOver(idOfUse(newest.rule)))) return
    this.#late.set(place, idOfUse(newest.rule))
    const count = (await bus.broker.inspect(place))?.messages ?? 0
    const request = requestFor(newest, newest.rule, count)
    if (!request || (await store.reader.findConversation({ kind: 'replay', key: request.id }))) return
    await tell(request)
    bus.log.warn(
      { place, rule: newest.rule, count },
      'messages were set aside by a rule that is over; they are replayed',
    )
  }

  async #removeEmpty(place: string, rule: string): Promise<void> {
    const { bus, locks } = this.#options
    const found = await bus.broker.inspect(place)
    const isLeft = found === undefined || !(await this.#isOver(rule))
    if (isLeft) this.#late.delete(place)
    else if (found.messages === 0 && !locks.isBusy(place))
      await locks.exclusive(place, () => bus.broker.removeEmpty(place))
  }

  /** One that is started again, also by another hub whose record this one has yet to take over, replays what lies there itself. */
  async #isOver(rule: string): Promise<boolean> {
    const { store, rules } = this.#options
    const known = await store.reader.findConversation({ kind: 'sideline', key: rule })
    if (known && known.endedAtMs === null) return false
    return (rules().get(rule)?.phase ?? 'lifted') === 'lifted'
  }
}

/** Its id is of the newest message: asked for again, when it has moved them and others have come. */
function requestFor(row: Held, rule: string, count: number): Body<'REPLAY_REQUESTED'> | undefined {
  const { id: cause, place: from } = row
  const to = findWorkQueue(row)
  if (to === undefined || count === 0) return undefined
  const id = deriveId({ cause, queue: from, type: 'REPLAY_REQUESTED', position: 0 })
  return { type: 'REPLAY_REQUESTED', id, act: 'replay', sources: [{ from, to, count }], which: 'front', rule, ...ASKED }
}
