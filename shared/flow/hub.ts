import type { z } from 'zod'
import type { Body, EventType, Json } from '../events.ts'

/**
 * The hub's contract: what a user of the platform writes to coordinate workers. Three functions say what to call and what to
 * reply; deadlines, retries, duplicates, undoing and the one reply are taken care of by `hubKind`.
 */

/** How a call is tried: `retries` = N means N + 1 attempts, each with `timeoutMs`, with `backoffMs` before each retry. */
export type CallPolicy = { readonly timeoutMs: number; readonly retries: number; readonly backoffMs: number }

/** What a call came to, or `complete: false` for a sign of progress. A timeout is an answer with the error OPERATION_TIMED_OUT. */
export type Answer = {
  readonly callId: string
  readonly name: string
  readonly input: Json
  /** The attempt that it answers, from 1. */
  readonly attempt: number
  /** 200 family (to 399): succeeded; 400 family: never will; 500 family: every retry was used up. */
  readonly status: number
  readonly output?: Json | undefined
  readonly error?: string | undefined
  readonly complete: boolean
}

/** A call that takes another one back. */
export type Undo = { readonly name: string; readonly input: Json }

/** What the functions of a contract may do. It takes effect together, when they return; nothing may follow `reply` or `fail`. */
export interface HubActions {
  /** Id of the conversation. */
  readonly id: string
  readonly nowMs: number
  /**
   * Calls a worker; gives the id of the call. `undo` is the call that takes it back, made when the conversation fails after it has
   * succeeded. Input and undo input are at most 64 KiB each as JSON, nested 60 levels deep at most (undo input 59); a conversation
   * makes at most 1,000 calls.
   */
  call(name: string, input: Json, options?: { readonly undo?: Undo }): string
  /** Ends the conversation well, with at most 64 KiB of output, 60 levels deep. Nobody waits any more for calls that have not been answered. */
  reply(output?: Json): void
  /** Ends it badly: what has succeeded and can be undone is undone first, newest first, then the one error reply goes out. */
  fail(error: string, options?: { readonly callId?: string }): void
}

/** A call as it goes to the worker. */
export type CallMessage = {
  readonly callId: string
  readonly conversationId: string
  readonly name: string
  readonly input: Json
  readonly attempt: number
  readonly deadlineMs: number
}

/** How a conversation ended badly. */
export type Failure<R extends EventType, S> = {
  readonly conversationId: string
  /** What started it. */
  readonly request: Body<R>
  /** Undefined when what was kept is no longer of the contract's schema, because that has changed; `error` says so, too. */
  readonly state: S | undefined
  readonly durationMs: number
  readonly kind: 'worker-error' | 'hub-timeout' | 'cancelled'
  readonly error: string
  readonly callId: string | undefined
  /** Ids of calls that were undone, and of those that should have been, or whose outcome is not known. */
  readonly undone: readonly string[]
  readonly notUndone: readonly string[]
}

/** What an answer must say. */
export type AnswerBody = {
  readonly callId: string
  /** Id of the conversation, checked when it is there. */
  readonly flowId?: string | undefined
  /** Missing: that of the envelope, else the current one. */
  readonly attempt?: number | undefined
  readonly status: number
  readonly output?: Json | undefined
  readonly error?: string | undefined
  readonly complete: boolean
}

/** The events of the catalogue that can be answers. */
export type AnswerType = { [K in EventType]: Body<K> extends AnswerBody ? K : never }[EventType]

/** A kind of conversation, as its author writes it. `S` is what its functions keep between messages: plain JSON. */
export type HubContract<R extends EventType, A extends AnswerType, S> = {
  /** Name in the store, the API and the metrics. */
  readonly kind: string
  /** Events that start one, and that answer its calls. */
  readonly request: R
  readonly answer: A
  readonly keyOf: (request: Body<R>) => string
  /** The same key is the same request; another one with the same id is a conflict. */
  readonly requestKeyOf: (request: Body<R>) => string
  /**
   * Reads what is kept, before a function gets it. Nested 60 levels deep at most. When it cannot be read, because this schema was
   * changed meanwhile, the functions are not called: the message is tried again, and the deadline, or an operator, ends the conversation.
   */
  readonly state: z.ZodType<S>
  /** From the request to the reply. It passes whatever the functions do. */
  readonly deadlineMs: number
  readonly call: CallPolicy
  /** Pure, like the others: they may run again. When they throw, the message is tried again, and the deadline stands. */
  readonly onRequest: (request: Body<R>, hub: HubActions) => S
  /** Called for each answer that counts: not while undoing, nor for calls that undo. */
  readonly onAnswer: (state: S, answer: Answer, hub: HubActions) => S
  /**
   * Its own deadline passed: may reply, or fail in words of its own, but no longer call; what has succeeded stays as it is. When it is
   * missing, does neither, or throws, the error reply `hub-timeout` goes out.
   */
  readonly onTimeout?: (state: S, hub: HubActions) => S
  /**
   * The events that go out. These must not throw: without the body of the one reply there is nothing to end a conversation with, so it
   * stays open, and its deadline comes again each minute until the contract is mended.
   */
  readonly says: {
    readonly called: (call: CallMessage) => Body
    readonly timedOut: (call: CallMessage) => Body
    readonly replied: (end: {
      readonly conversationId: string
      readonly state: S
      readonly durationMs: number
      readonly output: Json | undefined
    }) => Body
    readonly failed: (end: Failure<R, S>) => Body
    readonly refused: (conversationId: string, reason: string) => Body
  }
}

/** Of a contract, what does not depend on its events: what it says about a failure takes any request. */
export type HubTerms<S> = Pick<
  HubContract<EventType, AnswerType, S>,
  'kind' | 'call' | 'state' | 'deadlineMs' | 'says' | 'onAnswer' | 'onTimeout'
>
