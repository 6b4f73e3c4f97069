import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { painter } from '../colour.ts'
import { type Drawn, drawGraph } from '../graph-drawing.ts'
import { layersOf } from '../graph-layers.ts'

const plain = (_style: string, text: string) => text
const node = (name: string, ...after: string[]): Drawn => ({ name, after, mark: '✔' })
const draw = (nodes: readonly Drawn[], width: number | undefined = 80) => drawGraph(nodes, { width, paint: plain })
const lines = (text: string) => text.split('\n')
const widest = (text: string) => Math.max(...lines(text).map((line) => line.length))
const many = (count: number, name = (i: number) => `step-${i}`) =>
  Array.from({ length: count }, (_, i) => node(name(i)))

describe('layers', () => {
  const namesOf = (nodes: readonly Drawn[]) => layersOf(nodes).map((layer) => layer.map(({ name }) => name))

  test.each([
    { what: 'nothing', nodes: [], layers: [] },
    { what: 'one', nodes: [node('a')], layers: [['a']] },
    { what: 'what follows stands first', nodes: [node('b', 'a'), node('a')], layers: [['a'], ['b']] },
    {
      what: 'a short way beside a long one: the longest path counts',
      nodes: [node('a'), node('b', 'a'), node('c', 'b'), node('d', 'a', 'c')],
      layers: [['a'], ['b'], ['c'], ['d']],
    },
    {
      what: 'a name that is not there, and one twice',
      nodes: [node('a', 'ghost'), node('b', 'a', 'a')],
      layers: [['a'], ['b']],
    },
    { what: 'a circle', nodes: [node('a', 'b'), node('b', 'a'), node('c')], layers: [['a', 'b', 'c']] },
  ])('$what', ({ nodes, layers }) => {
    expect(namesOf(nodes)).toEqual(layers)
  })
})

test('draws a chain, a fan and a join', () => {
  const nodes = [
    ...[
      node('reserve'),
      { ...node('charge', 'reserve'), note: '×3' },
      node('ship', 'charge'),
      node('express', 'charge'),
    ],
    ...[node('notify', 'charge'), node('close', 'ship', 'express')],
  ]

  expect(lines(draw(nodes))).toEqual([
    '✔ reserve',
    '│',
    '✔ charge ×3',
    '├───────┬──────────┐',
    '✔ ship  ✔ express  ✔ notify',
    '├───────┘',
    '✔ close',
  ])
})

test('a line that skips a layer goes through it, and lines that cross do not touch', () => {
  const nodes = [
    ...[node('a'), node('b'), node('c', 'a', 'b'), node('d', 'a')],
    ...[node('e', 'a', 'c'), node('f', 'b', 'd'), node('g', 'e', 'f', 'a')],
  ]

  expect(linksIn(draw(nodes), nodes)).toEqual(linksOf(nodes))
  expect(draw(nodes)).toContain('─│─')
})

/** Small graphs without circles: each node comes behind some of those before it. */
const graphs = fc
  .array(fc.array(fc.nat(7), { maxLength: 4 }), { minLength: 1, maxLength: 8 })
  .map((befores) => befores.map((after, i) => node(`n${i}`, ...after.filter((one) => one < i).map((one) => `n${one}`))))

test('whoever follows the lines comes from each node to those that wait for it, and to no other', () => {
  fc.assert(
    fc.property(graphs, (nodes) => {
      expect(linksIn(draw(nodes, 200), nodes)).toEqual(linksOf(nodes))
    }),
    { numRuns: 300 },
  )
})

test('no drawing is wider than its terminal', () => {
  fc.assert(
    fc.property(graphs, fc.integer({ min: 20, max: 60 }), (nodes, width) => {
      const text = draw(
        nodes.map((one) => ({ ...one, note: '×3' })),
        width,
      )
      expect(widest(text)).toBeLessThanOrEqual(width)
      for (const { name } of nodes) expect(text).toMatch(new RegExp(`✔ ${name} ×3`))
    }),
  )
})

