import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BODY_BYTES_MAX } from '../../bus/envelope.ts'
import type { Input } from '../decision.ts'
import {
  CANCEL,
  createOf,
  DEADLINE,
  doneOf,
  failedOf,
  finishedOf,
  GroupRun,
  OPENED_MS,
  readEvent,
} from './group-run.ts'

const MEMBERS = ['a', 'b', 'c', '__proto__', 'constructor']
/** What one step tells, so that the expectation can be worked out without the decider. */
type Step = { readonly input: Input | object; readonly word?: Word; readonly stops?: 'timeout' | 'cancel' }
type Word = { readonly id: string; readonly result: unknown; readonly error?: unknown }
type Timed = { readonly step: Step; readonly jumpMs: number }

const json = fc.jsonValue({ maxDepth: 3 })
const anyId = fc.constantFrom(...MEMBERS, 'stranger')
const error = fc.oneof(fc.string({ minLength: 1 }), fc.record({ code: fc.integer() }), fc.constant(false))
const jumpMs = fc.constantFrom(0, 1, 250, 60_000, -60_000)

const doneSteps = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .record({ id: anyId, result: json })
      .map(({ id, result }) => word({ id, result }, doneOf(id, { result }))),
  },
  { weight: 1, arbitrary: anyId.map((id) => word({ id, result: null }, doneOf(id, { error: '' }))) },
  {
    weight: 1,
    arbitrary: fc
      .record({ id: anyId, error })
      .map(({ id, error }) => word({ id, result: null, error }, doneOf(id, { error }))),
  },
)
const taskSteps = fc.oneof(
  { weight: 4, arbitrary: anyId.map((id) => word({ id, result: null }, finishedOf(id))) },
  { weight: 1, arbitrary: anyId.map((id) => word({ id, result: null, error: 'boom' }, failedOf(id))) },
)
const word = (word: Word, input: object): Step => ({ input, word })
const stops = fc.constantFrom<Step>({ input: DEADLINE, stops: 'timeout' }, { input: CANCEL, stops: 'cancel' })

const terms = fc
  .record({
    expected: fc.subarray(MEMBERS, { minLength: 1 }),
    ttl: fc.option(fc.double({ min: -1, max: 100, noNaN: true }), { nil: undefined }),
    quorumShare: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
    onTimeout: fc.constantFrom(undefined, 'fail', 'partial'),
    byTasks: fc.boolean(),
    payload: json,
  })
  .map(({ quorumShare, byTasks, payload, ...rest }) => ({
    ...rest,
    byTasks,
    quorum: quorumShare === undefined ? undefined : Math.max(1, Math.round(quorumShare * rest.expected.length)),
    payload: byTasks ? { tenant: 'acme', createdAt: new Date(OPENED_MS).toISOString(), payload } : payload,
  }))
type Terms = typeof terms extends fc.Arbitrary<infer T> ? T : never

const createFrom = ({ byTasks, ...fields }: Terms) => createOf({ ...fields, ...(byTasks && { completedBy: 'tasks' }) })

/** A story: the Create, then anything in any order, and the deadline last of all. */
const stories = terms.chain((own) => {
  const said = own.byTasks ? taskSteps : doneSteps
  const wrong = own.byTasks ? doneSteps : taskSteps
  const others = fc.constantFrom<Step>(
    { input: createFrom(own) },
    { input: createFrom({ ...own, ttl: 77 }) },
    { input: { timer: 'other', dueMs: 0 } },
    { input: failedOf('a', { final: false }) },
  )
  const step = fc.oneof(
    { weight: 12, arbitrary: said },
    { weight: 1, arbitrary: wrong.map(({ input }) => ({ input })) },
    { weight: 2, arbitrary: others },
    { weight: 1, arbitrary: stops },
  )
  const steps = fc.array(fc.record<Timed>({ step, jumpMs }), { maxLength: 25 })
  return steps.map((steps) => ({
    own,
    steps: [...steps, { step: { input: DEADLINE, stops: 'timeout' } as const, jumpMs: 0 }],
  }))
})

