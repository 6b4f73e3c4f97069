import { type ASTNode, serialize } from '@marcbachmann/cel-js'
import { isMacro } from './macros.ts'

/** Looking at the syntax tree of an expression. */

/** The parts of a node, in the order of the text. */
export function partsOf(node: ASTNode): readonly ASTNode[] {
  switch (node.op) {
    case 'value':
    case 'id':
      return []
    case '.':
    case '.?':
      return [node.args[0]]
    case 'call':
      return node.args[1]
    case 'rcall':
      return [node.args[1], ...node.args[2]]
    case 'list':
      return node.args
    case 'map':
      return node.args.flat()
    case '!_':
    case '-_':
      return [node.args]
    default:
      return node.args
  }
}

/** As it was written; a node's range leaves out parentheses around its first and last part. */
export function sourceOf(node: ASTNode): string {
  const source = node.input.slice(node.start, node.end)
  return isBalanced(source) ? source : serialize(node)
}

function isBalanced(text: string): boolean {
  let open = 0
  for (const letter of text) {
    if (letter === '(') open++
    if (letter === ')') open--
    if (open < 0) return false
  }
  return open === 0
}

/** A field that is read from a name of the language: `outputs.charge` or `outputs["charge"]`. */
export type FieldRead = {
  readonly field: string
  readonly position: number
  /** The expression asks `has(outputs.charge)`: it is ready for its absence. */
  readonly isAsked: boolean
}

/** The fields that are read from a name, as far as they stand in the text. An element that a macro calls by the same name is another. */
export function fieldsRead(node: ASTNode, name: string): readonly FieldRead[] {
  const reads = readsIn(node, name)
  const asked = new Set(reads.flatMap(({ field, isAsked }) => (isAsked ? [field] : [])))
  return reads.map((read) => ({ ...read, isAsked: asked.has(read.field) }))
}

function readsIn(node: ASTNode, name: string): readonly FieldRead[] {
  const own = fieldRead(node, name)
  if (own) return [own]
  if (node.op === 'call' && node.args[0] === 'has') {
    const [field] = node.args[1]
    const asked = field && fieldRead(field, name)
    // has(outputs.charge.id) asks for the id, and reads the charge.
    if (asked) return [{ ...asked, isAsked: true }]
  }
  const isHidden = node.op === 'rcall' && isMacro(node.args[0]) && isName(node.args[2][0], name)
  const parts = isHidden ? [node.args[1]] : partsOf(node)
  return parts.flatMap((part) => readsIn(part, name))
}

function fieldRead(node: ASTNode, name: string): FieldRead | undefined {
  if (node.op === '.' && isName(node.args[0], name)) return readAt(node, node.args[1])
  if (node.op !== '[]' || !isName(node.args[0], name)) return undefined
  const [, key] = node.args
  return key.op === 'value' && typeof key.args === 'string' ? readAt(node, key.args) : undefined
}

const readAt = ({ start }: ASTNode, field: string): FieldRead => ({ field, position: start, isAsked: false })

const isName = (node: ASTNode | undefined, name: string) => node?.op === 'id' && node.args === name
