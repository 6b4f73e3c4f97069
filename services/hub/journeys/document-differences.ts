import { isDeepStrictEqual } from 'node:util'
import type { Difference } from './journey-operations.ts'

/** More than these nobody reads. */
const DIFFERENCES_MAX = 100

/** Where two JSON documents differ: members by name, whatever their order; anything else as a whole. At most 100 places. */
export function differencesOf(from: unknown, to: unknown): readonly Difference[] {
  const found: Difference[] = []
  collect('', from, to, found)
  return found.slice(0, DIFFERENCES_MAX)
}

function collect(field: string, from: unknown, to: unknown, found: Difference[]): void {
  if (found.length >= DIFFERENCES_MAX || isDeepStrictEqual(from, to)) return
  if (!isObject(from) || !isObject(to)) {
    found.push({ field: field || 'document', ...(from !== undefined && { from }), ...(to !== undefined && { to }) })
    return
  }
  for (const name of new Set([...Object.keys(from), ...Object.keys(to)]))
    collect(field ? `${field}.${name}` : name, memberOf(from, name), memberOf(to, name), found)
}

/** A document is read by JSON.parse and may have any name for a member. */
const memberOf = (of: object, name: string): unknown => (Object.hasOwn(of, name) ? Reflect.get(of, name) : undefined)

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
