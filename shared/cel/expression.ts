import type { ASTNode } from '@marcbachmann/cel-js'
import { CelError } from './cel-error.ts'
import { compileCel } from './compiler.ts'
import { explainUnclear, shortSource } from './fault.ts'
import { type JsonLimits, type JsonOutcome, toJson } from './json-value.ts'
import type { Language } from './language.ts'
import { type Names, newFrame, UNCLEAR } from './values.ts'

/** An expression that gives JSON, ready to be evaluated. */
export type JsonExpression = {
  readonly text: string
  readonly ast: ASTNode
  /** Instructions of all patterns that it matches text with. */
  readonly patternsSize: number
  /** Never throws. The fault names the expression, and the smallest part of it that is at fault. */
  evaluate(scope: Names): JsonOutcome
}

export type ExpressionOptions = {
  /** What it is for, such as `input`: faults begin with it. */
  readonly label: string
  /** `bool`: anything but true and false is a fault. */
  readonly gives: 'json' | 'bool'
  readonly limits: JsonLimits
}

/** Makes an expression ready for use. Throws CelError with the place and a message that a person can act on. */
export function compileExpression(
  text: string,
  language: Language,
  { label, gives, limits }: ExpressionOptions,
): JsonExpression {
  const compiled = compileCel(text, language)
  const { ast, step, type } = compiled
  if (gives === 'bool' && type !== 'bool' && type !== 'dyn')
    throw new CelError(language.noun, `it gives ${type}, and \`${label}\` is true or false`, 0)
  const named = `${label} \`${shortSource(text)}\`:`
  return {
    text,
    ast,
    patternsSize: compiled.patterns.size,
    evaluate(scope) {
      const found = step(newFrame(scope))
      if (found === UNCLEAR) return { fault: `${named} ${explainUnclear(compiled, language, scope)}` }
      if (gives === 'bool' && typeof found !== 'boolean') return { fault: `${named} it is not true or false` }
      const outcome = toJson(found, limits)
      return 'fault' in outcome ? { fault: `${named} it ${outcome.fault}` } : outcome
    },
  }
}
