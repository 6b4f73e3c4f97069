import Table from 'cli-table3'
import { type Paint, paintStatus } from './colour.ts'
import { lineOf } from './wording.ts'

/** A column of a table: its heading and what of a row stands in it. */
export type Column<Row> = {
  readonly head: string
  readonly of: (row: Row) => unknown
  /** Numbers: to the right. */
  readonly isNumber?: true
  /** Ids and the like, to be copied: cut only when nothing else is left to cut. */
  readonly isWhole?: true
  /** Left out, the last one first, where the others would have no room. */
  readonly isMinor?: true
  /** Statuses: in their colour. */
  readonly isStatus?: true
}

export type Sheet = {
  /** Columns of the terminal; undefined: nothing is cut. */
  readonly width: number | undefined
  readonly paint: Paint
}

const GAP = '  '
/** A cell cut shorter than this says nothing. */
const CELL_CHARS_MIN = 6
/** Cells with so much room may stay beside minor ones. */
const CELL_CHARS_COMFORTABLE = 16
const none = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
}

/** Draws rows below their headings, one line each, no wider than the sheet: cells that do not fit end with an ellipsis. */
export function tableOf<Row>(columns: readonly Column<Row>[], rows: readonly Row[], { width, paint }: Sheet): string {
  const all = columns.map((column) => ({
    ...column,
    cells: rows.map((row) => lineOf(column.of(row))).map((text) => (column.isStatus ? paintStatus(paint, text) : text)),
  }))
  const natural = naturalWidths(all)
  const kept = width === undefined ? all : affordable(all, natural, width)
  const widths = fitted(kept, natural, width)
  const [head = '', ...body] = draw(kept, { gap: GAP, widths })
  return [paint('bold', head.trimEnd()), ...body.map((line) => line.trimEnd())].join('\n')
}

type Strip = Pick<Column<never>, 'head' | 'isNumber' | 'isWhole' | 'isMinor'> & { readonly cells: readonly string[] }
type Widths = ReadonlyMap<string, number>

function draw(strips: readonly Strip[], { gap, widths }: { gap: string; widths?: Widths }): string[] {
  const table = new Table({
    chars: { ...none, middle: gap },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
    colAligns: strips.map(({ isNumber }) => (isNumber ? 'right' : 'left')),
    colWidths: widths ? strips.map(({ head }) => widths.get(head) ?? null) : [],
    truncate: '…',
  })
  const rows = strips[0]?.cells.map((_cell, row) => strips.map(({ cells }) => cells[row] ?? '')) ?? []
  table.push(
    strips.map(({ head }) => head),
    ...rows,
  )
  return table.toString().split('\n')
}

/** What each column takes when nothing is cut. */
function naturalWidths(strips: readonly Strip[]): Widths {
  // Headings are plain letters, filled up to the width of their column: where one ends, its column does.
  const mark = '\0'
  const heads = draw(strips, { gap: mark })[0]?.split(mark) ?? []
  return new Map(strips.map(({ head }, i) => [head, heads[i]?.length ?? 0]))
}

const totalOf = (widths: readonly number[]) =>
  widths.reduce((sum, width) => sum + width, 0) + GAP.length * (widths.length - 1)

/** Without the minor columns for which there is no room beside the others. */
function affordable<S extends Strip>(strips: readonly S[], natural: Widths, width: number): readonly S[] {
  const comfortable = ({ head, isWhole }: Strip) => {
    const wanted = natural.get(head) ?? 0
    return isWhole ? wanted : Math.min(wanted, CELL_CHARS_COMFORTABLE)
  }
  const kept = [...strips]
  while (totalOf(kept.map(comfortable)) > width) {
    const last = kept.findLastIndex(({ isMinor }) => isMinor)
    if (last < 0) break
    kept.splice(last, 1)
  }
  return kept
}

/** Takes from the widest column again and again until all fit: first from those that may be cut. */
function fitted(strips: readonly Strip[], natural: Widths, width: number | undefined): Widths {
  const widths = new Map(strips.map(({ head }) => [head, natural.get(head) ?? 0]))
  if (width === undefined) return widths
  const cuttable = strips.filter(({ isWhole }) => !isWhole).map(({ head }) => head)
  const steps = [
    { heads: cuttable, min: CELL_CHARS_MIN },
    { heads: [...widths.keys()], min: 1 },
  ]
  for (const { heads, min } of steps)
    while (totalOf([...widths.values()]) > width) {
      const widest = heads.reduce((best, head) => ((widths.get(head) ?? 0) > (widths.get(best) ?? 0) ? head : best), '')
      const now = widths.get(widest) ?? 0
      if (now <= min) break
      widths.set(widest, now - 1)
    }
  return widths
}
