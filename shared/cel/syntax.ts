import { type ASTNode, Environment } from '@marcbachmann/cel-js'
import { CelError } from './cel-error.ts'
import { type Language, listed, namesOf } from './language.ts'
import { type Edited, withoutChoices } from './widening.ts'

/** Parts of an expression at most; deeper nesting or more alternatives are programs. */
const NODES_MAX = 1_000
const DEPTH_MAX = 64

/** CEL has a type of this name, which only a binding hides. */
const HIDDEN = 'type'
const binding = (known: string) => `cel.bind(${HIDDEN}, ${known}, (\n`

const environments = new WeakMap<Language, Environment>()

function environmentOf(language: Language): Environment {
  const before = environments.get(language)
  if (before) return before
  const environment = newEnvironment(language)
  environments.set(language, environment)
  return environment
}

function newEnvironment({ names }: Language): Environment {
  const environment = new Environment({
    homogeneousAggregateLiterals: false,
    limits: { maxAstNodes: NODES_MAX, maxDepth: DEPTH_MAX, maxListElements: NODES_MAX },
  })
  for (const [name, type] of names) if (name !== HIDDEN) environment.registerVariable(name, type)
  // CEL keeps whole numbers and doubles apart; those of a message are doubles, and people write `event.n % 2 == 0`. Only for the check of
  // types: `arithmetic.ts` says what it gives.
  for (const types of ['double + int', 'double - int', 'double * int', 'double / int', 'double % int'])
    for (const mixed of [types, types.split(' ').reverse().join(' ')])
      environment.registerOperator(`${mixed}: double`, Number)
  environment.registerOperator('double % double: double', Number)
  environment.registerOperator('int == double: bool', Object.is)
  return environment
}

/** The syntax tree of an expression. Throws CelError. */
export function parseExpression(text: string, language: Language): ASTNode {
  try {
    return environmentOf(language).parse(text).ast
  } catch (error) {
    throw explained(error, language, (position) => position)
  }
}

/**
 * The type of what an expression gives, such as `bool`, or `dyn` when that depends on what it looks at. Throws CelError for what can
 * never work.
 */
export function typeOf(text: string, ast: ASTNode, language: Language): string {
  const edited: Edited = language.mixedChoices ? withoutChoices(text, ast) : { text, originOf: (position) => position }
  const hiding = hidingOf(language)
  const { type, error } = environmentOf(language).check(hiding ? `${hiding}${edited.text}\n))` : edited.text)
  if (type === undefined)
    throw explained(error, language, (position) => edited.originOf(Math.max(0, position - hiding.length)))
  return type
}

/** Any name that is text will do for the type of `type`. */
function hidingOf({ names }: Language): string {
  const [text] = [...names].find(([name, type]) => type === 'string' && name !== HIDDEN) ?? []
  return names.has(HIDDEN) && text !== undefined ? binding(text) : ''
}

/** What the library's codes mean to somebody who writes an expression. */
const hints: ReadonlyMap<string, (language: Language) => string> = new Map([
  ['unexpected_character', () => 'text stands in quotes, and equal is =='],
  ['unknown_variable', (language: Language) => `${language.one} sees ${namesOf(language)}; text stands in quotes`],
  ['no_such_overload', (language: Language) => `${textsIn(language)} are text, and text stands in quotes`],
  ['limit_exceeded', ({ one, whenTooLarge }: Language) => `that is more than ${one} may have; ${whenTooLarge}`],
])

const textsIn = ({ names }: Language) => listed([...names].flatMap(([name, type]) => (type === 'string' ? [name] : [])))

function explained(error: unknown, language: Language, originOf: (position: number) => number): CelError {
  const { summary, code, position } = faultOf(error)
  const hint = hints.get(code)?.(language)
  return new CelError(language.noun, hint ? `${summary} (${hint})` : summary, originOf(position))
}

/** The library's errors show an excerpt of several lines in their message, and say the same shortly in `summary`. */
function faultOf(error: unknown): { summary: string; code: string; position: number } {
  if (!(error instanceof Error)) return { summary: String(error), code: '', position: 0 }
  const summary = 'summary' in error && typeof error.summary === 'string' ? error.summary : error.message
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  const range = 'range' in error && typeof error.range === 'object' ? error.range : undefined
  const position = range && 'start' in range && typeof range.start === 'number' ? range.start : 0
  return { summary, code, position }
}
