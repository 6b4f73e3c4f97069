import type { ASTNode } from '@marcbachmann/cel-js'
import type { Language } from './language.ts'
import type { Patterns } from './pattern.ts'
import type { Frame } from './values.ts'

/** One node of an expression, ready to run. Gives a value or UNCLEAR; never throws. */
export type Step = (frame: Frame) => unknown

/** Where a node stands. */
export type Place = {
  readonly language: Language
  /** Inside a macro: what it calls the element that it has come to. */
  readonly element: string | undefined
  /** Names of the scope that were met so far. */
  readonly touched: Set<string>
  readonly patterns: Patterns
  /** Watches each node run; only to find out what is at fault, since it makes all of it slower. */
  readonly watched: ((node: ASTNode, step: Step) => Step) | undefined
}

export type Compile = (node: ASTNode, place: Place) => Step