/** How the story has to end, by the rules: first words of expected members, until there are enough, too many errors, or a stop. */
function expectedEnd({ expected, quorum = expected.length, onTimeout }: Terms, steps: readonly Timed[]) {
  const heard = new Map<string, Word>()
  const end = (endedBy: string, isFailure: boolean, entity = 'g') => ({
    endedBy,
    entity: isFailure ? entity : undefined,
    results: [...heard.values()].map(({ id, result, error }) => [id, error === undefined ? result : null]),
    errors: [...heard.values()].flatMap(({ id, error }) => (error === undefined ? [] : [[id, error]])),
    missing: expected.filter((id) => heard.get(id)?.error !== undefined || !heard.has(id)),
  })
  for (const { step } of steps) {
    if (step.stops) return end(step.stops, step.stops === 'cancel' || onTimeout !== 'partial')
    if (!step.word || !expected.includes(step.word.id) || heard.has(step.word.id)) continue
    heard.set(step.word.id, step.word)
    const failed = [...heard.values()].filter(({ error }) => error !== undefined).length
    if (failed > expected.length - quorum) return end('error', true, step.word.id)
    if (heard.size - failed >= quorum) return end(heard.size - failed === expected.length ? 'all' : 'quorum', false)
  }
  throw new Error('A story ends with the deadline.')
}

const sorted = (value: unknown) => JSON.stringify(Object.entries(value ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)))
const fromEntries = (entries: readonly (readonly unknown[])[]) =>
  sorted(Object.fromEntries(entries.map(([id, value]) => [String(id), value])))

describe('any interleaving of words, strangers, repeats, other Creates, deadlines, cancels and clock jumps', () => {
  test('G1 to G8: exactly one end, with the right results, and never anything after', () => {
    fc.assert(
      fc.property(stories, ({ own, steps }) => {
        const run = new GroupRun()
        let nowMs = OPENED_MS
        run.take(createFrom(own), nowMs)
        for (const { step, jumpMs } of steps) {
          const before = JSON.stringify(run.state)
          const sent = run.sent.length
          nowMs += jumpMs
          run.take(step.input, nowMs)
          if (run.last?.kind === 'change') continue
          expect(JSON.stringify(run.state)).toBe(before)
          expect(run.sent).toHaveLength(sent)
        }

        const wanted = expectedEnd(own, steps)
        const { end } = run.opened
        expect(run.bodies).toHaveLength(1)
        expect(end).toMatchObject({ by: wanted.endedBy })
        expect(end?.entity).toBe(wanted.entity)
        expect(end?.atMs).toBeGreaterThanOrEqual(OPENED_MS)
        expect(readEvent(run.bodies[0] ?? {})).not.toHaveProperty('poison')
        if (own.byTasks) {
          expect(run.bodies).toMatchObject([{ objectId: 'g', tasks: own.expected.length }])
          if (wanted.entity) expect(run.bodies).toMatchObject([{ missing: wanted.missing }])
          return
        }
        expect(run.bodies).toMatchObject([{ id: 'g', endedBy: wanted.endedBy }])
        const { results, errors, payload } = run.bodies[0] ?? {}
        expect(sorted(results)).toBe(fromEntries(wanted.results))
        expect(JSON.stringify(payload)).toBe(JSON.stringify(own.payload))
        if (!wanted.entity) expect(sorted(errors)).toBe(fromEntries(wanted.errors))
      }),
      { numRuns: 400 },
    )
  })

  test('the order of results does not matter to what a group gives', () => {
    const words = fc.uniqueArray(fc.record({ id: fc.constantFrom(...MEMBERS), result: json }), {
      selector: ({ id }) => id,
      minLength: 1,
    })
    const shuffled = words.chain((all) =>
      fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
    )
    fc.assert(
      fc.property(shuffled, (orders) => {
        const [one, other] = orders.map((words) => {
          const run = new GroupRun()
          run.take(createOf({ expected: orders[0].map(({ id }) => id) }))
          for (const { id, result } of words) run.take(doneOf(id, { result }))
          return sorted(run.bodies[0]?.results)
        })
        expect(one).toBe(other)
      }),
    )
  })
})

