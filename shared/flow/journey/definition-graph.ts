/** What waits for what: orders, cycles and ancestors of steps. */

/** The steps that each step waits for, by name, in the order of the document. All names are known, none waits for itself. */
export type Graph = ReadonlyMap<string, readonly string[]>

export type Ordered = {
  /** Each behind those it waits for; steps on cycles, and behind them, are not there. */
  readonly order: readonly string[]
  /** Each as a path in the direction of work, from a step to itself: `a`, `b`, `a` when b waits for a and a for b. */
  readonly cycles: readonly (readonly string[])[]
}

/** Cycles that share a step are told one after the other: each round of repairs shows the next. */
export function orderOf(graph: Graph): Ordered {
  const order = sorted(graph)
  const placed = new Set(order)
  const left = new Map([...graph].filter(([name]) => !placed.has(name)))
  const cycles: (readonly string[])[] = []
  while (left.size > 0) {
    const cycle = findCycle(left)
    if (!cycle) break
    cycles.push(cycle)
    for (const name of cycle) left.delete(name)
  }
  return { order, cycles }
}

/** Kahn's algorithm: what waits for nothing that is left comes next, in the order of the document. */
function sorted(graph: Graph): readonly string[] {
  const waiting = new Map([...graph].map(([name, after]) => [name, new Set(after).size]))
  const followers = followersIn(graph)
  const order = [...graph.keys()].filter((name) => waiting.get(name) === 0)
  for (const name of order)
    for (const next of followers.get(name) ?? []) {
      const left = (waiting.get(next) ?? 0) - 1
      waiting.set(next, left)
      if (left === 0) order.push(next)
    }
  return order
}

function followersIn(graph: Graph): ReadonlyMap<string, readonly string[]> {
  const followers = new Map<string, string[]>([...graph.keys()].map((name) => [name, []]))
  for (const [name, after] of graph) for (const before of new Set(after)) followers.get(before)?.push(name)
  return followers
}

/** Backwards from each step along what is left, until one comes again. */
function findCycle(left: Graph): readonly string[] | undefined {
  const seen = new Set<string>()
  for (const start of left.keys()) {
    if (seen.has(start)) continue
    const path: string[] = []
    const cycle = findFrom(start, left, { path, seen })
    if (cycle) return cycle
  }
  return undefined
}

type Search = { readonly path: string[]; readonly seen: Set<string> }

function findFrom(name: string, left: Graph, search: Search): readonly string[] | undefined {
  const { path, seen } = search
  const from = path.indexOf(name)
  if (from !== -1) return [...path.slice(from), name].reverse()
  if (seen.has(name)) return undefined
  seen.add(name)
  path.push(name)
  for (const before of left.get(name) ?? []) {
    const cycle = left.has(before) ? findFrom(before, left, search) : undefined
    if (cycle) return cycle
  }
  path.pop()
  return undefined
}

/** All that must be settled before each step of the order runs. */
export function ancestorsIn(order: readonly string[], graph: Graph): ReadonlyMap<string, ReadonlySet<string>> {
  const ancestors = new Map<string, Set<string>>()
  for (const name of order) {
    const own = new Set<string>()
    for (const before of graph.get(name) ?? []) {
      own.add(before)
      for (const earlier of ancestors.get(before) ?? []) own.add(earlier)
    }
    ancestors.set(name, own)
  }
  return ancestors
}

/** The path that takes longest, when each step takes so long. */
export function longestPath(
  order: readonly string[],
  graph: Graph,
  msOf: (name: string) => number,
): { readonly path: readonly string[]; readonly ms: number } {
  const best = new Map<string, { readonly path: readonly string[]; readonly ms: number }>()
  let longest: { readonly path: readonly string[]; readonly ms: number } = { path: [], ms: 0 }
  for (const name of order) {
    let before: typeof longest = { path: [], ms: 0 }
    for (const one of graph.get(name) ?? []) {
      const found = best.get(one)
      if (found && found.ms > before.ms) before = found
    }
    const own = { path: [...before.path, name], ms: before.ms + msOf(name) }
    best.set(name, own)
    if (own.ms > longest.ms) longest = own
  }
  return longest
}
