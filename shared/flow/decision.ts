import type { z } from 'zod'
import type { Event, Meta } from '../bus/envelope.ts'
import type { Body } from '../events.ts'

/**
 * How conversations are decided: pure functions from state, input and the time to a new state, events and timers. The kernel
 * (`kernel.ts`) loads the state, applies the decision in one transaction and sends what it says; so a decision needs no mock.
 */

/** What happens to a conversation. */
export type Input =
  | { readonly event: Event }
  /** One of its timers fell due; it is gone from the timers when this is decided. */
  | { readonly timer: string; readonly dueMs: number }
  /** A person or a program acts on it through the operations API. */
  | { readonly act: 'cancel'; readonly actor: string; readonly reason: string }

/** Why an input changed nothing. Counted by the kernel. */
export type Ignored =
  /** For a conversation or a call that has ended. */
  | 'late'
  /** For a conversation, member or call that there is not. */
  | 'unknown'
  /** Said before. */
  | 'duplicate'
  /** For an attempt that is no longer the current one. */
  | 'stale'
  /** A request with the id of another one. */
  | 'conflict'

/** What a decision sends. */
export type Sent =
  /** An event of the catalogue, over the exchange. */
  | { readonly body: Body }
  /** A copy straight to the queue of someone who waits for it. */
  | { readonly body: Body; readonly to: Asker }
  /** Straight to a queue of the platform, or to the stream of rules. */
  | { readonly body: Body; readonly queue: string }
  /** A JSON value as it is, to a topic of a user's choice. */
  | { readonly verbatim: unknown; readonly topic: string }

/** Someone who waits for a reply: a queue, and the correlation id that tells the answer from others. */
export type Asker = { readonly replyTo: string; readonly correlationId: string }

export type TimerChange =
  /** Arming a name again moves it: the earlier due time never fires. */
  { readonly arm: string; readonly dueMs: number } | { readonly cancel: string }

/** A line of the append-only history: what happened, in a few words, and what a person would ask next. */
export type HistoryLine = { readonly what: string; readonly detail?: string | undefined }

/** What becomes of an input. */
export type Decision<S> =
  | {
      readonly kind: 'change'
      readonly state: S
      /** A word of the kind's own, such as `open` or `success`. */
      readonly status: string
      /** The conversation is over: the kernel cancels every timer that is left. */
      readonly ended: boolean
      readonly sent: readonly Sent[]
      readonly timers: readonly TimerChange[]
      readonly history: readonly HistoryLine[]
      /** One that opens a conversation: refused for this reason when so many of its kind are open. A decision cannot count them. */
      readonly unlessOpen?: { readonly count: number; readonly reason: string }
    }
  | {
      readonly kind: 'ignore'
      readonly why: Ignored /** Answers owed nevertheless, as to a repeated request. */
      readonly sent?: readonly Sent[]
    }
  /** The conversation is not there yet: keep the event for a while, and decide it when it opens. */
  | { readonly kind: 'early' }
  /** The message goes to the dead queue with this reason; nothing changes. */
  | { readonly kind: 'refuse'; readonly reason: string; readonly sent?: readonly Sent[] }

/** A kind of conversation, as the kernel sees it. */
export type Kind<S> = {
  /** Its name in the store, the API and the metrics: `group`, `flow`. */
  readonly name: string
  /** Reads a stored state. */
  readonly state: z.ZodType<S>
  /** Key of the conversation that an event is for; undefined when the event is none of this kind's business. */
  readonly keyOf: (event: Event) => string | undefined
  /** `state` is undefined when there is no such conversation. Pure: no clock, no randomness, no input or output. */
  readonly decide: (state: S | undefined, input: Input, nowMs: number) => Decision<S>
  /** What the store lists conversations of this kind by, such as the type of a journey. It never changes. */
  readonly labelOf?: (state: S) => string
  /** Why a person should look at the conversation, in a word, for lists; undefined when nobody need. */
  readonly attentionOf?: (state: S) => string | undefined
  /** What `GET /api/<kind>s/:id` shows besides id, version, status, times and history. */
  readonly view: (state: S, nowMs: number) => Readonly<Record<string, unknown>>
}

/** Of an event's envelope, what a conversation keeps: whoever opened it names it for all that follows. */
export type Origin = Pick<Meta, 'correlationId' | 'tenant' | 'traceparent'>

export const ignore = (why: Ignored, sent: readonly Sent[] = []): Decision<never> => ({ kind: 'ignore', why, sent })
export const refuse = (reason: string, sent: readonly Sent[] = []): Decision<never> => ({
  kind: 'refuse',
  reason,
  sent,
})
