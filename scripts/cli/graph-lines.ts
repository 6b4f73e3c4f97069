/** Lines that lead from some places of a row to some of the next: each source to each target. */
export type Bundle = {
  /** Columns that it comes from, and those that it goes to. No two bundles share one on the same side. */
  readonly from: readonly number[]
  readonly to: readonly number[]
}

type Lane = Bundle & { readonly min: number; readonly max: number }

/**
 * Draws the lines between two rows. Lines that cross do not touch: the upright one is whole. Undefined when that cannot be done with these
 * columns, because one bundle would have to be above another and below it.
 */
export function linesBetween(bundles: readonly Bundle[]): readonly string[] | undefined {
  const lanes = bundles.map(({ from, to }) => ({
    ...{ from, to },
    min: Math.min(...from, ...to),
    max: Math.max(...from, ...to),
  }))
  const rows = rowsOf(lanes)
  if (!rows) return undefined
  const height = Math.max(0, ...rows.values()) + 1
  const width = Math.max(...lanes.map(({ max }) => max)) + 1
  return Array.from({ length: height }, (_, row) => lineAt(row, rows, width))
}

/** In which row each bundle runs sideways: as high as it can. */
function rowsOf(lanes: readonly Lane[]): ReadonlyMap<Lane, number> | undefined {
  const rows = new Map<Lane, number>()
  // What comes down a column has to turn aside before another bundle goes down the same one.
  const over = new Map(lanes.map((lane) => [lane, lanes.filter((other) => other !== lane && isOver(other, lane))]))
  const left = new Set(lanes.toSorted((a, b) => a.min - b.min))
  while (left.size > 0) {
    const next = [...left].find((lane) => over.get(lane)?.every((other) => rows.has(other)))
    if (!next) return undefined
    left.delete(next)
    let row = Math.max(-1, ...(over.get(next) ?? []).map((other) => rows.get(other) ?? 0)) + 1
    while ([...rows].some(([other, taken]) => taken === row && overlap(other, next))) row++
    rows.set(next, row)
  }
  return rows
}

const isOver = (upper: Lane, lower: Lane) => upper.from.some((column) => lower.to.includes(column))
const overlap = (a: Lane, b: Lane) => a.min <= b.max && b.min <= a.max

const [UP, DOWN, LEFT, RIGHT] = [1, 2, 4, 8]
const LETTERS: Readonly<Record<number, string>> = {
  [UP | DOWN]: '│',
  [LEFT | RIGHT]: '─',
  [UP | RIGHT]: '└',
  [UP | LEFT]: '┘',
  [DOWN | RIGHT]: '┌',
  [DOWN | LEFT]: '┐',
  [UP | DOWN | RIGHT]: '├',
  [UP | DOWN | LEFT]: '┤',
  [UP | LEFT | RIGHT]: '┴',
  [DOWN | LEFT | RIGHT]: '┬',
  [UP | DOWN | LEFT | RIGHT]: '┼',
}

function lineAt(row: number, rows: ReadonlyMap<Lane, number>, width: number): string {
  const letters = Array.from({ length: width }, () => ' ')
  const own = [...rows].filter(([, at]) => at === row).map(([lane]) => lane)
  for (const lane of own)
    for (let column = lane.min; column <= lane.max; column++) letters[column] = LETTERS[armsAt(lane, column)] ?? ' '
  for (const [lane, at] of rows) {
    const uprights = at > row ? lane.from : at < row ? lane.to : []
    for (const column of uprights) letters[column] = '│'
  }
  return letters.join('').trimEnd()
}

const armsAt = ({ from, to, min, max }: Lane, column: number): number =>
  (from.includes(column) ? UP : 0) |
  (to.includes(column) ? DOWN : 0) |
  (column > min ? LEFT : 0) |
  (column < max ? RIGHT : 0)
