import type { ASTNode } from '@marcbachmann/cel-js'
import { partsOf } from './syntax-tree.ts'

/** A text that was changed for the check of types, and where its characters stood before. */
export type Edited = { readonly text: string; readonly originOf: (position: number) => number }

type Insertion = { readonly at: number; readonly text: string }

/**
 * With what each `? :` gives when true as `dyn(...)`: CEL wants both sides to be of one type, and whoever makes JSON writes
 * `has(payload.note) ? payload.note : null`.
 */
export function withoutChoices(text: string, ast: ASTNode): Edited {
  const insertions = insertionsOf(text, ast).toSorted((a, b) => a.at - b.at)
  if (insertions.length === 0) return { text, originOf: (position) => position }
  let edited = ''
  let from = 0
  for (const insertion of insertions) {
    edited += text.slice(from, insertion.at) + insertion.text
    from = insertion.at
  }
  return { text: edited + text.slice(from), originOf: (position) => originOf(position, insertions) }
}

function insertionsOf(text: string, node: ASTNode): readonly Insertion[] {
  const inside = partsOf(node).flatMap((part) => insertionsOf(text, part))
  if (node.op !== '?:') return inside
  const [condition, yes, no] = node.args
  const [mark, colon] = [indexBetween(text, '?', condition, yes), indexBetween(text, ':', yes, no)]
  return [{ at: mark + 1, text: ' dyn(' }, ...inside, { at: colon, text: ') ' }]
}

/** Between two parts of a choice stand parentheses, blanks, the mark, and remarks that may hold anything. */
function indexBetween(text: string, mark: string, before: ASTNode, behind: ASTNode): number {
  const between = text.slice(before.end, behind.start).replace(/\/\/[^\n]*/g, (remark) => ' '.repeat(remark.length))
  return before.end + between.indexOf(mark)
}

function originOf(position: number, insertions: readonly Insertion[]): number {
  let shift = 0
  for (const { at, text } of insertions) {
    if (position < at + shift + text.length) return position < at + shift ? position - shift : at
    shift += text.length
  }
  return position - shift
}
