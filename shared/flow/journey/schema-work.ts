import { _, type Ajv } from 'ajv'
import type { Ajv2020 } from 'ajv/dist/2020.js'
import { RE2JS } from 're2js'
import { type Schema, withPlaces } from './schema-places.ts'

/**
 * What it takes to check a payload, counted while it is checked: a short schema and a short payload together may ask for years, by
 * alternatives within alternatives, or by faults that are all written down.
 */

/** Steps of one check at most; a step takes some 100 ns at worst. */
const STEPS_MAX = 500_000
/** Faults are copied from schema to schema: so many as quick as a step. */
const FAULTS_PER_STEP = 32
/** Characters of a value that are written, read or compared as quick as a step. */
const CHARS_PER_STEP = 8

/** The work that a check may still do. */
export class CheckWork {
  #left = STEPS_MAX

  begin(): void {
    this.#left = STEPS_MAX
  }

  /** Throws RangeError when that was too much. */
  readonly spend = (steps: number): void => {
    this.#left -= steps
    if (this.#left < 0)
      throw new RangeError(
        `it takes more than ${STEPS_MAX} steps; make it smaller, or what its schema says of it simpler`,
      )
  }
}

const COUNT = 'x-ebs-steps'

/** A copy of a schema, in which each schema says what it costs to check a value by it, without those that stand in it. */
export function counted(schema: Schema): Schema {
  const copy = withPlaces(schema, counted)
  return Object.keys(schema).length === 0 ? copy : { ...copy, [COUNT]: costOf(schema) }
}

function costOf(schema: Schema): number {
  const costs = Object.entries(schema).map(([keyword, value]) => {
    if (keyword === 'enum' || keyword === 'const') return Math.ceil(JSON.stringify(value).length / CHARS_PER_STEP)
    if (keyword === '$defs' || keyword === 'definitions') return 0
    return typeof value === 'object' && value !== null ? Object.keys(value).length : 0
  })
  return costs.reduce((sum, cost) => sum + cost, 1)
}

/** Teaches Ajv what `counted` writes, and to find what is twice in a list by what it is worth: its own way is quadratic. */
export function addWork(ajv: Ajv | Ajv2020, work: CheckWork): void {
  ajv.addKeyword({
    keyword: COUNT,
    schemaType: 'number',
    trackErrors: true,
    // First of all, so that no other fault comes before it.
    before: '$ref',
    code({ gen, schemaCode, errsCount }) {
      const spend = gen.scopeValue('keyword', { ref: work.spend })
      gen.code(_`${spend}(${schemaCode} + ${errsCount} / ${FAULTS_PER_STEP})`)
    },
  })
  ajv.removeKeyword('uniqueItems')
  ajv.addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    errors: false,
    error: { message: 'must NOT have duplicate items' },
    validate: (wanted: boolean, list: readonly unknown[]) => {
      if (!wanted) return true
      const texts = new Set<string>()
      for (const one of list) {
        const text = canonical(one)
        work.spend(1 + text.length / CHARS_PER_STEP)
        if (texts.has(text)) return false
        texts.add(text)
      }
      return true
    },
  })
}

/** JSON, the same for what is worth the same: the order of keys says nothing. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const fields = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`).join()}}`
}

/** Instructions of a pattern at most. */
const PATTERN_SIZE_MAX = 1_000
/** RE2 takes 20 ns for each instruction and character, and 80 ns when the pattern is large. */
const PATTERN_SIZE_PER_STEP = 5
const SMALL_PATTERN_SIZE_MAX = 24
const LARGE_PATTERN_FACTOR = 5

/** Patterns by RE2, which takes no pattern that could run for ever. Each is compiled once. */
export function patternsOf(work: CheckWork) {
  const known = new Map<string, RE2JS>()
  const compile = (pattern: string) => {
    const compiled = known.get(pattern) ?? RE2JS.compile(pattern)
    known.set(pattern, compiled)
    const size = compiled.programSize()
    if (size > PATTERN_SIZE_MAX) throw new RangeError(`the pattern ${JSON.stringify(pattern)} is too large`)
    const perChar = (size * (size > SMALL_PATTERN_SIZE_MAX ? LARGE_PATTERN_FACTOR : 1)) / PATTERN_SIZE_PER_STEP
    return {
      test: (text: string) => {
        work.spend((text.length + 1) * perChar)
        return compiled.test(text)
      },
      // Ajv tells patterns apart by their text.
      toString: () => `RE2 ${pattern}`,
    }
  }
  return Object.assign(compile, { code: 'RE2JS' })
}
