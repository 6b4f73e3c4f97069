import type { Plan } from '../../shared/topology.ts'
import type { Found, FoundBinding, FoundQueue } from './found.ts'
import { isStandIn, obsoleteQueues, standInOf } from './wanted.ts'

export type Bound = Plan['bindings'][number] & { readonly arguments?: FoundBinding['arguments'] }
type Queue = Plan['queues'][number]

/** One step. Each may be done again, and what comes behind it is safe when the one before it is done. */
export type Act =
  | { readonly act: 'declare-exchange'; readonly exchange: Plan['exchanges'][number] }
  | { readonly act: 'declare-queue'; readonly queue: Queue }
  /** Wait until nobody consumes it. */
  | { readonly act: 'leave'; readonly queue: string }
  /** What waits there, in order, while more may come. */
  | { readonly act: 'move'; readonly from: string; readonly to: string }
  | { readonly act: 'bind' | 'unbind'; readonly queue: string; readonly bindings: readonly Bound[] }
  /** The rest, until nothing comes and nobody holds anything. */
  | { readonly act: 'drain'; readonly from: string; readonly to: string }
  /** A rung of the ladder: its messages leave it by themselves, at the latest after this time. */
  | { readonly act: 'run-out'; readonly queue: string; readonly msMax: number }
  | { readonly act: 'remove'; readonly queue: string; readonly isQuorum: boolean }

/** What is to be done about one queue, or one exchange, in order. */
export type Task = {
  readonly name: string
  readonly kind: 'queue' | 'exchange'
  /** Why, in words. */
  readonly why: readonly string[]
  /** Messages, as the management API counts them. */
  readonly messages: number
  readonly consumers: readonly string[]
  readonly acts: readonly Act[]
}

export type Change = {
  readonly tasks: readonly Task[]
  /** What cannot be done, and why. */
  readonly refused: readonly { readonly name: string; readonly kind: 'queue' | 'exchange'; readonly why: string }[]
  /** Queues of another version. */
  readonly obsolete: readonly {
    readonly name: string
    readonly messages: number
    readonly consumers: readonly string[]
  }[]
}

/** Steps that make a broker hold what is wanted, from whatever it holds: also from what an earlier run has left half done. */
export function planChange(wanted: Plan, found: Found, { removeObsolete = false } = {}): Change {
  const obsolete = obsoleteQueues(wanted, found).map((name) => numbersOf(found, name))
  const exchanges = exchangeTasks(wanted, found)
  const queues = wanted.queues.map((queue) => new QueueChange(queue, wanted, found))
  const removable = removeObsolete ? obsolete.map(({ name }) => removal(name, found)) : []
  return {
    tasks: [...exchanges.tasks, ...queues.flatMap((one) => one.task ?? []), ...removable],
    refused: [...exchanges.refused, ...queues.flatMap((one) => one.refused ?? [])],
    obsolete,
  }
}

function removal(name: string, found: Found): Task {
  const isQuorum = found.queues.find((queue) => queue.name === name)?.type === 'quorum'
  const acts: readonly Act[] = [{ act: 'remove', queue: name, isQuorum }]
  return { ...numbersOf(found, name), kind: 'queue', why: ['this version of ebs has no such queue'], acts }
}

function numbersOf(found: Found, name: string) {
  const messages = found.queues.find((queue) => queue.name === name)?.messages ?? 0
  return { name, messages, consumers: found.consumers.get(name) ?? [] }
}

const AN_EXCHANGE =
  'Deleting an exchange drops what is published meanwhile, and its bindings. Stop everything, delete it, and run this again: it is declared anew, with its bindings'

function exchangeTasks(wanted: Plan, found: Found): Pick<Change, 'tasks' | 'refused'> {
  const tasks: Task[] = []
  const refused: Change['refused'][number][] = []
  for (const exchange of wanted.exchanges) {
    const { name } = exchange
    const there = found.exchanges.find((one) => one.name === name)
    const differs = there
      ? differencesOf(
          { type: there.type, durable: there.durable, internal: there.internal, ...there.arguments },
          { type: exchange.type, durable: true, internal: exchange.internal === true, ...exchange.arguments },
        )
      : []
    if (differs.length > 0) refused.push({ name, kind: 'exchange', why: `${differs.join(', ')}. ${AN_EXCHANGE}.` })
    const { missing, stale } = bindingsOf(name, 'exchange', wanted, found)
    const acts: readonly Act[] = [
      ...(there ? [] : [{ act: 'declare-exchange', exchange } as const]),
      ...bindAct(name, missing),
      ...unbindAct(name, stale),
    ]
    if (acts.length > 0)
      tasks.push({ name, kind: 'exchange', why: whyOf(there, missing, stale), messages: 0, consumers: [], acts })
  }
  return { tasks, refused }
}

