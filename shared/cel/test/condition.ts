import { compileCel } from '../compiler.ts'
import type { Language } from '../language.ts'
import { newFrame } from '../values.ts'

export type Scope = {
  readonly event: Readonly<Record<string, unknown>>
  readonly tenant: string
  readonly type: string
  readonly key: string
  readonly queue: string
  readonly headers: Readonly<Record<string, unknown>>
  readonly bytes?: number
}

/** Names of every sort that a language may have. */
const language: Language = {
  noun: 'condition',
  one: 'a condition',
  many: 'conditions',
  names: new Map([
    ['event', 'dyn'],
    ['tenant', 'string'],
    ['type', 'string'],
    ['key', 'string'],
    ['queue', 'string'],
    ['headers', 'dyn'],
  ]),
  scalarFieldsOf: 'headers',
  examples: { field: 'event.task', list: 'event.list' },
  charsMax: 4_096,
  whenTooLarge: 'split it',
  mixedChoices: false,
}

/** An expression that is true or false; one that is neither is unclear. */
export function compileCondition(text: string) {
  const { step } = compileCel(text, language)
  return {
    test(scope: Scope): 'match' | 'no' | 'unclear' {
      const found = step(newFrame(scope, scope.bytes))
      if (found === true) return 'match'
      return found === false ? 'no' : 'unclear'
    },
  }
}
