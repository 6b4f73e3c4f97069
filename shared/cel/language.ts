/**
 * What the expressions of one kind are called, what they see, and how large they may be. Filters of sideline rules are one kind, the
 * conditions and inputs of journeys another; what they can do is the same.
 */
export type Language = {
  /** `filter`, `a filter` and `filters`: for the messages about mistakes. */
  readonly noun: string
  readonly one: string
  readonly many: string
  /** The names that an expression sees, and whether each is always text. */
  readonly names: ReadonlyMap<string, 'dyn' | 'string'>
  /** The name whose fields are only seen when they are text, numbers or booleans. */
  readonly scalarFieldsOf?: string
  /** How people would write a field, and a list of this language. */
  readonly examples: { readonly field: string; readonly list: string }
  readonly charsMax: number
  /** What to do about an expression that is too large. */
  readonly whenTooLarge: string
  /** Whether `c ? 1 : "none"` is taken. CEL refuses it; whoever makes JSON needs it. */
  readonly mixedChoices: boolean
}

/** What a language sees, for a message. */
export const namesOf = ({ names }: Language): string => listed([...names.keys()])

/** `a, b and c`. */
export const listed = (words: readonly string[]): string =>
  [words.slice(0, -1).join(', '), ...words.slice(-1)].filter((part) => part !== '').join(' and ')
