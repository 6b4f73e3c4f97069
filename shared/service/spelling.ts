/** Two slips of the finger; with more, `EBS_HUB_PORT` would look like a misspelt name of another service's variable. */
const DISTANCE_MAX = 2

/** Warns of variables that are not known but nearly read like a known one. Only names, never values. */
export function misspelt(names: readonly string[], known: readonly string[]): readonly string[] {
  const knownSet = new Set(known)
  return names.flatMap((name) => {
    if (knownSet.has(name)) return []
    const meant = known.find((candidate) => isNear(name, candidate))
    return meant ? [`${name} is not a variable of this service. Did you mean ${meant}?`] : []
  })
}

function isNear(a: string, b: string): boolean {
  return Math.abs(a.length - b.length) <= DISTANCE_MAX && distance(a, b) <= DISTANCE_MAX
}

/** Levenshtein's distance, row by row. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, swap))
    }
    row = next
  }
  return row[b.length] ?? 0
}
