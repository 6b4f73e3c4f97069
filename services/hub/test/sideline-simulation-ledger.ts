import type { Message } from '../../../shared/bus/broker.ts'
import type { Event } from '../../../shared/bus/envelope.ts'
import type { Body } from '../../../shared/events.ts'
import type { SidelineState } from '../../../shared/flow/sideline-state.ts'

/** How a message goes down with whoever handles it. */
export type Manner = 'fine' | 'slow' | 'fails once' | 'fails twice' | 'fails always'

/** A message as the outside sends it: `task` goes to consumers without a store, `object` to the one with an inbox. */
export type Sending = {
  readonly atMs: number
  readonly what: 'task' | 'object'
  readonly tenant: string
  /** Of a task; objects have none, so that filters which look at it are unclear about them. */
  readonly index: number
  readonly manner: Manner
}

export type Sent = Sending & { readonly id: string; readonly queue: string }

export const TASKS = 'process_consume'
export const OBJECTS = 'distributor_consume'
const queueOf = { task: TASKS, object: OBJECTS } as const

/** Rules that overlap; what CEL makes of them is said once more in TypeScript. */
export const rules = [
  { id: 'of-a', filter: 'tenant == "a"', queues: [TASKS, OBJECTS], matches: ({ tenant }: Sent) => tenant === 'a' },
  { id: 'not-c', filter: 'tenant != "c"', queues: [TASKS], matches: ({ tenant }: Sent) => tenant !== 'c' },
  {
    id: 'even',
    filter: 'event.task.index % 2 == 0',
    queues: [TASKS, OBJECTS],
    matches: ({ what, index }: Sent) => what === 'task' && index % 2 === 0,
  },
] as const

const CREATED_AT = '2026-01-01T00:00:00.000Z'

export function bodyOf({ id, what, tenant, index }: Sent): Body {
  const object = { id: `object of ${id}`, tenant, name: 'object', content: '', createdAt: CREATED_AT }
  return what === 'object'
    ? { type: 'OBJECT_CREATED', object }
    : { type: 'TASK_CREATED', task: { id, objectId: object.id, index, of: index, tenant }, object }
}

/** One time that a message was handled. */
export type Handling = { readonly id: string; readonly queue: string; readonly released: readonly string[] }
/** One time that a message was about to be set aside; `rule` is `id#episode`. */
export type Parking = { readonly id: string; readonly queue: string; readonly rule: string }

type Options = { readonly stateOf: (rule: string) => SidelineState | undefined }

const failures: Readonly<Record<Manner, number>> = {
  fine: 0,
  slow: 0,
  'fails once': 1,
  'fails twice': 2,
  'fails always': Number.POSITIVE_INFINITY,
}

/** Everything that was sent, and what became of it. */
export class Ledger {
  readonly sent = new Map<string, Sent>()
  /** In the order in which each began to be handled for the last time. */
  readonly handlings: Handling[] = []
  readonly parkings: Parking[] = []
  /** What was handled live though a rule was active that it matches. */
  readonly leaks: string[] = []
  /** What ended after a rule was active; nobody can keep a consumer from it that has lost its connection meanwhile. */
  readonly lateEffects: string[] = []
  /** Tenants whose messages fail just now. */
  readonly broken = new Set<string>()
  readonly #options: Options
  readonly #attempts = new Map<string, number>()
  /** Uses of rules that the hub has once called active. */
  readonly #active = new Set<string>()

  constructor(options: Options) {
    this.#options = options
  }

  send(sending: Sending): Sent {
    const sent = { ...sending, id: `m${this.sent.size}`, queue: queueOf[sending.what] }
    this.sent.set(sent.id, sent)
    return sent
  }

  /** Someone begins to handle it. Throws when that is to fail. */
  begin({ meta }: Event, queue: string): Handling & { readonly manner: Manner } {
    const { id } = meta
    const sent = this.sent.get(id)
    if (!sent) throw new Error(`Nobody has sent ${id}.`)
    this.leaks.push(...this.#against(sent, meta.released).map((rule) => `${id} was handled live in spite of ${rule}`))
    const attempt = (this.#attempts.get(id) ?? 0) + 1
    this.#attempts.set(id, attempt)
    if (this.broken.has(sent.tenant)) throw new Error(`The database of ${sent.tenant} is down.`)
    if (attempt <= failures[sent.manner]) throw new Error('It fails.')
    return { id, queue, released: meta.released, manner: sent.manner }
  }

  handled(handling: Handling): void {
    const { id, released } = handling
    this.handlings.push(handling)
    const sent = this.sent.get(id)
    if (!sent) return
    const against = this.#against(sent, released).map(
      (rule) => `${id} was still being handled live when ${rule} was active`,
    )
    this.lateEffects.push(...against)
  }

  /** A consumer publishes this. */
  publishes({ key, properties: { headers = {}, messageId } }: Message): void {
    const { 'x-ebs-rule': rule, 'x-ebs-queue': queue } = headers
    if (!key.startsWith('ebs.sideline.') || typeof rule !== 'string' || typeof queue !== 'string') return
    this.parkings.push({ id: messageId ?? '', queue, rule })
  }

  /** Notes which rules the hub calls active: from then on nothing that matches may be handled. */
  look(): void {
    for (const { id } of rules) {
      const state = this.#options.stateOf(id)
      if (state?.isSettled && state.phase !== 'lifted' && !state.end) this.#active.add(useOf(state))
    }
  }

  /** Uses of rules that are active and match a message which they have not let go. */
  #against(sent: Sent, released: readonly string[]): readonly string[] {
    this.look()
    return rules.flatMap((rule) => {
      const state = this.#options.stateOf(rule.id)
      if (!state || state.end || state.phase === 'lifted' || !this.#active.has(useOf(state))) return []
      const isOf = rule.queues.some((one) => one === sent.queue) && rule.matches(sent)
      return isOf && !released.includes(useOf(state)) ? [useOf(state)] : []
    })
  }

  effectsOf(id: string): number {
    return this.handlings.filter((one) => one.id === id).length
  }
}

const useOf = ({ id, episode }: Pick<SidelineState, 'id' | 'episode'>) => `${id}#${episode}`
