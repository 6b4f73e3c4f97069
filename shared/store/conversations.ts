import type { FrozenTimer, FrozenTimers } from './frozen-timers.ts'
import type { Outbox } from './outbox-relay.ts'
import type { Store, Transaction } from './store.ts'

/**
 * What a coordinator keeps: one document per conversation, changed by compare-and-set; its append-only history; its timers;
 * events that came before their conversation. Documents are JSON text to the store.
 */

export type ConversationId = { readonly kind: string; readonly key: string }

/** A document as it is stored. Times are ms since 1970. */
export type Conversation = ConversationId & {
  /** Counts its changes, from 1. */
  readonly version: number
  readonly status: string
  /** What its kind sorts conversations by, such as the type of a journey; null for kinds that do not. */
  readonly label: string | null
  /** Why a person should look at it, in a word of its kind; null when nobody need. */
  readonly attention: string | null
  /** JSON. */
  readonly state: string
  readonly correlationId: string
  readonly tenant: string | null
  readonly traceparent: string | null
  readonly createdAtMs: number
  readonly changedAtMs: number
  /** Null while it goes on. */
  readonly endedAtMs: number | null
}

/** A document with one change more. `readVersion` is the version that the change was decided on; 0 when there was none. */
export type ConversationChange = {
  readonly to: Conversation
  readonly readVersion: number
  readonly history: readonly HistoryEntry[]
}

export type HistoryEntry = { readonly atMs: number; readonly what: string; readonly detail: string | null }

/** `token` is another one each time a timer is armed, and never comes again: an act on an older arming can be told. */
export type Timer = ConversationId & { readonly name: string; readonly token: number; readonly dueMs: number }
export type TimerId = ConversationId & { readonly name: string }

/** The order of timers: by due time; of those due together, the first armed. */
export const earliestFirst = (a: Timer, b: Timer): number => a.dueMs - b.dueMs || a.token - b.token

/** An event that waits for its conversation: JSON text that the caller understands. */
export type EarlyEvent = ConversationId & { readonly event: string; readonly atMs: number }

/** How many early events are kept, and how many bytes of them, of all conversations together; how many of one. */
export type EarlyBounds = {
  readonly countMax: number
  readonly bytesMax: number
  readonly perConversationMax: number
}

/** How often something of a kind was ignored, and the newest of it. */
export type IgnoredCount = {
  readonly kind: string
  readonly why: string
  readonly type: string
  readonly count: number
  readonly lastKey: string
  readonly lastAtMs: number
}

/** Somebody else has changed the document meanwhile: the job is undone; decide again on what is there now. */
export class VersionConflictError extends Error {
  override readonly name = 'VersionConflictError'
}

/** Throws VersionConflictError when the change was not decided on what is stored; 0 stands for nothing. */
export function assertVersion({ kind, key }: ConversationId, readVersion: number, version: number): void {
  if (readVersion === version) return
  throw new VersionConflictError(
    `${kind} '${key}' is at version ${version} and the change was decided on ${readVersion}: decide again on what is there now.`,
  )
}

/** The cursor is none that a listing gave: begin the listing again without one. */
export class InvalidCursorError extends Error {
  override readonly name = 'InvalidCursorError'
}

/** Where conversations are kept, with the inbox and the outbox that go with them. */
export interface ConversationStore extends Store<ConversationTransaction>, Outbox {
  /** Sees what is committed. */
  readonly reader: ConversationReader
  /** Forgets inbox ids older than 30 days; gives back how many. */
  prune(nowMs: number): Promise<number>
}

type Sync<T> = T | Promise<T>

export type EndedBefore = { readonly endedAtMs: number; readonly statuses: readonly string[] }