/** One queue, as it is and as it should be. */
class QueueChange {
  readonly task: Task | undefined
  readonly refused: Change['refused'][number] | undefined
  readonly #queue: Queue
  readonly #found: Found
  readonly #missing: readonly Bound[]

  constructor(queue: Queue, wanted: Plan, found: Found) {
    this.#queue = queue
    this.#found = found
    const { name } = queue
    const there = found.queues.find((one) => one.name === name)
    const differs = there ? queueDifferences(there, queue) : []
    const { missing, stale } = bindingsOf(name, 'queue', wanted, found)
    this.#missing = missing
    const why = differs.length > 0 ? whyNot(queue, there) : undefined
    if (why !== undefined) this.refused = { name, kind: 'queue', why: `${differs.join(', ')}. ${why}` }
    if (there?.exclusive) return
    const isChanging = differs.length > 0 && why === undefined
    const acts = [...this.#contents(there, isChanging), ...unbindAct(name, stale)]
    if (acts.length === 0) return
    const own = numbersOf(found, name)
    const messages = own.messages + numbersOf(found, standInOf(name)).messages
    const reasons = [
      ...(isChanging ? differs : []),
      ...(this.#standIn ? [`${standInOf(name)} is there: a change was begun`] : []),
    ]
    this.task = {
      ...{ name, kind: 'queue', messages, consumers: own.consumers, acts },
      why: reasons.length > 0 ? reasons : whyOf(there, missing, stale),
    }
  }

  #contents(there: FoundQueue | undefined, isChanging: boolean): readonly Act[] {
    const declared: readonly Act[] = [{ act: 'declare-queue', queue: this.#queue }]
    if (there && isChanging) return [...this.#intoStandIn(there), ...declared, ...this.#outOfStandIn(undefined)]
    if (this.#standIn) return [...(there ? [] : declared), ...this.#outOfStandIn(there)]
    return [...(there ? [] : declared), ...bindAct(this.#queue.name, this.#missing)]
  }

  /** From here on the stand-in has what comes, and then what was there. */
  #intoStandIn(there: FoundQueue): readonly Act[] {
    const { name } = this.#queue
    const standIn = standInOf(name)
    const rung = rungMs(there)
    const heard = this.#heardBy(name)
    const queue = { name: standIn, arguments: this.#queue.arguments }
    return [
      { act: 'leave', queue: name },
      ...(this.#standIn ? [] : [{ act: 'declare-queue', queue } as const]),
      ...(rung === undefined ? [{ act: 'move', from: name, to: standIn } as const] : []),
      // Bound first: what is published meanwhile comes to both, and the ids tell.
      ...bindAct(standIn, without(this.#everything(), this.#heardBy(standIn))),
      ...unbindAct(name, heard),
      rung === undefined ? { act: 'drain', from: name, to: standIn } : { act: 'run-out', queue: name, msMax: rung },
      { act: 'remove', queue: name, isQuorum: there.type === 'quorum' },
    ]
  }

  /** The same, the other way round. `there` is the queue, if it was not made anew just now. */
  #outOfStandIn(there: FoundQueue | undefined): readonly Act[] {
    const { name } = this.#queue
    const standIn = standInOf(name)
    const rung = rungMs(this.#standIn ?? this.#queue)
    const type = this.#standIn?.type ?? this.#queue.arguments['x-queue-type']
    return [
      ...(rung === undefined ? [{ act: 'move', from: standIn, to: name } as const] : []),
      ...bindAct(name, without(this.#everything(), there ? this.#heardBy(name) : [])),
      // What it will have been bound to, when it is not there yet.
      ...unbindAct(standIn, this.#standIn && there ? this.#heardBy(standIn) : this.#everything()),
      rung === undefined ? { act: 'drain', from: standIn, to: name } : { act: 'run-out', queue: standIn, msMax: rung },
      { act: 'remove', queue: standIn, isQuorum: type === 'quorum' },
    ]
  }

  /** Once begun, what one of the two hears may be all that is known of it. */
  #everything(): readonly Bound[] {
    const { name } = this.#queue
    const found = [...this.#heardBy(name), ...this.#heardBy(standInOf(name))].map((one) => ({
      ...one,
      destination: name,
    }))
    const own = new Map([...found, ...this.#missing].map((one) => [bindingName(one), one]))
    return [...own.values()]
  }

  #heardBy(queue: string): readonly Bound[] {
    return this.#found.bindings.filter((one) => one.to === 'queue' && one.destination === queue)
  }

  get #standIn(): FoundQueue | undefined {
    const name = standInOf(this.#queue.name)
    return isStandIn(name, this.#found) ? this.#found.queues.find((one) => one.name === name) : undefined
  }
}

const bindAct = (queue: string, bindings: readonly Bound[]): readonly Act[] => bindingAct('bind', queue, bindings)
const unbindAct = (queue: string, bindings: readonly Bound[]): readonly Act[] => bindingAct('unbind', queue, bindings)

const bindingAct = (act: 'bind' | 'unbind', queue: string, bindings: readonly Bound[]): readonly Act[] =>
  bindings.length === 0 ? [] : [{ act, queue, bindings: bindings.map((one) => ({ ...one, destination: queue })) }]

/** Whatever they lead to. */
function without(bindings: readonly Bound[], present: readonly Bound[]): readonly Bound[] {
  const known = new Set(present.map((one) => bindingName({ ...one, destination: '' })))
  return bindings.filter((one) => !known.has(bindingName({ ...one, destination: '' })))
}

const bindingName = ({ source, destination, to, key, arguments: args = {} }: Bound) =>
  JSON.stringify([source, destination, to, key, args])

/** Those that it lacks, and those from an exchange of ours that nobody wants. What others have bound to it stays. */
function bindingsOf(name: string, to: 'queue' | 'exchange', wanted: Plan, found: Found) {
  const ours = new Set(wanted.exchanges.map((exchange) => exchange.name))
  const isOf = (one: Bound) => one.destination === name && one.to === to
  const own: readonly Bound[] = wanted.bindings.filter(isOf)
  const there: readonly Bound[] = found.bindings.filter(isOf)
  return { missing: without(own, there), stale: without(there, own).filter(({ source }) => ours.has(source)) }
}

const whyOf = (there: object | undefined, missing: readonly Bound[], stale: readonly Bound[]) => [
  ...(there ? missing.map(({ source, key }) => `the binding ${source} --${key}--> is missing`) : ['it is missing']),
  ...stale.map(({ source, key }) => `the binding ${source} --${key}--> is not wanted`),
]

type Values = Readonly<Record<string, unknown>>

function differencesOf(found: Values, wanted: Values): readonly string[] {
  const names = [...new Set([...Object.keys(wanted), ...Object.keys(found)])]
  const shown = (value: unknown) => (value === undefined ? 'not set' : String(value))
  return names
    .filter((name) => found[name] !== wanted[name])
    .map((name) => `${name} is ${shown(found[name])}, wanted is ${shown(wanted[name])}`)
}

/** The type of a queue stands in its arguments only if somebody gave it. */
const queueDifferences = (found: FoundQueue, wanted: Queue) =>
  differencesOf(
    { ...found.arguments, 'x-queue-type': found.type, durable: found.durable, 'auto-delete': found.isAutoDelete },
    { ...wanted.arguments, durable: true, 'auto-delete': false },
  )

/** The reason why a queue cannot be made anew while the system runs; undefined when it can. */
function whyNot(wanted: Queue, found: FoundQueue | undefined): string | undefined {
  if (found?.exclusive) return 'It belongs to one connection: look whose it is, and end that.'
  const isStream = found?.type === 'stream' || wanted.arguments['x-queue-type'] === 'stream'
  return isStream
    ? 'A stream cannot be drained, and this never deletes it. Limits such as x-max-length-bytes may be set by a policy; anything else while nothing runs: back up, delete it, run this again, and restore (ebs backup, ebs restore).'
    : undefined
}

/** How long a message may stay in a rung of the ladder; undefined for any other queue. */
function rungMs({ arguments: args }: Pick<Queue, 'arguments'>): number | undefined {
  const { 'x-message-ttl': ttlMs, 'x-dead-letter-exchange': next } = args
  return typeof ttlMs === 'number' && typeof next === 'string' && next !== '' ? ttlMs : undefined
}
