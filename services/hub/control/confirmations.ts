import type { Body } from '../../../shared/events.ts'

export type Confirmation = Omit<Body<'SIDELINE_APPLIED'>, 'type'>

/** Rules whose confirmations are kept, the last ones that were confirmed: some times as many as may be open at once. */
const RULES_KEPT = 1_000
/** Consumers kept of one rule: of those that are gone nobody hears, so the oldest go first. */
const CONSUMERS_KEPT = 2_000

/** What consumers have said to the newest revision of each rule, by their tags. */
export class Confirmations {
  readonly #rules = new Map<string, { revision: number; readonly consumers: Map<string, Confirmation> }>()

  note(said: Confirmation): void {
    const before = this.#rules.get(said.id)
    if (before && said.revision < before.revision) return
    const rule = before?.revision === said.revision ? before : { revision: said.revision, consumers: new Map() }
    rule.consumers.delete(said.consumer)
    rule.consumers.set(said.consumer, said)
    dropOldest(rule.consumers, CONSUMERS_KEPT)
    this.#rules.delete(said.id)
    this.#rules.set(said.id, rule)
    dropOldest(this.#rules, RULES_KEPT)
  }

  /** Those who apply this revision of a rule, or a newer one, to a queue. */
  of(id: string, revision: number, queue: string): readonly Confirmation[] {
    const rule = this.#rules.get(id)
    if (!rule || rule.revision < revision) return []
    return [...rule.consumers.values()].filter((one) => one.queue === queue)
  }
}

function dropOldest(map: Map<string, unknown>, max: number): void {
  const [oldest] = map.keys()
  if (oldest !== undefined && map.size > max) map.delete(oldest)
}