/** Inside a transaction: sees what the transaction wrote. */
export interface ConversationTransaction extends Transaction {
  /** Those that are there, in any order. */
  findConversations(ids: readonly ConversationId[]): Sync<readonly Conversation[]>
  /** Conversations of a kind that are not over. Costs the same however many there are. */
  countOpen(kind: string): Sync<number>
  /**
   * Writes documents and appends history. A document at most once per call, with a version above the one that was read.
   * Throws VersionConflictError.
   */
  saveConversations(changes: readonly ConversationChange[]): Sync<void>
  /** Arms timers, or moves those that are armed; each gets a new token. */
  armTimers(timers: readonly (TimerId & { readonly dueMs: number })[]): Sync<void>
  /** Those that are not there are none the worse for it; gives back how many were, armed or frozen. */
  cancelTimers(ids: readonly TimerId[]): Sync<number>
  /** Cancels every timer of these conversations, frozen ones too. */
  cancelTimersOf(ids: readonly ConversationId[]): Sync<void>
  /** Removes and gives back timers due at `nowMs` or before, earliest first (of those due together, the first armed), at most `limit`. */
  takeDueTimers(nowMs: number, limit: number): Sync<readonly Timer[]>
  /** Removes one timer, whenever it is due, and gives it back; undefined when it is not there or has another token. */
  takeTimer(id: TimerId, token?: number): Sync<Timer | undefined>
  /** Due time of the earliest timer. */
  nextTimerDue(): Sync<number | undefined>
  readonly frozen: FrozenTimers
  /** Notes that a wake-up for this time is on its way; gives back those that were not noted before. */
  addWakeups(slotsMs: readonly number[]): Sync<readonly number[]>
  /** Forgets wake-ups up to this time. */
  removeWakeups(upToMs: number): Sync<void>
  /** Forgets the wake-up of exactly this time, if it was noted: after the clock was set back it lies behind others that are on their way. */
  removeWakeup(slotMs: number): Sync<void>
  /**
   * Keeps events for their conversations, each that there is room for; gives back those that were not kept. Of one conversation no more
   * than 16 MiB are kept, whatever the bounds.
   */
  keepEarly(events: readonly EarlyEvent[], bounds: EarlyBounds): Sync<readonly EarlyEvent[]>
  /** Removes and gives back what was kept for a conversation at `sinceMs` or after, in the order kept. */
  takeEarly(id: ConversationId, sinceMs: number): Sync<readonly EarlyEvent[]>
  /**
   * Removes events kept before `beforeMs`, oldest first: at most `limit`, and no more than some 10 ms of work, at least one. Gives back
   * whose they were, for each event once: fewer than `limit` may not be all, none means that none is left.
   */
  expireEarly(beforeMs: number, limit: number): Sync<readonly ConversationId[]>
  /** Adds to the counts; `lastKey` and `lastAtMs` are those of the newest. */
  countIgnored(counts: readonly IgnoredCount[]): Sync<void>
  /**
   * Removes conversations that ended before `endedAtMs` in one of these statuses, with their history: at most `limit`, and no more than
   * some 10 ms of work, at least one. Gives back how many: fewer than `limit` may not be all, 0 means that none is left.
   */
  removeEnded(before: EndedBefore, limit: number): Sync<number>
}

export type ConversationFilter = {
  readonly kind: string
  readonly status?: string | undefined
  readonly label?: string | undefined
  /** Those that a person should look at, for this reason or, with `true`, for any. */
  readonly attention?: string | true | undefined
  readonly tenant?: string | undefined
  /** Still going on, or over. */
  readonly isOpen?: boolean | undefined
  /** Going on since before this time. */
  readonly createdBeforeMs?: number | undefined
}

/** Whether a conversation goes on, and in which version of its document. */
export type Standing = { readonly key: string; readonly version: number; readonly isOpen: boolean }

export type EndedFilter = { readonly kind: string; readonly sinceMs: number }
export type AttentionFilter = { readonly kind: string; readonly attention: string; readonly limit: number }
export type DurationsFilter = {
  readonly kind: string
  readonly label: string
  readonly status: string
  readonly limit: number
}

/** A page. `next`, undefined on the last one, is the cursor of the page behind it. */
export type Page<T> = { readonly items: readonly T[]; readonly next: string | undefined }
/** `limit` from 1. `cursor` is the `next` of a page of the same list; what has come or gone meanwhile shifts nothing. */
export type PageRequest = { readonly limit: number; readonly cursor?: string | undefined }

/** The side of whoever looks: sees what is committed. */
export interface ConversationReader {
  findConversation(id: ConversationId): Sync<Conversation | undefined>
  /** How those of these stand that there are, in any order: one pass, with no look at a document. */
  standingOf(kind: string, keys: readonly string[]): Sync<readonly Standing[]>
  /** The newest `limit` lines, oldest first. */
  historyOf(id: ConversationId, limit: number): Sync<readonly HistoryEntry[]>
  /** Earliest due first. */
  timersOf(id: ConversationId): Sync<readonly Timer[]>
  /** By name. */
  frozenTimersOf(id: ConversationId): Sync<readonly FrozenTimer[]>
  /** How many events wait for this conversation, and since when the first of them; undefined when none does. */
  earlyOf(id: ConversationId): Sync<{ readonly count: number; readonly sinceMs: number } | undefined>
  /** Newest first. Throws InvalidCursorError. */
  listConversations(filter: ConversationFilter, page: PageRequest): Sync<Page<Conversation>>
  /** Those with a label that ended at `sinceMs` or after, in the order in which they ended. Throws InvalidCursorError. */
  listEnded(filter: EndedFilter, page: PageRequest): Sync<Page<Conversation>>
  /** How long conversations went on, in ms from creation to end: the newest `limit` of a label that ended in this status. */
  durationsOf(which: DurationsFilter): Sync<readonly number[]>
  /** The labels of those that go on, in order. Costs what there are labels, however many conversations there are. */
  labelsOf(kind: string): Sync<readonly string[]>
  /** Earliest due first. Throws InvalidCursorError. */
  listTimers(
    filter: { readonly kind?: string | undefined; readonly dueBeforeMs?: number | undefined },
    page: PageRequest,
  ): Sync<Page<Timer>>
  /** By kind, reason and type. */
  listIgnored(): Sync<readonly IgnoredCount[]>
  /** Those that a person should look at for this reason, counted up to `limit`, with no look at any of them. */
  countAttention(which: AttentionFilter): Sync<number>
  /** Open conversations by kind, with the time the oldest was created. Costs the same however many there are; so do the next three. */
  countOpen(): Sync<readonly { readonly kind: string; readonly count: number; readonly oldestMs: number }[]>
  countTimers(): Sync<number>
  countFrozenTimers(): Sync<number>
  countEarly(): Sync<number>
}
