import { describe, expect, test } from 'vitest'
import { painter } from '../colour.ts'
import { type Column, tableOf } from '../table.ts'
import { ageOf, lineOf, linesOf, spanOf } from '../wording.ts'

type Row = { readonly id: string; readonly queue: string; readonly error: string; readonly count: number }
const columns: readonly Column<Row>[] = [
  { head: 'ID', of: ({ id }) => id, isWhole: true },
  { head: 'QUEUE', of: ({ queue }) => queue },
  { head: 'COUNT', of: ({ count }) => count, isNumber: true },
  { head: 'ERROR', of: ({ error }) => error },
]
const id = '0190c5a0-7d3e-8000-8000-000000000001'
const row = (error: string): Row => ({ id, queue: 'process_consume', error, count: 7 })
const paint = (_style: string, text: string) => text
const draw = (rows: readonly Row[], width?: number) => tableOf(columns, rows, { width, paint }).split('\n')

describe('a table fits the terminal', () => {
  test.each([80, 60, 59])('at %i columns: one line per row, ids whole, what is cut ends with an ellipsis', (width) => {
    const lines = draw([row('x'.repeat(500)), row('short'), row('é'.repeat(200))], width)

    expect(lines).toHaveLength(4)
    for (const line of lines) expect([...line].length).toBeLessThanOrEqual(width)
    for (const line of lines.slice(1)) expect(line).toContain(id)
    expect(lines[1]).toMatch(/x…$/)
  })

  test.each([30, 20, 10])('at %i columns even ids are cut, and no row is wider', (width) => {
    for (const line of draw([row('x'.repeat(500))], width)) expect([...line].length).toBeLessThanOrEqual(width)
  })

  test.each([
    { width: 120, heads: ['ID', 'QUEUE', 'TYPE', 'TENANT', 'ERROR'] },
    { width: 80, heads: ['ID', 'QUEUE', 'ERROR'] },
    { width: 20, heads: ['ID', 'QUEUE', 'ERROR'] },
    { width: undefined, heads: ['ID', 'QUEUE', 'TYPE', 'TENANT', 'ERROR'] },
  ])('minor columns make room for the others: at $width there are $heads', ({ width, heads }) => {
    const minor = (head: string) => ({ head, of: () => 'TASK_CREATED', isMinor: true }) as const
    const wide = [...columns.slice(0, 2), minor('TYPE'), minor('TENANT'), ...columns.slice(3)]

    const [head = ''] = tableOf(wide, [row('x'.repeat(500))], { width, paint }).split('\n')

    for (const name of heads) expect(head).toContain(name.slice(0, 2))
    expect(head.trim().split(/ +/)).toHaveLength(heads.length)
  })

  test('nothing is cut where there is room, or no terminal', () => {
    expect(draw([row('y'.repeat(300))])[1]).toContain('y'.repeat(300))
    expect(draw([row('disk is full')], 200)[1]).toBe(`${id}  process_consume      7  disk is full`)
  })

  test('wide characters count as two columns', () => {
    const [, line = ''] = draw([row('数据库'.repeat(40))], 80)

    const asian = (line.match(/[数据库]/g) ?? []).length
    expect([...line].length + asian).toBeLessThanOrEqual(80)
    expect(line).toMatch(/…$/)
  })

  test('line breaks, escape codes and text that runs backwards cannot leave their cell', () => {
    const lines = draw([row('a\nb\r\n\u001b[31mred\u001b[2J \u202edcba\u2028end')], 120)

    expect(lines).toHaveLength(2)
    expect(lines[1]).toContain('a b [31mred [2J  dcba end')
  })
})

describe('colours', () => {
  const terminal = Object.assign(process.stderr, {})
  const screen = (isTTY: boolean) => ({ ...terminal, isTTY }) as const
  test.each([
    { isTTY: true, isColourful: true, isPainted: true },
    { isTTY: true, isColourful: false, isPainted: false },
    { isTTY: false, isColourful: true, isPainted: false },
  ])('terminal $isTTY, wanted $isColourful: painted $isPainted', ({ isTTY, isColourful, isPainted }) => {
    const painted = painter(Object.assign(Object.create(terminal), screen(isTTY)), isColourful)('red', 'dead')

    expect(painted).toBe(isPainted ? '\u001b[31mdead\u001b[39m' : 'dead')
  })
})

describe('words', () => {
  test.each([
    [-1, '0s'],
    [0, '0s'],
    [999, '0s'],
    [119_999, '119s'],
    [120_000, '2m'],
    [7_199_999, '119m'],
    [7_200_000, '2h'],
    [172_799_999, '47h'],
    [172_800_000, '2d'],
  ])('%i ms are %s', (ms, span) => {
    expect(spanOf(ms)).toBe(span)
  })

  test.each([
    [undefined, '-'],
    [null, '-'],
    ['', '-'],
    [0, '0'],
    [false, 'false'],
    [{ a: 1 }, '{"a":1}'],
    ['a\tb\u0000c', 'a b c'],
  ])('%j in a cell is %s', (value, text) => {
    expect(lineOf(value)).toBe(text)
  })

  test('text of several lines keeps them, and nothing else that moves the cursor', () => {
    expect(linesOf('a\n\tb\u001b[2Jc\rd')).toBe('a\n\tb [2Jc d')
  })

  test('what is no time is shown as it is', () => {
    expect(ageOf('2026-03-01T11:59:00Z', Date.parse('2026-03-01T12:00:00Z'))).toBe('60s')
    expect(ageOf('yesterday', 0)).toBe('yesterday')
    expect(ageOf(undefined, 0)).toBe('-')
  })
})
