import { PATTERN_CHARS_MAX, patternSizeOf } from '../../cel/pattern-size.ts'
import { isSameValue, type Place, placesIn, type Schema } from './schema-places.ts'

/** What a JSON Schema may ask for, found out before it is compiled: what it says is short, and what it means may be endless. */

/** Keywords, with each `$ref` as what it refers to. */
const KEYWORDS_MAX = 10_000
/** Instructions of all its patterns: to compile them takes 4 us for each. */
const PATTERNS_SIZE_MAX = 10_000

/** Why a schema is refused. It must be valid against the schema of schemas. */
export function boundFaults(schema: Schema): readonly string[] {
  const places = allPlaces(schema)
  const nested = places.find(({ pointer, schema: { $id } }) => pointer !== '' && $id !== undefined)
  // What refers to something would mean something else there.
  if (nested) return [`${at(nested)}$id: only at the top`]
  const targets = targetsIn(places)
  const unknown = places.flatMap((place) =>
    refsOf(place.schema).flatMap((ref) =>
      targets(ref) ? [] : [`${at(place)}can't resolve reference ${ref}: only to a schema within this one`],
    ),
  )
  if (unknown.length > 0) return unknown
  return [...cycleFaults(places, targets), ...countFaults(places, targets), ...patternFaults(places)]
}

const at = ({ pointer }: Place) => (pointer === '' ? '' : `${pointer.slice(1).replaceAll('/', '.')}: `)

function allPlaces(schema: Schema): readonly Place[] {
  const places: Place[] = [{ pointer: '', schema }]
  for (const place of places) places.push(...placesIn(place))
  return places
}

const refsOf = ({ $ref, $dynamicRef, $recursiveRef }: Schema): readonly string[] =>
  [$ref, $dynamicRef, $recursiveRef].filter((ref) => typeof ref === 'string')

type Targets = (ref: string) => Place | undefined

function targetsIn(places: readonly Place[]): Targets {
  const known = new Map<string, Place>()
  for (const place of places) {
    const { $anchor, $dynamicAnchor } = place.schema
    for (const anchor of [$anchor, $dynamicAnchor]) if (typeof anchor === 'string') known.set(anchor, place)
    known.set(place.pointer, place)
  }
  const $id = places[0]?.schema.$id
  const own = typeof $id === 'string' ? $id.replace(/#$/, '') : ''
  return (ref) => {
    const fragment = own !== '' && ref.startsWith(own) ? ref.slice(own.length) : ref
    return fragment.startsWith('#') ? known.get(decoded(fragment.slice(1))) : undefined
  }
}

function decoded(fragment: string): string {
  try {
    return decodeURIComponent(fragment)
  } catch {
    return fragment
  }
}

/** A schema that comes back to itself and looks at the same value never ends. Through parts of a value it ends with the value. */
function cycleFaults(places: readonly Place[], targets: Targets): readonly string[] {
  const state = new Map<string, 'open' | 'done'>()
  const faults: string[] = []
  const visit = (place: Place) => {
    if (state.get(place.pointer) === 'open')
      faults.push(`${at(place)}it comes back to itself at the same value: it would never end`)
    if (state.has(place.pointer)) return
    state.set(place.pointer, 'open')
    for (const inner of placesIn(place)) if (isSameValue(inner.keyword)) visit(inner)
    for (const ref of refsOf(place.schema)) {
      const target = targets(ref)
      if (target) visit(target)
    }
    state.set(place.pointer, 'done')
  }
  for (const place of places) visit(place)
  return faults
}

function countFaults(places: readonly Place[], targets: Targets): readonly string[] {
  const counts = new Map<string, number>()
  const countOf = (place: Place): number => {
    const known = counts.get(place.pointer)
    if (known !== undefined) return known
    // What comes back here, by way of a part of the value, is counted once.
    counts.set(place.pointer, 0)
    const inner = placesIn(place).filter(({ keyword }) => keyword !== '$defs' && keyword !== 'definitions')
    const referred = refsOf(place.schema).flatMap((ref) => targets(ref) ?? [])
    const own = Object.keys(place.schema).length
    const count = [...inner, ...referred].reduce((sum, one) => sum + countOf(one), own)
    counts.set(place.pointer, count)
    return count
  }
  return places.some((place) => countOf(place) > KEYWORDS_MAX)
    ? [`with each $ref as what it refers to it has more than ${KEYWORDS_MAX} keywords: split it`]
    : []
}

function patternFaults(places: readonly Place[]): readonly string[] {
  const patterns = new Set(places.flatMap(({ schema }) => patternsOf(schema)))
  const long = [...patterns].find((pattern) => pattern.length > PATTERN_CHARS_MAX)
  if (long !== undefined)
    return [`a pattern has ${long.length} characters, at most ${PATTERN_CHARS_MAX} are taken: it is too large`]
  const size = [...patterns].reduce((sum, pattern) => sum + patternSizeOf(pattern), 0)
  return size > PATTERNS_SIZE_MAX
    ? [
        `its patterns compile to ${size} instructions, at most ${PATTERNS_SIZE_MAX} are taken in all: they are too large`,
      ]
    : []
}

const patternsOf = ({ pattern, patternProperties }: Schema): readonly string[] => [
  ...(typeof pattern === 'string' ? [pattern] : []),
  ...Object.keys(patternProperties ?? {}),
]
