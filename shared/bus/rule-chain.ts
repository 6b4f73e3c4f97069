import { catalogue, type EventType, isEventType, rowOf } from '../events.ts'
import type { Rule } from '../operation-events.ts'
import type { Received } from './broker.ts'
import type { Event } from './envelope.ts'
import type { Filter } from './filter.ts'
import type { Guard } from './filter-guard.ts'
import type { Scope } from './filter-scope.ts'
import type { RuleVerdict } from './rules.ts'

/** A rule in force. */
export type ActiveRule = {
  readonly rule: Rule
  readonly filter: Filter
  /** What becomes of a message that matches. */
  readonly kind: 'park' | 'hold'
  /** How often the filter could not say. */
  readonly unclear: { count: number }
}

export const PASS: RuleVerdict = { kind: 'pass' }

/** One use of a rule's id: a rule that is started again is another one. */
export const useOf = ({ id, episode }: Pick<Rule, 'id' | 'episode'>) => `${id}#${episode}`

/** Rules are changed, and their effects told, by events of these: a rule that caught them could never be lifted. */
const isOwn = (type: EventType) => rowOf(type).direct === true || /^(?:sidelines|messages)\./.test(rowOf(type).key)
const own: ReadonlySet<EventType> = new Set(Object.keys(catalogue).filter(isEventType).filter(isOwn))

/** Whether rules apply to events of this type. */
export const isJudged = (type: EventType) => !own.has(type)

/** What a filter sees of an event. Without the bytes of its body, it is taken for a small one. */
export const scopeOf = ({ type, data, meta }: Event, queue: string, headers: Scope['headers'], bytes = 0): Scope => ({
  event: data,
  tenant: meta.tenant,
  type,
  key: meta.key,
  queue,
  headers,
  bytes,
})

/** The rules of each queue. */
export function chainsOf(rules: readonly ActiveRule[]): ReadonlyMap<string, RuleChain> {
  const queues = new Set(rules.flatMap(({ rule }) => rule.queues))
  return new Map([...queues].map((queue) => [queue, new RuleChain(queue, rules)]))
}

type Link = {
  readonly use: string
  readonly filter: Filter
  readonly unclear: { count: number }
  readonly verdict: RuleVerdict
  readonly rank: number
}
type ByValue = { readonly name: 'tenant' | 'key' | 'type'; readonly links: Map<string, Link[]>; readonly all: Link[] }

/**
 * The rules of one queue in the order of their start. Those that demand a tenant, key or type by value are looked up by it, so that a
 * hundred rules for a hundred tenants cost each message what one costs.
 */
export class RuleChain {
  readonly #queue: string
  readonly #open: Link[] = []
  readonly #byValue: readonly ByValue[]

  constructor(queue: string, rules: readonly ActiveRule[]) {
    this.#queue = queue
    const indexes = (['tenant', 'key', 'type'] as const).map((name) => ({ name, links: new Map(), all: [] }))
    const mine = rules.filter(({ rule, filter }) => rule.queues.includes(queue) && mayMatch(filter.guards, queue))
    for (const [rank, active] of mine.toSorted(inOrderOfStart).entries()) this.#add(linkOf(active, rank), indexes)
    this.#byValue = indexes.filter(({ all }) => all.length > 0)
  }

  /** The verdict of the first rule that matches. Never throws. */
  judge(event: Event, { body, properties }: Pick<Received, 'body' | 'properties'>): RuleVerdict {
    const scope = scopeOf(event, this.#queue, properties.headers, body.length)
    const { released } = event.meta
    let first = firstOf(this.#open, scope, released, undefined)
    for (const { name, links, all } of this.#byValue) {
      const value = scope[name]
      // Without the value a filter is not wrong but unclear, and that is counted.
      const candidates = value === undefined ? all : links.get(value)
      if (candidates) first = firstOf(candidates, scope, released, first)
    }
    return first ? first.verdict : PASS
  }

  #add(link: Link, indexes: readonly ByValue[]): void {
    for (const { name, values } of link.filter.guards) {
      const index = indexes.find((one) => one.name === name)
      if (!index) continue
      index.all.push(link)
      for (const value of values) {
        const links = index.links.get(value)
        if (links) links.push(link)
        else index.links.set(value, [link])
      }
      return
    }
    this.#open.push(link)
  }
}

/** A filter that demands another queue is of no interest to this one. */
const mayMatch = (guards: readonly Guard[], queue: string) =>
  guards.every(({ name, values }) => name !== 'queue' || values.includes(queue))

const inOrderOfStart = ({ rule: a }: ActiveRule, { rule: b }: ActiveRule) =>
  a.episode - b.episode || (a.id < b.id ? -1 : 1)

const linkOf = ({ rule, filter, kind, unclear }: ActiveRule, rank: number): Link => ({
  use: useOf(rule),
  filter,
  unclear,
  verdict: { kind, rule },
  rank,
})

/** The first of these that matches, unless one before it has matched already. */
function firstOf(links: readonly Link[], scope: Scope, released: readonly string[], before: Link | undefined) {
  for (const link of links) {
    if (before && link.rank > before.rank) return before
    if (released.length > 0 && released.includes(link.use)) continue
    const answer = link.filter.test(scope)
    if (answer === 'match') return link
    if (answer === 'unclear') link.unclear.count++
  }
  return before
}
