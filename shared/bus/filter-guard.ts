import type { ASTNode } from '@marcbachmann/cel-js'
import { textsOf } from '../cel/steps.ts'

/** A name of the scope that must have one of these values, or the filter does not match. */
export type Guard = { readonly name: GuardName; readonly values: readonly string[] }
export type GuardName = 'tenant' | 'type' | 'queue' | 'key'

/** What tells most messages apart comes first. */
const guardNames: readonly GuardName[] = ['tenant', 'key', 'type', 'queue']

/** What the filter's outermost `&&` demands by value: `tenant == "acme" && event.n > 2` is of no interest to other tenants. */
export function guardsOf(node: ASTNode): readonly Guard[] {
  const found = conjuncts(node).flatMap((part) => guardOf(part) ?? [])
  return guardNames.flatMap((name) => found.filter((guard) => guard.name === name))
}

const conjuncts = (node: ASTNode): readonly ASTNode[] =>
  node.op === '&&' ? [...conjuncts(node.args[0]), ...conjuncts(node.args[1])] : [node]

function guardOf(node: ASTNode): Guard | undefined {
  if (node.op === 'in') return toGuard(node.args[0], textsOf(node.args[1]))
  if (node.op !== '==') return undefined
  const [left, right] = node.args
  return toGuard(left, textOf(right)) ?? toGuard(right, textOf(left))
}

function toGuard(node: ASTNode, values: readonly string[] | undefined): Guard | undefined {
  const name = node.op === 'id' ? guardNames.find((known) => known === node.args) : undefined
  return name && values ? { name, values: [...new Set(values)] } : undefined
}

const textOf = (node: ASTNode) => (node.op === 'value' && typeof node.args === 'string' ? [node.args] : undefined)
