import type { Definition } from '../definition.ts'
import { readDefinition } from '../definition-check.ts'

export type Fields = Readonly<Record<string, unknown>>

/** A document of one step, `a`, but for what is given. */
export const documentOf = (activities: Fields = { a: { activity: 'a' } }, others: Fields = {}) => ({
  type: 'order',
  version: 1,
  deadline: '10m',
  activities,
  ...others,
})

export function definitionOf(document: unknown): Definition {
  const read = readDefinition(document)
  if (!read.ok) throw new Error(read.faults.join('\n'))
  return read.definition
}
export function faultsOf(document: unknown): readonly string[] {
  const read = readDefinition(document)
  return read.ok ? [] : read.faults
}
export function warningsOf(document: unknown): readonly string[] {
  const read = readDefinition(document)
  if (!read.ok) throw new Error(read.faults.join('\n'))
  return read.warnings
}
export const stepOf = (document: unknown, name: string) => {
  const step = definitionOf(document).steps.find((one) => one.name === name)
  if (!step) throw new Error(`there is no ${name}`)
  return step
}
/** A step that says nothing but what is to be done. */
export const a = { activity: 'a' }
