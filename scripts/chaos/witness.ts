import { z } from 'zod'
import type { Heard } from './bus.ts'

/** What users start, and what follows from it. */
export const kinds = ['object', 'task', 'group', 'flow', 'journey'] as const
export type Kind = (typeof kinds)[number]
export const isKind = (name: string): name is Kind => kinds.some((kind) => kind === name)

/** Which event ends what, where its id stands, and whether it went well. */
const ends: Readonly<Record<string, { readonly kind: Kind; readonly idIn: string; readonly isGood: boolean }>> = {
  OBJECT_COMPLETED: { kind: 'object', idIn: 'objectId', isGood: true },
  OBJECT_FAILED: { kind: 'object', idIn: 'objectId', isGood: false },
  TASK_FINISHED: { kind: 'task', idIn: 'taskId', isGood: true },
  EventGroupCollectorSuccess: { kind: 'group', idIn: 'id', isGood: true },
  EventGroupCollectorFailure: { kind: 'group', idIn: 'id', isGood: false },
  FLOW_SUCCEEDED: { kind: 'flow', idIn: 'flowId', isGood: true },
  FLOW_FAILED: { kind: 'flow', idIn: 'flowId', isGood: false },
  JOURNEY_COMPLETED: { kind: 'journey', idIn: 'sagaId', isGood: true },
  JOURNEY_FAILED: { kind: 'journey', idIn: 'sagaId', isGood: false },
  JOURNEY_COMPENSATED: { kind: 'journey', idIn: 'sagaId', isGood: false },
  JOURNEY_CANCELLED: { kind: 'journey', idIn: 'sagaId', isGood: false },
}

const told = z.looseObject({ type: z.string() })
const isRecord = z.record(z.string(), z.unknown())

/** The ends of one thing: each message once, however often the broker has delivered it. */
type Ends = Map<string, { readonly isGood: boolean; readonly type: string }>

/** Remembers how everything ended, as somebody who only listens. */
export type Witness = {
  hear(message: Heard): void
  /** Ends of different messages: one is right. */
  endsOf(kind: Kind, id: string): number
  /** How many things of a kind ended well, and badly; each once. */
  sums(kind: Kind): { readonly good: number; readonly bad: number }
  /** Whether its first end is a bad one. */
  hasFailed(kind: Kind, id: string): boolean
  /** Things that have more than one end. */
  endedTwice(kind: Kind): readonly string[]
  /** When an object was completed, ms since 1970, in order. */
  readonly completedAtMs: readonly number[]
  /** Messages heard, and those of them that had been heard before. */
  readonly heard: number
  readonly again: number
  /** Messages that said that the ledger does not balance. */
  readonly imbalances: readonly string[]
}

export function openWitness(now: () => number = Date.now): Witness {
  const ids = new Set<string>()
  const ended = new Map<Kind, Map<string, Ends>>(kinds.map((kind) => [kind, new Map()]))
  const completedAtMs: number[] = []
  const imbalances: string[] = []
  let heard = 0
  let again = 0
  const endsIn = (kind: Kind): ReadonlyMap<string, Ends> => ended.get(kind) ?? new Map()
  return {
    completedAtMs,
    imbalances,
    get heard() {
      return heard
    },
    get again() {
      return again
    },
    hear({ id, text }) {
      heard++
      if (ids.has(id)) again++
      ids.add(id)
      const body = parsed(text)
      const { type } = told.catch({ type: '' }).parse(body)
      if (type === 'LEDGER_IMBALANCED') imbalances.push(text)
      const end = Object.hasOwn(ends, type) ? ends[type] : undefined
      const subject = end && isRecord.safeParse(body).data?.[end.idIn]
      if (!end || typeof subject !== 'string') return
      const ofKind = ended.get(end.kind) ?? new Map<string, Ends>()
      const ofSubject: Ends = ofKind.get(subject) ?? new Map()
      if (type === 'OBJECT_COMPLETED' && !ofSubject.has(id)) completedAtMs.push(now())
      ofKind.set(subject, ofSubject.set(id, { isGood: end.isGood, type }))
    },
    endsOf: (kind, id) => endsIn(kind).get(id)?.size ?? 0,
    hasFailed: (kind, id) => firstOf(endsIn(kind).get(id)) === false,
    sums(kind) {
      const firsts = [...endsIn(kind).values()].map(firstOf)
      return { good: firsts.filter((isGood) => isGood).length, bad: firsts.filter((isGood) => isGood === false).length }
    },
    endedTwice: (kind) => [...endsIn(kind)].flatMap(([id, of]) => (of.size > 1 ? [id] : [])),
  }
}

const firstOf = (ends: Ends | undefined) => ends && [...ends.values()][0]?.isGood

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
