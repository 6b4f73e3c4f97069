import type { Body, Json } from '../../../shared/events.ts'
import { splitCallId } from '../../../shared/flow/journey/call-names.ts'
import type { Fate, JourneyStory } from './journey-simulation-story.ts'

/** Something that was done in another system, once for each key. */
export type Effect = { readonly callId: string; readonly atMs: number; readonly output: Json }

/** An answer about an attempt at a call, as it is said; no attempt: it names none. */
export type Said = { readonly callId: string; readonly attempt: number | undefined; readonly status: number }

const WELL: Fate = { what: 'done', afterMs: 0 }

/** The other systems: what they have done, and how each attempt goes down with them. */
export class Shop {
  /** By idempotency key. */
  readonly effects = new Map<string, Effect>()
  readonly said: Said[] = []
  /** Everything goes well from now on. */
  isMended = false
  readonly #journeys: readonly JourneyStory[]
  readonly #fates = new Map<string, Fate>()

  constructor(journeys: readonly JourneyStory[]) {
    this.#journeys = journeys
  }

  /** As for a journey's first asking, also when the same attempt is asked for again. */
  fateOf(callId: string, attempt: number): Fate {
    const key = `${callId} ${attempt}`
    const fate = this.#fates.get(key) ?? (this.isMended ? WELL : this.#choose(callId, attempt))
    this.#fates.set(key, fate)
    return fate
  }

  /** Does it, unless it was done. */
  carryOut(key: string, callId: string, atMs: number): Json {
    const done = this.effects.get(key) ?? { callId, atMs, output: { receipt: `${key} ${this.effects.size}` } }
    this.effects.set(key, done)
    return done.output
  }

  /** Somebody is about to say this. */
  hear(body: Body): void {
    if (body.type !== 'ACTIVITY_SUCCEEDED' && body.type !== 'ACTIVITY_FAILED') return
    this.said.push({ callId: body.callId, attempt: body.attempt, status: body.status })
  }

  #choose(callId: string, attempt: number): Fate {
    const name = splitCallId(callId)
    const fates = this.#journeys[numberOf(name?.sagaId ?? '')]?.fates ?? []
    const n = Number(name?.step.slice(1)) * 3 + attempt + (name?.isUndo ? 1 : 0)
    return fates[n % fates.length] ?? WELL
  }
}

/** Journeys are numbered. */
export const sagaIdOf = (n: number) => `j${n}.main`
export const numberOf = (sagaId: string) => Number(/^j(\d+)\.main$/.exec(sagaId)?.[1])
