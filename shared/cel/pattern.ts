import { RE2JS } from 're2js'
import type { CelFunction } from './functions.ts'
import { PATTERN_CHARS_MAX, patternSizeOf } from './pattern-size.ts'
import { includes, startsWith } from './texts.ts'
import { type Frame, spend, UNCLEAR } from './values.ts'

/** Instructions of a pattern at most. RE2 takes time in proportion to them times the characters. */
const PATTERN_SIZE_MAX = 256
/** Measured at worst (random text) for patterns that have few states: 20 ns for each instruction and character. */
const PATTERN_SIZE_PER_STEP = 4
/** A larger pattern, or one that tells many kinds of letters apart, makes a state for each character: 80 ns for each instruction. */
const SMALL_PATTERN_SIZE_MAX = 24
const SMALL_PATTERN_CHARS_MAX = 200
const MANY_LETTERS = /\\[pP]/
const LARGE_PATTERN_FACTOR = 5

/** What is more than this for sure is not compiled: patterns are measured from above. */
const PATTERN_SIZE_MEASURED_MAX = 2 * PATTERN_SIZE_MAX
/** Of all patterns of an expression; to compile them takes 4 us for each. */
const PATTERNS_SIZE_MAX = 10_000

/** The patterns of one expression: each is compiled once, however often it stands there and whatever it is compiled for. */
export class Patterns {
  readonly #known = new Map<string, CelFunction>()
  #size = 0

  /** Instructions of all of them, at most. */
  get size(): number {
    return this.#size
  }

  /** `matches` with a pattern. Throws as `matching` does, and RangeError when there are too many. */
  matching(pattern: string): CelFunction {
    const known = this.#known.get(pattern)
    if (known) return known
    const made = matching(pattern)
    this.#size += patternSizeOf(pattern)
    if (this.#size > PATTERNS_SIZE_MAX)
      throw new RangeError(
        `with those before it, it compiles to ${this.#size} instructions, at most ${PATTERNS_SIZE_MAX} are taken`,
      )
    this.#known.set(pattern, made)
    return made
  }
}

/** `matches` with a pattern, by RE2. Throws RangeError when the pattern is too large, and what RE2 throws when it is none. */
export function matching(pattern: string): CelFunction {
  if (pattern.length > PATTERN_CHARS_MAX)
    throw new RangeError(`it has ${pattern.length} characters, at most ${PATTERN_CHARS_MAX} are taken`)
  const measured = patternSizeOf(pattern)
  if (measured > PATTERN_SIZE_MEASURED_MAX) throw tooLarge(measured)
  const compiled = RE2JS.compile(pattern)
  const programSize = compiled.programSize()
  if (programSize > PATTERN_SIZE_MAX) throw tooLarge(programSize)
  const perChar = (programSize * (isSmall(pattern, programSize) ? 1 : LARGE_PATTERN_FACTOR)) / PATTERN_SIZE_PER_STEP
  const mayMatch = demandOf(pattern)
  return (frame, text) => {
    if (typeof text !== 'string') return UNCLEAR
    const may = mayMatch(frame, text)
    if (may !== true) return may
    return spend(frame, (text.length + 1) * perChar) ? compiled.test(text) : UNCLEAR
  }
}

const tooLarge = (size: number) =>
  new RangeError(`it compiles to ${size} instructions, at most ${PATTERN_SIZE_MAX} are taken`)

const isSmall = (pattern: string, programSize: number) =>
  programSize <= SMALL_PATTERN_SIZE_MAX && pattern.length <= SMALL_PATTERN_CHARS_MAX && !MANY_LETTERS.test(pattern)

/** Alternatives have several beginnings; what stands behind flags may be about what stands before them: `a(?i)?`. */
const UNSURE = /\||\(\?/
/** Letters that stand for themselves; what repeats or makes optional the last of them takes it away. */
const PLAIN = /^(\^?)([\w /:@=,;"'-]*)(?![*+?{])/

/** What a pattern begins with must be in the text; to look for that takes a tenth of what RE2 takes. */
function demandOf(pattern: string): (frame: Frame, text: string) => boolean | typeof UNCLEAR {
  const [, start, plain = ''] = (UNSURE.test(pattern) ? undefined : PLAIN.exec(pattern)) ?? []
  if (plain === '') return () => true
  return start ? (frame, text) => startsWith(frame, text, plain) : (frame, text) => includes(frame, text, plain)
}
