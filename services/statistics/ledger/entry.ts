import type { Subject } from '../../../shared/subject.ts'
import type { QueueName } from '../../../shared/topology.ts'

/**
 * An entry of the ledger: something that was accepted, and what has become of it. Events come in any order and more than once, so each
 * field is merged by a rule that does not care: an end stays, and of what is said about the message that carries the entry the latest counts.
 */

export type EntryKind = Subject['kind']
/** From the least final to the most: of two that were said in the same millisecond the later in this list counts. */
export const markStates = ['inFlight', 'waiting', 'parked', 'dead', 'discarded'] as const
export type MarkState = (typeof markStates)[number]
export type Outcome = 'done' | 'failed'
export type EntryState = MarkState | Outcome

/** What was last said of the message that carries an entry. */
export type Mark = {
  /** An object is carried by one message after another: what is said of a later one counts, whatever the clocks say. From 0. */
  readonly stage: number
  /** By the clock of whoever said it; 0 for the beginning of a stage. */
  readonly atMs: number
  readonly state: MarkState
  /** The rule that parked it, or who discarded it; else empty. */
  readonly by: string
}

/** The queue of the message that carries an entry; in the hub's hands it counts for the hub's queue. */
export function queueOf(kind: EntryKind, stage: number): QueueName {
  if (kind === 'task') return 'process_consume'
  return kind === 'object' && stage === 0 ? 'distributor_consume' : 'hub_consume'
}

/** The later of two marks; the same whichever comes first. */
export function latest(a: Mark, b: Mark): Mark {
  if (a.stage !== b.stage) return a.stage < b.stage ? b : a
  if (a.atMs !== b.atMs) return a.atMs < b.atMs ? b : a
  const order = markStates.indexOf(a.state) - markStates.indexOf(b.state)
  return order < 0 || (order === 0 && a.by < b.by) ? b : a
}

/** Before anything was said: on its way. */
export const UNMARKED: Mark = { stage: 0, atMs: 0, state: 'inFlight', by: '' }

/** Where an entry is counted. What has ended is nowhere. */
export type Account = {
  readonly kind: EntryKind
  readonly tenant: string
  readonly state: EntryState
  readonly queue: string
  readonly by: string
}

/** Entries that nobody claims for a tenant. */
export const NO_TENANT = '(none)'

export type Standing = {
  readonly kind: EntryKind
  readonly tenant: string | null
  readonly isAccepted: boolean
  readonly outcome: Outcome | null
  readonly mark: Mark
}

/** The account of an entry; undefined as long as it was not accepted, because it is nowhere then. */
export function accountOf({ kind, tenant, isAccepted, outcome, mark }: Standing): Account | undefined {
  if (!isAccepted) return undefined
  const owner = tenant ?? NO_TENANT
  if (outcome !== null) return { kind, tenant: owner, state: outcome, queue: '', by: '' }
  return { kind, tenant: owner, state: mark.state, queue: queueOf(kind, mark.stage), by: mark.by }
}
