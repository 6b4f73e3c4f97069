import fc from 'fast-check'
import { hostileKey, hostileValue } from './hostile.ts'

/** One change to a value: where (a seed that chooses among its places), and what. */
type Change = { readonly where: number } & (
  | { readonly how: 'replace'; readonly by: unknown }
  | { readonly how: 'drop' }
  | { readonly how: 'add'; readonly key: string; readonly by: unknown }
  | { readonly how: 'as-text' }
  | { readonly how: 'off-by-one'; readonly by: number }
)

const where = fc.nat(1_000)
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ how: fc.constant('replace' as const), where, by: hostileValue }),
  fc.record({ how: fc.constant('drop' as const), where }),
  fc.record({ how: fc.constant('add' as const), where, key: hostileKey, by: hostileValue }),
  fc.record({ how: fc.constant('as-text' as const), where }),
  fc.record({ how: fc.constant('off-by-one' as const), where, by: fc.constantFrom(-1, 1, 0.5) }),
)

/** Values as they are, five times in six, and with one to three changes otherwise: nearly right reaches further than noise. */
export const sometimesSpoiled = (values: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 5, arbitrary: values }, { weight: 1, arbitrary: spoiled(values) })

/** Values with at least one change. */
export const spoiled = (values: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc
    .tuple(values, fc.array(change, { minLength: 1, maxLength: 3 }))
    .map(([value, changes]) => changes.reduce((so, one) => changed(so, one), value))

type Path = readonly string[]

function changed(value: unknown, change: Change): unknown {
  const places = placesOf(value)
  const path = places[change.where % places.length] ?? []
  return changedAt(value, path, change)
}

/** Every place in a value, from the outside in. */
function placesOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null || path.length > PLACES_DEPTH_MAX) return [path]
  return [path, ...Object.entries(value).flatMap(([key, item]) => placesOf(item, [...path, key]))]
}

/** Far enough for every document of ours, and a bound for what is deep on purpose. */
const PLACES_DEPTH_MAX = 8

function changedAt(value: unknown, [key, ...rest]: Path, change: Change): unknown {
  if (key === undefined) return changedHere(value, change)
  const isDropped = rest.length === 0 && change.how === 'drop'
  const entries = Object.entries(Object(value)).flatMap(([name, item]): [string, unknown][] => {
    if (name !== key) return [[name, item]]
    return isDropped ? [] : [[name, changedAt(item, rest, change)]]
  })
  return Array.isArray(value) ? entries.map(([, item]) => item) : Object.fromEntries(entries)
}

function changedHere(value: unknown, change: Change): unknown {
  switch (change.how) {
    case 'replace':
      return change.by
    case 'drop':
      return undefined
    case 'as-text':
      return typeof value === 'string' ? Number(value) || 0 : (JSON.stringify(value) ?? '')
    case 'off-by-one':
      if (typeof value === 'number') return value + change.by
      return typeof value === 'string' ? (change.by > 0 ? `${value}x` : value.slice(0, -1)) : change.by
    case 'add':
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return [value, change.by]
      return Object.fromEntries([...Object.entries(value), [change.key, change.by]])
  }
}
