import type { Transaction } from './store.ts'

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

/** `token` counts how often this name was armed, from 1, so that an act on an older arming can be told. */
export type Timer = ConversationId & { readonly name: string; readonly token: number; readonly dueMs: number }
export type TimerId = ConversationId & { readonly name: string }

/** An event that waits for its conversation: JSON text that the caller understands. */
export type EarlyEvent = ConversationId & { readonly event: string; readonly atMs: number }

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

type Sync<T> = T | Promise<T>

/** Inside a transaction: sees what the transaction wrote. */
export interface ConversationTransaction extends Transaction {
  /** Those that are there, in any order. */
  findConversations(ids: readonly ConversationId[]): Sync<readonly Conversation[]>
  /** Writes documents and appends history. Throws VersionConflictError. A document at most once per call. */
  saveConversations(changes: readonly ConversationChange[]): Sync<void>
  /** Arms or moves timers; the token is counted by the store. */
  armTimers(timers: readonly (TimerId & { readonly dueMs: number })[]): Sync<void>
  /** Those that are not there are none the worse for it; gives back how many were. */
  cancelTimers(ids: readonly TimerId[]): Sync<number>
  /** Cancels every timer of these conversations. */
  cancelTimersOf(ids: readonly ConversationId[]): Sync<void>
  /** Removes and gives back timers due at `nowMs` or before, earliest first, at most `limit`. */
  takeDueTimers(nowMs: number, limit: number): Sync<readonly Timer[]>
  /** Removes one timer, whenever it is due, and gives it back; undefined when it is not there or has another token. */
  takeTimer(id: TimerId, token?: number): Sync<Timer | undefined>
  /** Due time of the earliest timer. */
  nextTimerDue(): Sync<number | undefined>
  /** Notes that a wake-up for this time is on its way; gives back those that were not noted before. */
  addWakeups(slotsMs: readonly number[]): Sync<readonly number[]>
  /** Forgets wake-ups up to this time. */
  removeWakeups(upToMs: number): Sync<void>
  /** Keeps an event for its conversation. Gives false, and keeps nothing, when there are `limit` of all conversations already. */
  keepEarly(events: readonly EarlyEvent[], limit: number): Sync<boolean>
  /** Removes and gives back what was kept for a conversation since `sinceMs`, oldest first. */
  takeEarly(id: ConversationId, sinceMs: number): Sync<readonly EarlyEvent[]>
  /** Removes events kept before `beforeMs`, at most `limit`; gives them back. */
  expireEarly(beforeMs: number, limit: number): Sync<readonly EarlyEvent[]>
  countIgnored(counts: readonly IgnoredCount[]): Sync<void>
  /** Removes ended conversations with their history, at most `limit`; gives back how many. */
  removeEnded(before: { readonly endedAtMs: number; readonly statuses: readonly string[] }, limit: number): Sync<number>
}

export type ConversationFilter = {
  readonly kind: string
  readonly status?: string | undefined
  readonly tenant?: string | undefined
  /** Still going on, or over. */
  readonly isOpen?: boolean | undefined
  /** Going on since before this time. */
  readonly createdBeforeMs?: number | undefined
}

/** A page: what is behind `next` comes with the next one. */
export type Page<T> = { readonly items: readonly T[]; readonly next: string | undefined }
export type PageRequest = { readonly limit: number; readonly cursor?: string | undefined }

/** The side of whoever looks: sees what is committed. */
export interface ConversationReader {
  findConversation(id: ConversationId): Sync<Conversation | undefined>
  historyOf(id: ConversationId, limit: number): Sync<readonly HistoryEntry[]>
  timersOf(id: ConversationId): Sync<readonly Timer[]>
  /** Newest first. */
  listConversations(filter: ConversationFilter, page: PageRequest): Sync<Page<Conversation>>
  /** Earliest due first. */
  listTimers(
    filter: { readonly kind?: string | undefined; readonly dueBeforeMs?: number | undefined },
    page: PageRequest,
  ): Sync<Page<Timer>>
  listIgnored(): Sync<readonly IgnoredCount[]>
  /** For metrics: open conversations by kind, with the time the oldest was created. */
  countOpen(): Sync<readonly { readonly kind: string; readonly count: number; readonly oldestMs: number }[]>
  countTimers(): Sync<number>
  countEarly(): Sync<number>
}
