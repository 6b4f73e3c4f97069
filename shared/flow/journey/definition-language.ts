import { compileExpression, type JsonExpression } from '../../cel/expression.ts'
import type { Language } from '../../cel/language.ts'
import { VALUE_BYTES_MAX } from '../hub-state.ts'
import { VALUE_DEPTH_MAX } from '../value-size.ts'
import { EXPRESSION_CHARS_MAX } from './definition-document.ts'

/** What the expressions of a definition see (`ExpressionScope`). */

const stepNames: readonly (readonly [string, 'dyn' | 'string'])[] = [
  ['payload', 'dyn'],
  ['tenant', 'string'],
  ['sagaId', 'string'],
  ['key', 'string'],
  ['outputs', 'dyn'],
]

const language = {
  noun: 'expression',
  one: 'an expression',
  many: 'expressions',
  examples: { field: 'payload.note', list: 'payload.items' },
  charsMax: EXPRESSION_CHARS_MAX,
  whenTooLarge: 'have an activity work it out',
  mixedChoices: true,
}

/** Conditions and inputs of steps, and the output of a journey. */
export const stepLanguage: Language = { ...language, names: new Map(stepNames) }

/** Inputs of compensations, which see what they take back. */
export const undoLanguage: Language = {
  ...language,
  names: new Map([...stepNames, ['input', 'dyn'], ['output', 'dyn']]),
}

const limits = { bytesMax: VALUE_BYTES_MAX, depthMax: VALUE_DEPTH_MAX }

/** Throws CelError. */
export const compileCondition = (text: string): JsonExpression =>
  compileExpression(text, stepLanguage, { label: 'when', gives: 'bool', limits })

/** What is called `input` or `output` of something. Throws CelError. */
export const compileValue = (text: string, label: 'input' | 'output', of: Language = stepLanguage): JsonExpression =>
  compileExpression(text, of, { label, gives: 'json', limits })
