import type { Received } from '../../shared/bus/broker.ts'
import type { Body } from '../../shared/events.ts'
import type { Actor } from '../../shared/flow/kernel.ts'
import type { Page, PageRequest } from '../../shared/store/conversations.ts'
import type { Held, HeldFilter, HeldReader, HeldState } from '../../shared/store/held-messages.ts'

/**
 * What the routes for rules, replays and dead letters need of the hub. Whoever implements it touches the store, the kernel and the
 * broker; routes only parse, wait and show. Each may reject with StoreUnavailableError (answered 503).
 */
export interface HeldOperations {
  readonly held: HeldReader
  /**
   * Gives an event to the kernel, in a transaction of its own, as if it had come over the bus; resolves when that is stored. `refused`
   * is the reason of its kind: then nothing has changed.
   */
  tell(body: Body): Promise<{ readonly refused?: string }>
  readonly trials: {
    /** Asks every consumer of these queues how many of its last messages the filter matches; waits for the answers, not for ever. */
    run(trial: Trial): Promise<TrialResult>
  }
  readonly contents: {
    /** Contents by id, from the catalogue or by browsing their places; those that are in their places no more are missing. */
    fetch(ids: readonly string[]): Promise<ReadonlyMap<string, Content>>
  }
  /** Like `held.listHeld`, of those whose content matches `where` (CEL that compiles). Throws InvalidCursorError. */
  search(which: Selection, page: PageRequest): Promise<Page<Held>>
  readonly replays: {
    /** Freezes the set (of what is `held`) and starts a job for it, or says why not. */
    request(request: ReplayRequest): Promise<ReplayAnswer>
  }
  /** Keeps another body for a message that is `held`, for when it is replayed. The queue's own copy stays as it is. */
  edit(id: string, body: unknown, by: Actor): Promise<EditAnswer>
}

/** Rows of the catalogue; with `where`, of these the messages that match this CEL expression. */
export type Selection = { readonly filter: HeldFilter; readonly where?: string | undefined }

export type Trial = {
  readonly filter: string
  readonly queues: readonly string[]
  /** Of each consumer's last messages, so many at most. */
  readonly sample: number
}

/** `unclear`: the message lacks a field that the filter looks at, and so does not match. */
type Tried = { readonly sampled: number; readonly matched: number; readonly unclear: number }
export type TrialResult = Tried & {
  readonly queues: readonly (Tried & { readonly queue: string })[]
  /** Consumers that answered. */
  readonly answered: number
  /** Those that did not, as a person would call them. */
  readonly missing: readonly string[]
  /** Ids of messages that match, a few. */
  readonly examples: readonly string[]
}

/** A message as it is replayed: its own, or as somebody edited it. */
export type Content = {
  readonly body: Buffer
  readonly properties: Received['properties']
  /** By whom and why it differs from what the queue holds; null when it does not. */
  readonly edited: string | null
}

export const heldActs = ['replay', 'discard', 'archive'] as const
export type HeldAct = (typeof heldActs)[number]

export type Pacing = {
  readonly canary?: number | undefined
  /** Messages per second. */
  readonly rate?: number | undefined
  /** Percent. */
  readonly maxFailure?: number | undefined
  readonly ordered?: boolean | undefined
}

export type ReplayRequest = Selection & {
  readonly act: HeldAct
  readonly by: Actor
  readonly pacing: Pacing
  /** Also what died so long ago that the inbox has forgotten whether it was handled. */
  readonly force: boolean
  /** Only counts. */
  readonly dryRun: boolean
}

export type ReplayAnswer =
  | { readonly outcome: 'requested'; readonly id: string; readonly count: number }
  /** Of a dry run; `old` of them need `force`. */
  | { readonly outcome: 'counted'; readonly count: number; readonly old: number }
  | { readonly outcome: 'empty' }
  /** So many are too old to be replayed without `force`; nothing was changed. */
  | { readonly outcome: 'too-old'; readonly count: number; readonly old: number; readonly olderThanDays: number }
  /** Such as: more than one job may take at once. */
  | { readonly outcome: 'refused'; readonly reason: string }

export type EditAnswer =
  | { readonly outcome: 'edited'; readonly edited: string }
  | { readonly outcome: 'unknown' }
  /** Chosen by a job, on its way back, or gone. */
  | { readonly outcome: 'not-held'; readonly state: HeldState }
  | { readonly outcome: 'invalid'; readonly errors: readonly { readonly field: string; readonly message: string }[] }
