import type { ASTNode } from '@marcbachmann/cel-js'
import { CelError } from './cel-error.ts'
import type { Language } from './language.ts'
import { Patterns } from './pattern.ts'
import type { Step } from './place.ts'
import { compileNode } from './steps.ts'
import { parseExpression, typeOf } from './syntax.ts'

/**
 * CEL, the Common Expression Language (https://cel.dev), as ebs has it: no clock, no input or output; bounded in time, whatever the
 * expression and the values are.
 */

export type Compiled = {
  readonly ast: ASTNode
  /** Run it with a frame of its own each time (`newFrame`). */
  readonly step: Step
  /** Names of the language that it looks at. */
  readonly touches: ReadonlySet<string>
  /** What it matches text with. */
  readonly patterns: Patterns
  /** What it gives: `bool`, `string`..., or `dyn` when that depends on what it looks at. */
  readonly type: string
}

/** Makes an expression ready for use. Throws CelError with the place and a message that a person can act on. */
export function compileCel(text: string, language: Language): Compiled {
  const { charsMax, noun } = language
  if (text.length > charsMax)
    throw new CelError(noun, `it has ${text.length} characters, at most ${charsMax} are taken`, charsMax)
  const ast = parseExpression(text, language)
  const touched = new Set<string>()
  const patterns = new Patterns()
  const step = compileNode(ast, { language, element: undefined, touched, patterns, watched: undefined })
  return { ast, step, touches: touched, patterns, type: typeOf(text, ast, language) }
}
