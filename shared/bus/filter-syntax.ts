import { type ASTNode, Environment } from '@marcbachmann/cel-js'
import { FilterError } from './filter-error.ts'

/** Parts of a filter at most; deeper nesting or more alternatives are programs. */
const NODES_MAX = 1_000
const DEPTH_MAX = 64

/** `type` is missing: CEL has a type of that name, which only a binding hides. */
const language = new Environment({
  homogeneousAggregateLiterals: false,
  limits: { maxAstNodes: NODES_MAX, maxDepth: DEPTH_MAX, maxListElements: NODES_MAX },
})
  .registerVariable('event', 'dyn')
  .registerVariable('headers', 'dyn')
  .registerVariable('tenant', 'string')
  .registerVariable('key', 'string')
  .registerVariable('queue', 'string')

// CEL keeps whole numbers and doubles apart; those of a message are doubles, and people write `event.n % 2 == 0`. Only for the check of
// types: `filter-arithmetic.ts` says what it gives.
for (const types of ['double + int', 'double - int', 'double * int', 'double / int', 'double % int'])
  for (const mixed of [types, types.split(' ').reverse().join(' ')])
    language.registerOperator(`${mixed}: double`, Number)
language.registerOperator('double % double: double', Number)
language.registerOperator('int == double: bool', Object.is)

/** The syntax tree of a filter. Throws FilterError. */
export function parseFilter(text: string): ASTNode {
  try {
    return language.parse(text).ast
  } catch (error) {
    throw explained(error, 0)
  }
}

const BINDING = 'cel.bind(type, key, (\n'

/** The type of what a filter gives, such as `bool`, or `dyn` when that depends on the message. Throws FilterError for what can never work. */
export function typeOfFilter(text: string): string {
  const { type, error } = language.check(`${BINDING}${text}\n))`)
  if (type === undefined) throw explained(error, BINDING.length)
  return type
}

/** What the library's codes mean to somebody who writes a filter. */
const hints: Readonly<Record<string, string>> = {
  unexpected_character: 'text stands in quotes, and equal is ==',
  unknown_variable: 'a filter sees event, tenant, type, key, queue and headers; text stands in quotes',
  no_such_overload: 'tenant, type, key and queue are text, and text stands in quotes',
  limit_exceeded: 'that is more than a filter may have; split it into several rules',
}

function explained(error: unknown, offset: number): FilterError {
  const { summary, code, position } = faultOf(error)
  const hint = hints[code]
  return new FilterError(hint ? `${summary} (${hint})` : summary, Math.max(0, position - offset))
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
