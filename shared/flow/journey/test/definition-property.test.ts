import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readDefinition } from '../definition-check.ts'

type Edges = readonly (readonly [from: number, to: number])[]

/** Steps in a shuffled order, in which each may wait for those before it in the order that is drawn here. */
const graph = fc.integer({ min: 1, max: 25 }).chain((count) =>
  fc.record({
    count: fc.constant(count),
    edges: fc.uniqueArray(fc.tuple(fc.nat(count - 1), fc.nat(count - 1)), {
      maxLength: 60,
      selector: ([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`,
    }),
    written: fc.shuffledSubarray([...Array(count).keys()], { minLength: count, maxLength: count }),
  }),
)

const forward = (edges: Edges): Edges => edges.flatMap(([a, b]) => (a === b ? [] : [[Math.min(a, b), Math.max(a, b)]]))

const documentOf = (written: readonly number[], edges: Edges) => ({
  type: 't',
  version: 1,
  deadline: '30d',
  activities: Object.fromEntries(
    written.map((step) => [
      `s${step}`,
      { activity: 'a', after: edges.flatMap(([from, to]) => (to === step ? [`s${from}`] : [])) },
    ]),
  ),
})

test('J1: whatever has no circle is taken, and each step comes behind those it waits for', () => {
  fc.assert(
    fc.property(graph, ({ count, edges, written }) => {
      const read = readDefinition(documentOf(written, forward(edges)))

      if (!read.ok) throw new Error(read.faults.join('\n'))
      const { steps } = read.definition
      const places = new Map(steps.map(({ name }, i) => [name, i]))
      expect(places.size).toBe(count)
      expect(steps).toHaveLength(count)
      for (const { name, after } of steps)
        for (const before of after) expect(places.get(before)).toBeLessThan(places.get(name) ?? -1)
    }),
    { numRuns: 200 },
  )
})

test('J1: whatever has a circle is refused, and the circle that is named is one', () => {
  fc.assert(
    fc.property(graph, fc.array(fc.nat(24), { minLength: 2, maxLength: 6 }), ({ count, edges, written }, drawn) => {
      const circle = [...new Set(drawn.map((step) => step % count))]
      if (circle.length < 2) return
      const closing = circle.map((step, i): readonly [number, number] => [step, circle[(i + 1) % circle.length] ?? 0])
      const all = [...new Map([...forward(edges), ...closing].map((edge) => [edge.join('-'), edge])).values()]

      const read = readDefinition(documentOf(written, all))

      if (read.ok) throw new Error('it was taken')
      expect(read.faults.length).toBeGreaterThan(0)
      for (const fault of read.faults) {
        const [, path = ''] = /^activities: they wait for each other in a circle: (.*)$/.exec(fault) ?? []
        const steps = path.split(' -> ').map((name) => Number(name.slice(1)))
        expect(steps.length).toBeGreaterThan(2)
        expect(steps.at(-1)).toBe(steps[0])
        for (const [i, to] of steps.slice(1).entries())
          expect(all.some(([one, other]) => one === steps[i] && other === to)).toBe(true)
      }
    }),
    { numRuns: 200 },
  )
})

test('whatever JSON it is given, it says what is wrong and never throws', () => {
  const entry = fc.dictionary(
    fc.constantFrom('activity', 'after', 'when', 'input', 'timeout', 'retry', 'compensate', 'x'),
    fc.oneof(fc.jsonValue(), fc.constantFrom('a', 'b', 'true', '5s'), fc.constant(['a'])),
  )
  const document = fc.dictionary(
    fc.constantFrom('type', 'version', 'deadline', 'activities', 'payload', 'output', 'onFailure', 'y'),
    fc.oneof(fc.jsonValue(), fc.constantFrom('a', 1, '5s', 'true'), fc.dictionary(fc.constantFrom('a', 'b'), entry)),
  )
  fc.assert(
    fc.property(fc.oneof(document, fc.jsonValue()), (value) => {
      const read = readDefinition(value)

      if (read.ok) return
      expect(read.faults.length).toBeGreaterThan(0)
      for (const fault of read.faults) expect(fault).not.toContain('undefined')
    }),
    { numRuns: 500 },
  )
})
