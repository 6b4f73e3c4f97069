/** A thing that comes behind others. */
export type Node = { readonly name: string; readonly after: readonly string[] }

/** A place in a row: a node's, or one that lines to a lower row pass through. */
export type Slot<N extends Node> = {
  /** Missing: lines pass here. */
  readonly node?: N
  /** Places in the row above that it is joined to. */
  readonly above: readonly Slot<N>[]
}

/** Each node by its layer: one below the lowest of those that it comes behind. Names that are not there, and circles, count for nothing. */
export function layersOf<N extends Node>(nodes: readonly N[]): readonly (readonly N[])[] {
  const layerOf = depths(nodes)
  const layers: N[][] = []
  for (const node of nodes) {
    const layer = layerOf.get(node.name) ?? 0
    while (layers.length <= layer) layers.push([])
    layers[layer]?.push(node)
  }
  return layers
}

function depths(nodes: readonly Node[]): ReadonlyMap<string, number> {
  const waiting = new Map(nodes.map(({ name }) => [name, 0]))
  const behind = new Map<string, string[]>(nodes.map(({ name }) => [name, []]))
  for (const { name, after } of nodes)
    for (const before of new Set(after)) {
      const followers = behind.get(before)
      if (!followers) continue
      followers.push(name)
      waiting.set(name, (waiting.get(name) ?? 0) + 1)
    }
  const depth = new Map<string, number>()
  const ready = nodes.map(({ name }) => name).filter((name) => waiting.get(name) === 0)
  // It grows while it is walked through.
  for (const name of ready) {
    const own = depth.get(name) ?? 0
    depth.set(name, own)
    for (const follower of behind.get(name) ?? []) {
      depth.set(follower, Math.max(depth.get(follower) ?? 0, own + 1))
      const left = (waiting.get(follower) ?? 0) - 1
      waiting.set(follower, left)
      if (left === 0) ready.push(follower)
    }
  }
  return depth
}

/**
 * Rows of places, so that each line leads from one row to the next. Undefined when a row would have more than `slotsMax`: nobody could
 * follow the lines. Within a row they are ordered by where their lines come from, which keeps most lines from crossing.
 */
export function rowsOf<N extends Node>(nodes: readonly N[], slotsMax: number): readonly Slot<N>[][] | undefined {
  const layers = layersOf(nodes)
  const layerOf = new Map(layers.flatMap((layer, i) => layer.map(({ name }) => [name, i])))
  const lastOf = lastFollowers(nodes, layerOf)
  const rows: Slot<N>[][] = []
  /** The place in the row above from which the lines of a node go on. */
  let carriers = new Map<string, Slot<N>>()
  for (const [index, layer] of layers.entries()) {
    const own = layer.map((node) => ({
      node,
      above: [...new Set(node.after)].flatMap((name) => carriers.get(name) ?? []),
    }))
    const passing = [...carriers].filter(([name]) => (lastOf.get(name) ?? 0) > index)
    if (own.length + passing.length > slotsMax) return undefined
    const through = passing.map(([name, slot]): [string, Slot<N>] => [name, { above: [slot] }])
    rows.push(ordered([...own, ...through.map(([, slot]) => slot)], rows.at(-1) ?? []))
    const begun = own.map((slot): [string, Slot<N>] => [slot.node.name, slot])
    carriers = new Map([...begun, ...through].filter(([name]) => (lastOf.get(name) ?? 0) > index))
  }
  return rows
}

/** The lowest layer that waits for each node. */
function lastFollowers(nodes: readonly Node[], layerOf: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  const last = new Map<string, number>()
  for (const { name, after } of nodes)
    for (const before of after) last.set(before, Math.max(last.get(before) ?? 0, layerOf.get(name) ?? 0))
  return last
}

function ordered<N extends Node>(slots: readonly Slot<N>[], above: readonly Slot<N>[]): Slot<N>[] {
  const placeOf = new Map(above.map((slot, i) => [slot, i]))
  const mean = (slot: Slot<N>) =>
    slot.above.reduce((sum, from) => sum + (placeOf.get(from) ?? 0), 0) / Math.max(1, slot.above.length)
  return slots.toSorted((a, b) => mean(a) - mean(b))
}
