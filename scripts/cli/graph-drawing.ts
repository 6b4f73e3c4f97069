import type { Colour } from './colour.ts'
import { layersOf, type Node, rowsOf, type Slot } from './graph-layers.ts'
import { type Bundle, linesBetween } from './graph-lines.ts'
import type { Sheet } from './table.ts'
import { lineOf } from './wording.ts'

/** A node as it is shown: its mark, its name, and what else there is to say in a word. */
export type Drawn = Node & {
  /** One letter. */
  readonly mark: string
  readonly colour?: Colour | undefined
  readonly note?: string | undefined
}

/** Where no terminal says how wide it is. */
const WIDTH_DEFAULT = 160
/** A name cut shorter than this says nothing. */
const NAME_CHARS_MIN = 8
const GAP = 2
const ELLIPSIS = '…'

/**
 * Draws a graph from top to bottom: a row for each layer, and lines from each node to those that come behind it. Names are cut where they
 * have no room; what is too wide for any drawing becomes a list of its layers.
 */
export function drawGraph(nodes: readonly Drawn[], sheet: Sheet): string {
  const width = sheet.width ?? WIDTH_DEFAULT
  const slots = rowsOf(nodes, Math.floor(width / GAP)) ?? []
  const rows = slots.map((row, i) => ({ row, bundles: bundlesOf(row, slots[i - 1] ?? []) }))
  const longest = Math.max(NAME_CHARS_MIN, ...nodes.map(({ name }) => lineOf(name).length))
  // What is not for a terminal is not cut.
  const shortest = sheet.width === undefined ? longest : NAME_CHARS_MIN
  for (let nameMax = longest; rows.length > 0 && nameMax >= shortest; nameMax--)
    for (const isAligned of [true, false]) {
      const lines = drawRows(rows, { width, nameMax, isAligned, sheet })
      if (lines) return lines.join('\n')
    }
  return listLayers(nodes, width, sheet)
}

type Row = { readonly row: readonly Slot<Drawn>[]; readonly bundles: readonly Sharing[] }
/** Slots that have lines to the same slots of the next row. */
type Sharing = { readonly from: readonly Slot<Drawn>[]; readonly to: ReadonlySet<Slot<Drawn>> }

function bundlesOf(row: readonly Slot<Drawn>[], above: readonly Slot<Drawn>[]): readonly Sharing[] {
  const byTargets = new Map<string, Sharing & { readonly from: Slot<Drawn>[] }>()
  for (const slot of above) {
    const targets = row.flatMap((below, i) => (below.above.includes(slot) ? [{ below, i }] : []))
    const name = targets.map(({ i }) => i).join()
    const same = byTargets.get(name)
    if (same) same.from.push(slot)
    else if (name !== '') byTargets.set(name, { from: [slot], to: new Set(targets.map(({ below }) => below)) })
  }
  return [...byTargets.values()]
}

type Manner = {
  readonly width: number
  readonly nameMax: number
  /** What has one line from above stands below it if it can; otherwise each row begins at the left. */
  readonly isAligned: boolean
  readonly sheet: Sheet
}

/** Undefined when it has no room. */
function drawRows(rows: readonly Row[], manner: Manner): readonly string[] | undefined {
  const lines: string[] = []
  let above: Places = new Map()
  for (const { row, bundles } of rows) {
    const placed = placedBelow(row, { bundles, above, manner })
    if (!placed) return undefined
    lines.push(...placed.lines, namesOf(row, placed.places, manner))
    above = placed.places
  }
  return lines
}

/** The column of each slot. */
type Places = ReadonlyMap<Slot<Drawn>, number>
type Below = { readonly bundles: readonly Sharing[]; readonly above: Places; readonly manner: Manner }

