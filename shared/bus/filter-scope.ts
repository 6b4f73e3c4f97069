import type { Language } from '../cel/language.ts'
import { FILTER_CHARS_MAX } from '../operation-events.ts'

/** What a filter looks at. */
export type Scope = {
  /** The body, with its `type`. */
  readonly event: Readonly<Record<string, unknown>>
  readonly tenant: string | undefined
  readonly type: string
  /** The routing key under which it was first published. */
  readonly key: string
  /** The work queue. */
  readonly queue: string
  /** Those that are text, numbers or booleans; a filter does not see the others. */
  readonly headers: Readonly<Record<string, unknown>>
  /** Bytes of the message's body. Unknown is taken for few. */
  readonly bytes?: number
}

export type ScopeName = Exclude<keyof Scope, 'bytes'>

const names = new Map<ScopeName, 'dyn' | 'string'>([
  ['event', 'dyn'],
  ['tenant', 'string'],
  ['type', 'string'],
  ['key', 'string'],
  ['queue', 'string'],
  ['headers', 'dyn'],
])

/** Which of the names these are. */
export const scopeNamesIn = (touched: ReadonlySet<string>): ReadonlySet<ScopeName> =>
  new Set([...names.keys()].filter((name) => touched.has(name)))

export const filterLanguage: Language = {
  noun: 'filter',
  one: 'a filter',
  many: 'filters',
  names,
  scalarFieldsOf: 'headers',
  examples: { field: 'event.task', list: 'event.list' },
  charsMax: FILTER_CHARS_MAX,
  whenTooLarge: 'split it into several rules',
  mixedChoices: false,
}
