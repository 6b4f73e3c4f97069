import fc from 'fast-check'

/** Random definitions. Times are ms. */

export const TYPES = ['errand', 'order', 'late'] as const
export type TypeName = (typeof TYPES)[number]
export const FORWARD = ['pay', 'pack', 'send'] as const
export const ACTIVITIES: readonly string[] = FORWARD.flatMap((name) => [name, `undo.${name}`])

const STEPS_MAX = 8

const patience = fc.record({
  timeout: fc.constantFrom(500, 2_000, 8_000),
  retries: fc.nat(2),
  initialMs: fc.constantFrom(0, 50, 1_000),
})
type Patience = typeof patience extends fc.Arbitrary<infer T> ? T : never

const mostly = <T>(value: T, ...others: readonly T[]) =>
  fc.oneof({ weight: 6, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: fc.constantFrom(...others) })

const step = fc.record({
  activity: fc.constantFrom(...FORWARD),
  /** Which of those before it it comes after. */
  after: fc.array(fc.boolean(), { minLength: STEPS_MAX, maxLength: STEPS_MAX }),
  when: mostly<string | undefined>(undefined, 'payload.n > 2', 'payload.n % 2 == 0', 'payload.missing > 1'),
  input: mostly<string | undefined>(undefined, '{"n": payload.n, "of": sagaId}', 'payload.missing'),
  ...{ patience, undo: fc.option(patience, { nil: undefined, freq: 2 }) },
})

export const definition = fc.record({
  steps: fc.array(step, { minLength: 3, maxLength: STEPS_MAX, size: 'max' }),
  onFailure: fc.constantFrom(undefined, 'remediate', 'compensate', 'compensate', 'fail'),
  /** How often the longest of its steps fits into the deadline. */
  slack: fc.constantFrom(1, 1, 1.2, 3, 20),
  output: mostly<string | undefined>(undefined, '{"of": sagaId}', 'payload.missing'),
})
export type DefinitionStory = typeof definition extends fc.Arbitrary<infer T> ? T : never

/** The document that a team registers. */
export function documentOf(type: TypeName, version: number, { steps, onFailure, slack, output }: DefinitionStory) {
  const deadline = Math.ceil(slack * Math.max(...steps.map((one) => longestMs(one.patience))))
  const activities = steps.map(({ activity, after, when, input, undo, ...one }, i) => {
    const before = steps.slice(0, i).flatMap((_, j) => (after[j] ? [nameOf(j)] : []))
    const compensate = undo && { activity: `undo.${activity}`, ...patienceOf(undo) }
    return [nameOf(i), { activity, after: before, when, input, compensate, ...patienceOf(one.patience) }]
  })
  return { type, version, deadline, onFailure, output, activities: Object.fromEntries(activities) }
}

const nameOf = (i: number) => `s${i}`
const FACTOR = 2
const MAX_MS = 2_000
const patienceOf = ({ timeout, retries, initialMs }: Patience) => ({
  timeout,
  retry: { retries, initialMs, factor: FACTOR, maxMs: MAX_MS },
})
const longestMs = ({ timeout, retries, initialMs }: Patience) => {
  const pausesMs = Array.from({ length: retries }, (_, n) => Math.min(initialMs * FACTOR ** n, MAX_MS))
  return (retries + 1) * timeout + pausesMs.reduce((sum, ms) => sum + ms, 0)
}
