import type { ConversationId, EarlyEvent, EndedBefore, Timer } from './conversations.ts'
import type { DefinitionRow } from './definitions.ts'
import type { HubStore, HubTransaction } from './hub-store.ts'
import type { Watched } from './store.ts'

/** What a store offers so that conversations can move to another one, and from it. */

/** Who leads of two stores: the one with the higher epoch that `leads`. `isDrained`: the other holds nothing that is not here. */
export type Lead = {
  readonly epoch: number
  readonly leads: boolean
  readonly atMs: number
  readonly isDrained: boolean
  /** Both files of a pair have the same; null before they were together. */
  readonly pair: string | null
  /** The store that is not to lead, as the one that leads was told last. */
  readonly out: 'primary' | 'secondary' | null
}

export type SeenRow = { readonly queue: string; readonly id: string; readonly atMs: number }
/** A conversation, and its place among all of its store: the later opened, the higher. */
export type Placed = {
  readonly seq: number
  readonly id: ConversationId
  readonly version: number
  readonly isOpen: boolean
}

export interface MovingTransaction {
  lead(): Lead
  setLead(lead: Lead): void
  /** Fences these: the copy here may be older than the one in the other store. */
  leaveBehind(ids: readonly ConversationId[]): void
  /** Those of these that are fenced. */
  leftBehind(ids: readonly ConversationId[]): readonly ConversationId[]
  /** Removes all there is of these conversations: document, history, timers, and the fence. */
  remove(ids: readonly ConversationId[]): void
  /** Notes what was handled elsewhere; gives back how many of these were not noted. */
  recordSeen(rows: readonly SeenRow[]): number
  /** Keeps early events that were kept elsewhere, unless they are kept here, or their conversation has begun here. */
  keepEarly(events: readonly EarlyEvent[]): void
  removeEarly(seqs: readonly number[]): void
  /** As of `ConversationTransaction`, without those of conversations that are fenced. */
  takeDueTimers(nowMs: number, limit: number): readonly Timer[]
  nextTimerDue(): number | undefined
  /** As of `ConversationTransaction`, without those to be kept. */
  removeEnded(before: EndedBefore, limit: number, isKept: (id: ConversationId) => boolean): number
}

/** Sees what is committed. */
export interface MovingReader {
  lead(): Lead
  leftBehind(ids: readonly ConversationId[]): readonly ConversationId[]
  /** In the order in which they were opened, behind this place. */
  conversationsAfter(seq: number, limit: number): readonly Placed[]
  /** Whether there is such a conversation. */
  knows(id: ConversationId): boolean
  /** Those of these ids that were handled. */
  seen(queue: string, ids: readonly string[]): ReadonlySet<string>
  /** The newest first, below this place. */
  seenBelow(seq: number, limit: number): readonly (SeenRow & { readonly seq: number })[]
  /** Events that are kept for a conversation since this time, in the order kept. */
  earlyOf(id: ConversationId, sinceMs: number): readonly EarlyEvent[]
  /** Behind this place, in the order kept. */
  earlyAfter(seq: number, limit: number): readonly (EarlyEvent & { readonly seq: number })[]
  definitionsAfter(seq: number, limit: number): readonly DefinitionRow[]
}

export type MovableTransaction = HubTransaction & { readonly moving: MovingTransaction }

/** A store that can be one of two. */
export interface MovableHubStore extends HubStore, Watched {
  readonly moving: MovingReader
  write<T>(job: (tx: MovableTransaction) => T | Promise<T>): Promise<T>
}
