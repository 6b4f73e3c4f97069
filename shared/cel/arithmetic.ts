import { CHARS_PER_STEP, type Frame, spend, UNCLEAR } from './values.ts'

/**
 * Arithmetic of expressions: between whole numbers as CEL has it (64 bits, division cuts), and as soon as a number of the message is in it as
 * JSON has it: CEL itself would refuse `event.task.index % 2 == 0`, because numbers of a message are doubles.
 */

export type Arithmetic = (frame: Frame, a: unknown, b: unknown) => unknown

const INT_MAX = 2n ** 63n - 1n
const INT_MIN = -(2n ** 63n)

export const inRange = (whole: bigint): unknown => (whole >= INT_MIN && whole <= INT_MAX ? whole : UNCLEAR)

const numeric =
  (whole: (a: bigint, b: bigint) => bigint, real: (a: number, b: number) => number): Arithmetic =>
  (_frame, a, b) => {
    if (typeof a === 'bigint' && typeof b === 'bigint') return inRange(whole(a, b))
    const isReal = typeof a === 'number' || typeof b === 'number'
    return isReal && isNumeric(a) && isNumeric(b) ? real(Number(a), Number(b)) : UNCLEAR
  }

const isNumeric = (value: unknown) => typeof value === 'number' || typeof value === 'bigint'

/** There is no remainder and no quotient of nothing. */
const dividing =
  (divide: Arithmetic): Arithmetic =>
  (frame, a, b) =>
    b === 0n || b === 0 ? UNCLEAR : divide(frame, a, b)

const sum = numeric(
  (a, b) => a + b,
  (a, b) => a + b,
)

export const arithmetic: Readonly<Record<'+' | '-' | '*' | '/' | '%', Arithmetic>> = {
  '+': (frame, a, b) => {
    if (typeof a === 'string' && typeof b === 'string')
      return spend(frame, (a.length + b.length) / CHARS_PER_STEP) ? a + b : UNCLEAR
    if (Array.isArray(a) && Array.isArray(b)) return spend(frame, a.length + b.length) ? [...a, ...b] : UNCLEAR
    return sum(frame, a, b)
  },
  '-': numeric(
    (a, b) => a - b,
    (a, b) => a - b,
  ),
  '*': numeric(
    (a, b) => a * b,
    (a, b) => a * b,
  ),
  '/': dividing(
    numeric(
      (a, b) => a / b,
      (a, b) => a / b,
    ),
  ),
  '%': dividing(
    numeric(
      (a, b) => a % b,
      (a, b) => a % b,
    ),
  ),
}

export function negated(value: unknown): unknown {
  if (typeof value === 'bigint') return inRange(-value)
  return typeof value === 'number' ? -value : UNCLEAR
}