/** Finds columns for a row, further to the right if the lines to it would otherwise run into each other. */
function placedBelow(row: readonly Slot<Drawn>[], below: Below) {
  const { bundles, above, manner } = below
  for (let shift = 0; ; shift++) {
    const places = placesOf(row, below, shift)
    if (!places) return undefined
    const inColumns: Bundle[] = bundles.map((bundle) => ({
      from: bundle.from.map((slot) => above.get(slot) ?? 0),
      to: [...bundle.to].map((slot) => (places.get(slot) ?? 0) + doorOf(slot, bundle, bundles)),
    }))
    const lines = inColumns.length === 0 ? [] : linesBetween(inColumns)
    if (lines?.every((line) => line.length <= manner.width)) return { places, lines }
  }
}

/** Lines of different bundles come to a slot side by side, or one would seem to lead back up the other. */
const doorOf = (slot: Slot<Drawn>, bundle: Sharing, bundles: readonly Sharing[]) =>
  bundles.filter(({ to }) => to.has(slot)).indexOf(bundle)

/** Undefined when they have no room. */
function placesOf(row: readonly Slot<Drawn>[], { bundles, above, manner }: Below, shift: number): Places | undefined {
  const places = new Map<Slot<Drawn>, number>()
  let free = shift
  for (const slot of row) {
    const [only, ...others] = slot.above
    const wanted = manner.isAligned && only && others.length === 0 ? (above.get(only) ?? 0) + shift : 0
    const column = Math.max(free, wanted)
    places.set(slot, column)
    const doors = bundles.filter(({ to }) => to.has(slot)).length
    const end = column + Math.max(doors, slot.node ? labelOf(slot.node, manner.nameMax).length : 1)
    if (end > manner.width) return undefined
    free = end + GAP
  }
  return places
}

function namesOf(row: readonly Slot<Drawn>[], places: Places, { nameMax, sheet }: Manner): string {
  let [line, length] = ['', 0]
  for (const slot of row) {
    const column = places.get(slot) ?? 0
    const label = slot.node ? labelOf(slot.node, nameMax) : '│'
    line += ' '.repeat(column - length) + (slot.node ? painted(slot.node, label, sheet) : label)
    length = column + label.length
  }
  return line
}

function labelOf({ mark, name, note }: Drawn, nameMax: number): string {
  const plain = lineOf(name)
  const short = plain.length > nameMax ? shortened(plain, nameMax) : plain
  return [mark, short, ...(note === undefined ? [] : [note])].join(' ')
}

/** Its beginning and its end: of steps that are numbered, the number. */
function shortened(name: string, max: number): string {
  const tail = Math.floor((max - ELLIPSIS.length) / 2)
  return name.slice(0, max - ELLIPSIS.length - tail) + ELLIPSIS + name.slice(-tail)
}

const painted = ({ colour }: Drawn, label: string, { paint }: Sheet) =>
  colour === undefined ? label : paint(colour, label)

/** Layer by layer, as many to a line as fit. */
function listLayers(nodes: readonly Drawn[], width: number, sheet: Sheet): string {
  const layers = layersOf(nodes)
  const margin = String(layers.length).length
  return layers
    .flatMap((layer, index) =>
      wrapped(layer, width - margin - GAP, sheet).map(
        (line, at) => `${(at === 0 ? String(index + 1) : '').padStart(margin)}${' '.repeat(GAP)}${line}`,
      ),
    )
    .join('\n')
}

function wrapped(layer: readonly Drawn[], width: number, sheet: Sheet): readonly string[] {
  const lines: string[] = []
  let used = Number.POSITIVE_INFINITY
  for (const node of layer) {
    const [mark, note = ''] = [node.mark, node.note]
    const room = width - mark.length - note.length - 2
    const label = labelOf(node, Math.max(NAME_CHARS_MIN, room))
    const text = painted(node, label, sheet)
    if (used + GAP + label.length > width) {
      lines.push(text)
      used = label.length
    } else {
      lines.push(`${lines.pop() ?? ''}${' '.repeat(GAP)}${text}`)
      used += GAP + label.length
    }
  }
  return lines
}
