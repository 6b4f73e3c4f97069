import type { Body } from '../../shared/events.ts'
import type { Client } from './client.ts'
import { definitions } from './definitions.ts'
import type { System } from './system.ts'
import type { Witness } from './witness.ts'
import { type Deed, RULE_QUEUE } from './workload.ts'

export const BY = { actor: 'ann', reason: 'a simulation' }
const REPEAT_MS = 900
const CREATED = 201

/** A rule as the one who started it knows it. */
export type KnownRule = {
  readonly id: string
  readonly tenant: string
  /** From then on nothing of it is handled: the answer was 201. */
  readonly sinceMs: number
  /** Somebody asked for what is parked; from then on it may be handled. */
  untilMs: number
}
type Deeds = { [W in Deed['what']]: (deed: Extract<Deed, { what: W }>) => unknown }

/** What was asked for and taken: each is to be found at the end. */
export class Doing {
  /** Objects by the name that their request gave them, and how many. */
  readonly objects = new Map<string, number>()
  readonly groups = new Map<string, Extract<Deed, { what: 'group' }>>()
  readonly flows = new Map<string, Extract<Deed, { what: 'flow' }>>()
  readonly journeys = new Map<string, Extract<Deed, { what: 'journey' }>>()
  readonly rules: KnownRule[] = []
  /** Rules that somebody has asked to end, or to give back what they have, and was not answered. */
  readonly #acting: string[] = []
  /** Requests that are not answered yet. */
  asking = 0
  readonly #system: System
  readonly #client: Client
  readonly #witness: Witness

  constructor(system: System, client: Client, witness: Witness) {
    this.#system = system
    this.#client = client
    this.#witness = witness
  }

  async do(deed: Deed): Promise<void> {
    this.#system.trace.note('deed', JSON.stringify(deed))
    this.asking++
    await Reflect.apply(this.#deeds[deed.what], this, [deed])
    this.asking--
  }

  async register(when: keyof typeof definitions): Promise<void> {
    this.asking++
    for (const body of definitions[when])
      await this.#client.insist('hub', { method: 'POST', url: '/api/definitions', body })
    this.asking--
  }

  readonly #deeds: Deeds = {
    objects: ({ n, tenant, count, repeats }) => {
      const name = `objects-${n}`
      const ask = async (afterMs: number) => {
        await this.#system.wait(afterMs)
        const request = {
          method: 'POST',
          url: `/api/objects?count=${count}`,
          body: { tenant, name },
          key: name,
        } as const
        const answer = await this.#client.insist('datagen', request)
        if (answer?.status === CREATED) this.objects.set(name, count)
      }
      return Promise.all(Array.from({ length: repeats + 1 }, (_, i) => ask(i * REPEAT_MS)))
    },
    group: (deed) => this.#group(deed),
    flow: async (deed) => {
      const { n, length, mode, error } = deed
      const flowId = `flow-${n}`
      const body = { flowId, length, mode, ...(error !== undefined && { error }) }
      const answer = await this.#client.insist('gateway', { method: 'POST', url: '/api/flows', body, key: flowId })
      if (answer?.status === 202) this.flows.set(flowId, deed)
    },
    journey: async (deed) => {
      const { n, type, tenant, card, sku } = deed
      const payload = { items: [{ sku, quantity: 1 }], card, address: 'Elm Street 1', email: 'ann@example.com' }
      const body = { type, tenant, payload, key: `journey-${n}` }
      const answer = await this.#client.insist('gateway', { method: 'POST', url: '/api/journeys', body })
      const id = answer && idIn(answer.json)
      if (answer?.status === 202 && id !== undefined) this.journeys.set(id, deed)
    },
    rule: (deed) => this.#rule(deed),
    'replay dead': () =>
      this.#client.ask('hub', {
        ...{ method: 'POST', url: '/api/dead/replay', body: { filter: { queue: RULE_QUEUE }, ...BY } },
      }),
    poison: ({ queue, body }) => this.#witness.poison(queue, body),
    paste: ({ count }) => this.#witness.paste(count),
  }

  #group(deed: Extract<Deed, { what: 'group' }>): void {
    const { n, members, ttlS: ttl, quorum, onTimeout, createAfterMs } = deed
    const id = `group-${n}`
    const expected = members.map((_, m) => `${id}.${m}`)
    const create: Body = {
      ...{ type: 'EventGroupCollectorCreate', id, expected, ttl, onTimeout },
      ...(quorum !== undefined && { quorum }),
    }
    this.groups.set(id, deed)
    this.#system.in(createAfterMs, () => this.#witness.say(`${id} create`, create))
    for (const [m, { afterMs, outcome, copies }] of members.entries()) {
      if (outcome === 'silent') continue
      const body: Body = {
        ...{ type: 'EventGroupCollectorEntityDone', id: `${id}.${m}`, group: id },
        ...(outcome === 'result' ? { result: m } : { error: `no ${m}` }),
      }
      for (let copy = 0; copy <= copies; copy++)
        this.#system.in(afterMs + copy * REPEAT_MS, () => this.#witness.say(`${id}.${m} done`, body))
    }
  }

  async #rule({ n, tenant, act }: Extract<Deed, { what: 'rule' }>): Promise<void> {
    const id = `rule-${n}`
    if (act === 'start') {
      const body = { id, filter: `tenant == "${tenant}"`, queues: [RULE_QUEUE], ...BY }
      const answer = await this.#client.ask('hub', { method: 'POST', url: '/api/sidelines', body })
      // What somebody asked for meanwhile, and has no answer to, may be done at any time.
      const untilMs = this.#acting.includes(id) ? this.#system.nowMs : Number.POSITIVE_INFINITY
      if (answer?.status === CREATED) this.rules.push({ id, tenant, sinceMs: answer.atMs, untilMs })
      return
    }
    await this.act(id, act)
  }

  /** What somebody may do with a rule that is there. */
  async act(id: string, act: 'resume' | 'resolve' | 'discard'): Promise<void> {
    for (const rule of this.rules) if (rule.id === id) rule.untilMs = Math.min(rule.untilMs, this.#system.nowMs)
    this.#acting.push(id)
    const answer = await this.#client.ask('hub', { method: 'POST', url: `/api/sidelines/${id}/${act}`, body: BY })
    if (answer) this.#acting.splice(this.#acting.indexOf(id), 1)
  }
}

function idIn(json: unknown): string | undefined {
  const id: unknown = typeof json === 'object' && json !== null ? Reflect.get(json, 'id') : undefined
  return typeof id === 'string' ? id : undefined
}
