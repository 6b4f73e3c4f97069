import type { Json } from '../events.ts'
import { isMap } from './values.ts'

/** How much an expression may give. */
export type JsonLimits = { readonly bytesMax: number; readonly depthMax: number }

export type JsonOutcome = { readonly value: Json } | { readonly fault: string }

/**
 * A value of an expression as JSON: whole numbers become numbers when these can hold them, moments ISO 8601. The copy ends as soon as it
 * is too large: a short expression may name a large value thousands of times. The fault goes on behind `it`, or a name.
 */
export function toJson(value: unknown, { bytesMax, depthMax }: JsonLimits): JsonOutcome {
  const copy = copied(value, { bytesLeft: bytesMax, bytesMax, depthMax }, 0)
  if (copy instanceof Unfit) return { fault: copy.reason }
  // Until here, characters were counted.
  if (typeof copy === 'number' || typeof copy === 'boolean' || copy === null) return { value: copy }
  return Buffer.byteLength(JSON.stringify(copy)) > bytesMax ? { fault: tooLarge(bytesMax).reason } : { value: copy }
}

/** Why there is no JSON for a value. */
class Unfit {
  readonly reason: string

  constructor(reason: string) {
    this.reason = reason
  }
}

type Room = JsonLimits & { bytesLeft: number }

const tooLarge = (bytesMax: number) => new Unfit(`gives more than ${bytesMax} bytes; give a reference instead`)

function copied(value: unknown, room: Room, level: number): Json | Unfit {
  room.bytesLeft -= typeof value === 'string' ? value.length + 2 : 1
  if (room.bytesLeft < 0) return tooLarge(room.bytesMax)
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value
  if (typeof value === 'number') return numberOf(value)
  if (typeof value === 'bigint') return wholeNumberOf(value)
  if (value instanceof Date) return value.toISOString()
  if (level >= room.depthMax) return new Unfit(`gives a value that is nested more than ${room.depthMax} levels deep`)
  if (Array.isArray(value)) return listOf(value, room, level)
  return isMap(value) ? mapOf(value, room, level) : new Unfit('gives a value that is no JSON')
}

/** Without a sign at zero: a store would not keep it. */
const numberOf = (value: number) =>
  Number.isFinite(value) ? value + 0 : new Unfit(`gives ${value}, a number that JSON does not have`)

const wholeNumberOf = (value: bigint) =>
  Number.isSafeInteger(Number(value))
    ? Number(value)
    : new Unfit(`gives ${value}, which a number of JSON cannot hold exactly: make it text with string()`)

function listOf(list: readonly unknown[], room: Room, level: number): Json | Unfit {
  const copy: Json[] = []
  for (const element of list) {
    const one = copied(element, room, level + 1)
    if (one instanceof Unfit) return one
    copy.push(one)
  }
  return copy
}

function mapOf(map: Readonly<Record<string, unknown>>, room: Room, level: number): Json | Unfit {
  const entries: [string, Json][] = []
  for (const [key, content] of Object.entries(map)) {
    if (content === undefined) continue
    room.bytesLeft -= key.length + 3
    const one = copied(content, room, level + 1)
    if (one instanceof Unfit) return one
    entries.push([key, one])
  }
  // As properties of its own, whatever their names are: `__proto__` is a key like others.
  return Object.fromEntries(entries)
}
