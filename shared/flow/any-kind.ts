import type { Event } from '../bus/envelope.ts'
import type { ConversationId } from '../store/conversations.ts'
import type { Decision, Input, Kind } from './decision.ts'

/** A conversation whose state nobody but its kind looks into: so that the kernel can hold many kinds without knowing their states. */
export interface Conversing {
  decide(input: Input, nowMs: number): Decision<Conversing>
  /** The state as it is stored. */
  json(): string
  readonly label: string | null
  readonly attention: string | null
  view(nowMs: number): Readonly<Record<string, unknown>>
}

/** A kind with its state hidden. */
export type AnyKind = {
  readonly name: string
  readonly keyOf: (event: Event) => string | undefined
  /** A conversation that is not there yet. */
  readonly absent: Conversing
  /** One that is stored. Throws when the text is not a state of this kind. */
  readonly read: (json: string) => Conversing
}

/** The conversation that an event is for; undefined when it is the business of none of these kinds. */
export function addresseeOf(kinds: Iterable<AnyKind>, event: Event): ConversationId | undefined {
  for (const { name, keyOf } of kinds) {
    const key = keyOf(event)
    if (key !== undefined) return { kind: name, key }
  }
  return undefined
}

/** Hides the type of a kind's state. */
export const anyKind = <S>(kind: Kind<S>): AnyKind => ({
  name: kind.name,
  keyOf: kind.keyOf,
  absent: {
    decide: (input, nowMs) => hidden(kind, kind.decide(undefined, input, nowMs)),
    json: () => 'null',
    label: null,
    attention: null,
    view: () => ({}),
  },
  read: (json) => conversing(kind, kind.state.parse(JSON.parse(json))),
})

const conversing = <S>(kind: Kind<S>, state: S): Conversing => ({
  decide: (input, nowMs) => hidden(kind, kind.decide(state, input, nowMs)),
  json: () => JSON.stringify(state),
  label: kind.labelOf?.(state) ?? null,
  attention: kind.attentionOf?.(state) ?? null,
  view: (nowMs) => kind.view(state, nowMs),
})

const hidden = <S>(kind: Kind<S>, decision: Decision<S>): Decision<Conversing> =>
  decision.kind === 'change' ? { ...decision, state: conversing(kind, decision.state) } : decision
