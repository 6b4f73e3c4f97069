import type { ConversationId, TimerId } from './conversations.ts'

/** A timer that stands still since `sinceMs`, with so much left of it: it neither falls due nor is it among the armed ones. */
export type FrozenTimer = TimerId & { readonly leftMs: number; readonly sinceMs: number }

type Sync<T> = T | Promise<T>

/** Timers that stand still while messages of their conversation's thread are set aside. Inside a transaction. */
export interface FrozenTimers {
  /** Conversations that go on and belong to this thread: those of these kinds, or of every kind. */
  findOpenOf(correlationId: string, kinds?: readonly string[]): Sync<readonly ConversationId[]>
  /**
   * Takes the timers of these conversations that are due behind `atMs` out of time, and keeps what is left of each; gives those back.
   * One that is armed again, is cancelled, or goes with its conversation is frozen no more, and leaves no trace.
   */
  freeze(ids: readonly ConversationId[], atMs: number): Sync<readonly FrozenTimer[]>
  /** Removes and gives back what is frozen of these conversations, for the caller to arm. */
  take(ids: readonly ConversationId[]): Sync<readonly FrozenTimer[]>
  /** Notes that messages of a thread are set aside, for conversations that open meanwhile; one that is noted stays as it is. */
  noteParked(correlationId: string, atMs: number): Sync<void>
  /** Forgets that; whether it was noted. */
  forgetParked(correlationId: string): Sync<boolean>
  isParked(correlationId: string): Sync<boolean>
}