describe('sizes', () => {
  const size = fc.oneof(
    fc.integer({ min: 0, max: 50 }),
    fc.constantFrom(65_534, 65_535, 131_072, 200_000, 262_142, 262_143, 393_000, 393_214),
  )
  const letter = fc.constantFrom('x', '語', '\u0001')
  /** Of about so many bytes as JSON. */
  const large = fc
    .tuple(letter, size)
    .map(([letter, bytes]) => letter.repeat(bytes / (Buffer.byteLength(JSON.stringify(letter)) - 2)))
  const words = fc.array(fc.record({ id: fc.constantFrom(...MEMBERS), isError: fc.boolean(), value: large }), {
    maxLength: 8,
  })

  test('whatever is taken, the end fits into a message; what is not taken says what to do', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.boolean(), large, words, (quorum, isPartial, payload, words) => {
        const run = new GroupRun({ isStored: false })
        const onTimeout = isPartial ? 'partial' : 'fail'
        const answers = [run.take(createOf({ expected: MEMBERS, quorum, onTimeout, payload }))]
        for (const { id, isError, value } of words)
          answers.push(run.take(doneOf(id, isError ? { error: value } : { result: value })))
        run.take(DEADLINE)

        for (const answer of answers)
          if (answer.startsWith('refuse')) expect(answer).toMatch(/publish (a )?references? instead$/)
        expect(run.bodies).toHaveLength(run.state ? 1 : 0)
        for (const body of run.bodies) expect(Buffer.byteLength(JSON.stringify(body))).toBeLessThan(BODY_BYTES_MAX)
      }),
      { numRuns: 60 },
    )
  })
})

describe('any event of the shape that the catalogue asks for', () => {
  const name = fc.oneof(fc.constantFrom('g', ...MEMBERS), fc.string({ minLength: 1, maxLength: 128 }))
  const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
  const handler = fc.record({ topic: fc.constant('some.topic'), payload: json })
  const owner = fc.record({
    tenant: optional(fc.oneof(name, json)),
    createdAt: optional(
      fc.oneof(
        fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) }).map((at) => at.toISOString()),
        json,
      ),
    ),
  })
  const create = fc.record({
    type: fc.constant('EventGroupCollectorCreate'),
    id: name,
    expected: fc.array(name, { maxLength: 6 }),
    ttl: optional(fc.double({ max: 2_592_000, noNaN: true, noDefaultInfinity: true })),
    payload: optional(fc.oneof(json, owner)),
    handler: optional(fc.record({ onsuccess: optional(handler), onfailure: optional(handler) })),
    quorum: optional(fc.integer({ min: 1, max: 8 })),
    onTimeout: optional(fc.constantFrom('fail', 'partial')),
    completedBy: optional(fc.constantFrom('done', 'tasks')),
  })
  const done = fc.record({
    type: fc.constant('EventGroupCollectorEntityDone'),
    id: name,
    group: name,
    result: optional(json),
    error: optional(json),
  })
  const task = fc
    .tuple(name, name, fc.boolean(), fc.boolean(), fc.string({ maxLength: 200 }))
    .map(([taskId, objectId, final, isFailed, text]) =>
      isFailed ? failedOf(taskId, { objectId, final, error: text }) : finishedOf(taskId, { objectId, result: text }),
    )
  const input = fc.oneof(create, done, task, fc.constantFrom<Input>(DEADLINE, CANCEL))

  test('decide never throws, and what it sends is an event of the catalogue', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(input, fc.integer({ min: 0, max: 4e12 })), { maxLength: 12 }), (inputs) => {
        const run = new GroupRun()

        for (const [one, nowMs] of inputs) run.take(one, nowMs)

        for (const body of run.bodies) expect(readEvent(body)).not.toHaveProperty('poison')
        expect(run.bodies.length).toBeLessThanOrEqual(1)
      }),
      { numRuns: 500 },
    )
  })
})
