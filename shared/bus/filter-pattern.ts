import { RE2JS } from 're2js'
import type { FilterFunction } from './filter-functions.ts'
import { includes, startsWith } from './filter-texts.ts'
import { type Frame, spend, UNCLEAR } from './filter-values.ts'

/** Instructions of a pattern at most. RE2 takes time in proportion to them times the characters. */
const PATTERN_SIZE_MAX = 256
/** Measured at worst (random text) for patterns that have few states: 20 ns for each instruction and character. */
const PATTERN_SIZE_PER_STEP = 4
/** A larger pattern, or one that tells many kinds of letters apart, makes a state for each character: 80 ns for each instruction. */
const SMALL_PATTERN_SIZE_MAX = 24
const SMALL_PATTERN_CHARS_MAX = 200
const MANY_LETTERS = /\\[pP]/
const LARGE_PATTERN_FACTOR = 5

/** `matches` with a pattern, by RE2. Throws RangeError when the pattern is too large, and what RE2 throws when it is none. */
export function matching(pattern: string): FilterFunction {
  const compiled = RE2JS.compile(pattern)
  const programSize = compiled.programSize()
  if (programSize > PATTERN_SIZE_MAX)
    throw new RangeError(`it compiles to ${programSize} instructions, at most ${PATTERN_SIZE_MAX} are taken`)
  const perChar = (programSize * (isSmall(pattern, programSize) ? 1 : LARGE_PATTERN_FACTOR)) / PATTERN_SIZE_PER_STEP
  const mayMatch = demandOf(pattern)
  return (frame, text) => {
    if (typeof text !== 'string') return UNCLEAR
    const may = mayMatch(frame, text)
    if (may !== true) return may
    return spend(frame, (text.length + 1) * perChar) ? compiled.test(text) : UNCLEAR
  }
}

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