describe('what has no room', () => {
  test('long names are cut to what the terminal has, their ends kept', () => {
    const nodes = many(4, (i) => `${'long'.repeat(15)}-${i}`)

    const text = draw(nodes, 80)

    expect(widest(text)).toBeLessThanOrEqual(80)
    expect(widest(text)).toBeGreaterThan(70)
    expect(lines(text)).toHaveLength(1)
    expect(text).toMatch(/long…\S*-0 {2}✔ .*-1 {2}✔ .*-2 {2}✔ .*-3$/)
  })

  test('so many beside each other that no lines can be followed become a list of layers', () => {
    const nodes = [...many(40), node('join', ...many(40).map(({ name }) => name))]

    const listed = lines(draw(nodes, 80))

    expect(widest(listed.join('\n'))).toBeLessThanOrEqual(80)
    expect(listed[0]).toMatch(/^1 {2}✔ step-0 {2}✔ step-1 {2}/)
    expect(listed.at(-1)).toBe('2  ✔ join')
    for (const { name } of nodes) expect(listed.join('\n')).toContain(`✔ ${name}`)
  })

  test('in a pipe no name is cut', () => {
    const nodes = many(4, (i) => `${'long'.repeat(15)}-${i}`)

    const text = drawGraph(nodes, { width: undefined, paint: plain })

    for (const { name } of nodes) expect(text).toContain(name)
    expect(text).not.toContain('…')
  })

  test('the largest journeys are drawn at once', () => {
    const chain = Array.from({ length: 500 }, (_, i) => node(`s${i}`, ...(i === 0 ? [] : [`s${i - 1}`])))
    const tangle = Array.from({ length: 500 }, (_, i) =>
      node(`s${i}`, ...many(i, (j) => `s${j}`).map(({ name }) => name)),
    )

    const beganMs = performance.now()

    expect(lines(draw(chain))).toHaveLength(999)
    expect(lines(draw(tangle))).toHaveLength(500)
    expect(performance.now() - beganMs).toBeLessThan(3_000)
  })
})

test('names with what moves a cursor are harmless', () => {
  expect(draw([node('a\u001b[2Jb')])).toBe('✔ a [2Jb')
})

test('colours are for terminals; in a pipe there are none', () => {
  const nodes: readonly Drawn[] = [
    { ...node('a'), colour: 'green' },
    { ...node('b', 'a'), colour: 'red' },
  ]
  const at = (isTTY: boolean) =>
    drawGraph(nodes, { width: 80, paint: painter(Object.assign(process.stderr, {}, { isTTY }), true) })

  expect(at(false)).toBe('✔ a\n│\n✔ b')
  expect(at(true)).toBe('\u001b[32m✔ a\u001b[39m\n│\n\u001b[31m✔ b\u001b[39m')
})

const linksOf = (nodes: readonly Drawn[]) =>
  nodes.flatMap(({ name, after }) => [...new Set(after)].map((before) => `${before} > ${name}`)).sort()

const ARMS: Readonly<Record<string, string>> = {
  ...{ '│': 'ud', '─': 'lr', '└': 'ur', '┘': 'ul', '┌': 'dr', '┐': 'dl' },
  ...{ '├': 'udr', '┤': 'udl', '┴': 'ulr', '┬': 'dlr', '┼': 'udlr' },
}
const STEPS = { u: [-1, 0], d: [1, 0], l: [0, -1], r: [0, 1] } as const
const BACK = { u: 'd', d: 'u', l: 'r', r: 'l' } as const
type Way = keyof typeof STEPS
const isWay = (letter: string): letter is Way => letter in STEPS

/** The links that a reader of a drawing finds, who begins below each node and goes wherever a line leads, but never back up. */
function linksIn(drawing: string, nodes: readonly Drawn[]): readonly string[] {
  const grid = lines(drawing)
  const labels = nodes.map(({ name }) => {
    const row = grid.findIndex((line) => new RegExp(`✔ ${name}( |$)`).test(line))
    const start = (grid[row] ?? '').search(new RegExp(`✔ ${name}( |$)`))
    return { name, row, start, end: start + name.length + 2 }
  })
  const labelAt = (row: number, column: number) =>
    labels.find((one) => one.row === row && one.start <= column && column < one.end)
  const found = new Set<string>()
  for (const from of labels) {
    const seen = new Set<string>()
    const walk = (row: number, column: number, way: Way): void => {
      const place = `${row} ${column} ${way}`
      if (seen.has(place)) return
      seen.add(place)
      const label = labelAt(row, column)
      if (label) return void found.add(`${from.name} > ${label.name}`)
      const letter = grid[row]?.[column] ?? ' '
      // Sideways across an upright line: it is crossed.
      const isCrossed = letter === '│' && (way === 'l' || way === 'r')
      const arms = isCrossed ? way : (ARMS[letter] ?? '').replace(BACK[way], '').replace('u', '')
      for (const next of arms) if (isWay(next)) walk(row + STEPS[next][0], column + STEPS[next][1], next)
    }
    if (labelAt(from.row + 1, from.start) === undefined && ARMS[grid[from.row + 1]?.[from.start] ?? '']?.includes('u'))
      walk(from.row + 1, from.start, 'd')
  }
  return [...found].sort()
}
