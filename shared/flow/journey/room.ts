import { STATE_BYTES_MAX, VALUE_BYTES_MAX } from '../hub-state.ts'
import { findTooMuch, type Size, VALUE_DEPTH_MAX } from '../value-size.ts'

/** Why a journey that has so many bytes cannot keep a value, and what to do; undefined when it can. */
export function findNoRoom(
  name: string,
  size: Size,
  keptBytes: number,
  depthMax = VALUE_DEPTH_MAX,
): string | undefined {
  const fault = findTooMuch(name, size, { bytesMax: VALUE_BYTES_MAX, depthMax })
  if (fault !== undefined) return fault
  const bytes = keptBytes + size.bytes
  return bytes > STATE_BYTES_MAX
    ? `${name}: with its ${size.bytes} bytes the journey would hold ${bytes}, at most ${STATE_BYTES_MAX} are kept; publish a reference instead`
    : undefined
}
