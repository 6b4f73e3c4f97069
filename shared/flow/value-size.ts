import { depthOf, JSON_DEPTH_MAX } from '../bus/envelope.ts'

/** How much a value that a user hands in may be. */

/**
 * A value lies up to four levels deep in what is said of a conversation: answer, view, list, member or call. Deeper, nobody would
 * take it.
 */
export const VALUE_DEPTH_MAX = JSON_DEPTH_MAX - 4

/** What a value takes as JSON: UTF-8 bytes, and levels of nesting. */
export type Size = { readonly bytes: number; readonly depth: number }

const NULL_SIZE: Size = { bytes: 4, depth: 0 }

/** Measures a value. One that is not there takes nothing. */
export function sizeOf(value: unknown): Size {
  if (value === null) return NULL_SIZE
  const bytes = Buffer.from(JSON.stringify(value) ?? '')
  return { bytes: bytes.length, depth: typeof value === 'object' ? depthOf(bytes) : 0 }
}

/** Why a value cannot be kept, and what to do; undefined when it can. */
export function findTooMuch(
  name: string,
  { bytes, depth }: Size,
  { bytesMax, depthMax = VALUE_DEPTH_MAX }: { readonly bytesMax: number; readonly depthMax?: number },
): string | undefined {
  if (bytes > bytesMax)
    return `${name}: ${bytes} bytes as JSON, at most ${bytesMax} are kept; publish a reference instead`
  if (depth > depthMax)
    return `${name}: nested ${depth} levels deep, at most ${depthMax} are kept; publish a reference instead`
  return undefined
}
