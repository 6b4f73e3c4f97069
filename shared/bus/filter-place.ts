import type { ASTNode } from '@marcbachmann/cel-js'
import type { Frame, Scope } from './filter-values.ts'

/** One node of a filter, ready to run. Gives a value or UNCLEAR; never throws. */
export type Step = (frame: Frame) => unknown

export type ScopeName = keyof Scope
export const scopeNames: readonly ScopeName[] = ['event', 'tenant', 'type', 'key', 'queue', 'headers']
export const isScopeName = (name: string): name is ScopeName => scopeNames.some((known) => known === name)

/** Where a node stands. */
export type Place = {
  /** Inside a macro: what it calls the element that it has come to. */
  readonly element: string | undefined
  /** Names of the scope that were met so far. */
  readonly touched: Set<ScopeName>
}

export type Compile = (node: ASTNode, place: Place) => Step
