import type { ASTNode } from '@marcbachmann/cel-js'
import type { Compiled } from './compiler.ts'
import type { Language } from './language.ts'
import { isMacro } from './macros.ts'
import type { Step } from './place.ts'
import { compileNode } from './steps.ts'
import { partsOf, sourceOf } from './syntax-tree.ts'
import { ELEMENTS_MAX, type Frame, isMap, type Names, newFrame, STEPS_MAX, UNCLEAR } from './values.ts'

/** A part of an expression, and what is wrong with it: goes on behind its name. */
type Blame = { readonly part: ASTNode; readonly reason: string }
type Values = ReadonlyMap<ASTNode, unknown>

/** Parts of a message are cut to so many characters. */
const SOURCE_CHARS_MAX = 200

/** What is said of an expression that cannot be evaluated is found by running it again, with each of its parts watched. */
export function explainUnclear(
  { ast, patterns }: Pick<Compiled, 'ast' | 'patterns'>,
  language: Language,
  scope: Names,
): string {
  const values = new Map<ASTNode, unknown>()
  let blame: Blame | undefined
  const watched = (node: ASTNode, step: Step): Step => {
    return (frame) => {
      const before = blame
      const value = step(frame)
      values.set(node, value)
      // The innermost part is unclear first. What is clear in spite of its parts, as `unclear || true`, clears them.
      if (value !== UNCLEAR) blame = before
      else blame ??= blameFor(node, frame, values)
      return value
    }
  }
  const step = compileNode(ast, { language, element: undefined, touched: new Set(), patterns, watched })
  step(newFrame(scope))
  return blame ? `\`${shortSource(sourceOf(blame.part))}\` ${blame.reason}` : 'it cannot be evaluated'
}

export const shortSource = (text: string) =>
  text.length > SOURCE_CHARS_MAX ? `${text.slice(0, SOURCE_CHARS_MAX)}...` : text

function blameFor(node: ASTNode, frame: Frame, values: Values): Blame {
  if (frame.steps < 0) return { part: node, reason: `takes longer than the ${STEPS_MAX} steps that there are` }
  switch (node.op) {
    case 'id':
      return { part: node, reason: 'is missing' }
    case '.':
    case '[]':
      return { part: node, reason: whyMissing(node.args[0], values) }
    case '?:':
    case '!_':
    case '&&':
    case '||':
      return blameForCondition(node, values)
    case 'map':
      return { part: node, reason: 'has a key that is no text' }
    default:
      return { part: node, reason: whyImpossible(node, values) }
  }
}

function whyMissing(owner: ASTNode, values: Values): string {
  const value = values.get(owner)
  const holds = isMap(value) || Array.isArray(value)
  return holds ? 'is missing' : `is missing: \`${shortSource(sourceOf(owner))}\` is ${kindOf(value)}`
}

function blameForCondition(node: ASTNode, values: Values): Blame {
  const conditions = node.op === '?:' ? partsOf(node).slice(0, 1) : partsOf(node)
  const wrong = conditions.find((part) => values.has(part) && typeof values.get(part) !== 'boolean') ?? node
  return { part: wrong, reason: `is ${kindOf(values.get(wrong))}, not true or false` }
}

function whyImpossible(node: ASTNode, values: Values): string {
  const given = partsOf(node).flatMap((part) => (values.has(part) ? [values.get(part)] : []))
  if (node.op === 'rcall' && isMacro(node.args[0])) return whyUncountable(given[0])
  if ((node.op === '/' || node.op === '%') && (given[1] === 0 || given[1] === 0n)) return 'divides by zero'
  if (given.every((value) => typeof value === 'bigint')) return 'is more than 64 bits can hold'
  return `cannot be worked out of ${given.map(kindOf).join(' and ')}`
}

function whyUncountable(value: unknown): string {
  if (!Array.isArray(value) && !isMap(value)) return `goes through a list or a map, not through ${kindOf(value)}`
  const size = Array.isArray(value) ? value.length : Object.keys(value).length
  return size > ELEMENTS_MAX
    ? `goes through ${size} elements, at most ${ELEMENTS_MAX} are taken`
    : 'has a condition that is not true or false'
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (value instanceof Date) return 'a moment'
  return kinds.get(typeof value) ?? 'a map'
}
const kinds: ReadonlyMap<string, string> = new Map([
  ['string', 'text'],
  ['number', 'a number'],
  ['bigint', 'a number'],
  ['boolean', 'true or false'],
])
