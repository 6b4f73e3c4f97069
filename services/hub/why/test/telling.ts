import { expect } from 'vitest'
import { whySchema } from '../answer.ts'
import { explain } from '../explain.ts'
import type { Facts } from '../facts.ts'

/** A row of a table: facts, and what is told of them. */
export type Case = { readonly name: string; readonly facts: Facts; readonly tells: object }

/** Each answer is one that the API can give. */
export function expectTold({ facts, tells }: Case): void {
  const why = explain(facts)
  expect(whySchema.parse(why)).toEqual(why)
  expect(why).toMatchObject(tells)
}

/** Commands with these words, among others. */
export const commandsOf = (...words: readonly string[]) =>
  expect.arrayContaining(words.map((word) => expect.objectContaining({ command: expect.stringContaining(word) })))
