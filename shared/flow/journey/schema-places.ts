/** Where schemas stand within a JSON Schema, and which of them look at the same value. */

export type Schema = Readonly<Record<string, unknown>>

/** A schema within another: `/properties/amount`. */
export type Place = {
  /** As `$ref` has it, without its `#`; percent signs are not escaped. */
  readonly pointer: string
  readonly schema: Schema
}

/** How the value of a keyword holds schemas, and whether these look at the same value or at a part of it. */
type Holds = { readonly as: 'one' | 'many' | 'named'; readonly isSame: boolean }

const same = (as: Holds['as']): Holds => ({ as, isSame: true })
const part = (as: Holds['as']): Holds => ({ as, isSame: false })

const keywords: ReadonlyMap<string, Holds> = new Map([
  ...['not', 'if', 'then', 'else'].map((keyword) => [keyword, same('one')] as const),
  ...['allOf', 'anyOf', 'oneOf'].map((keyword) => [keyword, same('many')] as const),
  ...['dependentSchemas', 'dependencies'].map((keyword) => [keyword, same('named')] as const),
  ...['additionalItems', 'contains', 'propertyNames', 'additionalProperties'].map(
    (keyword) => [keyword, part('one')] as const,
  ),
  ...['unevaluatedItems', 'unevaluatedProperties'].map((keyword) => [keyword, part('one')] as const),
  ...['items', 'prefixItems'].map((keyword) => [keyword, part('many')] as const),
  ...['properties', 'patternProperties', '$defs', 'definitions'].map((keyword) => [keyword, part('named')] as const),
])

export const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The schemas right within another one. */
export function placesIn({ pointer, schema }: Place): readonly (Place & { readonly keyword: string })[] {
  return Object.entries(schema).flatMap(([keyword, value]) =>
    heldBy(keyword, value).map(([name, held]) => ({
      keyword,
      pointer: [pointer, keyword, ...(name === undefined ? [] : [escaped(name)])].join('/'),
      schema: held,
    })),
  )
}

/** Whether the schemas of a keyword look at the same value as the schema that they stand in. */
export const isSameValue = (keyword: string): boolean => keywords.get(keyword)?.isSame ?? false

/** A copy, in which something was made of each schema that stands right within. */
export function withPlaces(schema: Schema, change: (inner: Schema) => Schema): Schema {
  return Object.fromEntries(
    Object.entries(schema).map(([keyword, value]) => {
      const changed = new Map(heldBy(keyword, value).map(([, inner]) => [inner, change(inner)]))
      const changedOf = (one: unknown) => (isSchema(one) ? (changed.get(one) ?? one) : one)
      if (changed.size === 0) return [keyword, value]
      if (Array.isArray(value)) return [keyword, value.map(changedOf)]
      if (keywords.get(keyword)?.as !== 'named' || !isSchema(value)) return [keyword, changedOf(value)]
      return [keyword, Object.fromEntries(Object.entries(value).map(([name, one]) => [name, changedOf(one)]))]
    }),
  )
}

function heldBy(keyword: string, value: unknown): readonly (readonly [name: string | undefined, schema: Schema])[] {
  const holds = keywords.get(keyword)
  if (!holds) return []
  // Draft 7 has lists of schemas where later drafts have one.
  if (Array.isArray(value)) return value.flatMap((one, i) => (isSchema(one) ? [[String(i), one] as const] : []))
  if (!isSchema(value)) return []
  if (holds.as !== 'named') return [[undefined, value]]
  return Object.entries(value).flatMap(([name, one]) => (isSchema(one) ? [[name, one] as const] : []))
}

/** In a JSON pointer, `/` is written `~1` and `~` is `~0`. */
const escaped = (part: string) => part.replaceAll('~', '~0').replaceAll('/', '~1')
