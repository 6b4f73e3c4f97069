import type { Definition, Step } from '../../shared/flow/journey/definition.ts'
import { durationText } from '../../shared/flow/journey/durations.ts'
import { type RegisteredDefinition, readRegistered } from './definition.ts'
import { drawGraph } from './graph-drawing.ts'
import { detailOf, indentedSheet, titled } from './showing.ts'
import { type Column, type Sheet, tableOf } from './table.ts'

/** A definition: what it is, its steps as a graph, and how each of them is done. */
export function definitionText(registered: RegisteredDefinition, sheet: Sheet): string {
  const { document: _, steps: _names, ...head } = registered
  const definition = readRegistered(registered)
  const { deadlineMs, onFailure, output } = definition
  const also = { deadline: durationText(deadlineMs), onFailure, output: output?.text }
  return [
    detailOf({ ...head, ...also }, sheet),
    titled('steps', stepsText(definition, indentedSheet(sheet)), sheet),
  ].join('\n\n')
}

function stepsText({ steps }: Definition, sheet: Sheet): string {
  const graph = drawGraph(
    steps.map(({ name, after, when }) => ({ name, after, mark: when ? '◇' : '○', note: when && '(when)' })),
    sheet,
  )
  return `${graph}\n\n${tableOf(columns, steps, sheet)}`
}

const columns: readonly Column<Step>[] = [
  { head: 'STEP', of: ({ name }) => name },
  { head: 'ACTIVITY', of: ({ activity }) => activity },
  { head: 'TIMEOUT', of: ({ timeoutMs }) => durationText(timeoutMs), isNumber: true },
  { head: 'RETRIES', of: ({ retry }) => retry.retries, isNumber: true },
  { head: 'UNDONE BY', of: ({ compensate }) => compensate?.activity },
  { head: 'AFTER', of: ({ after }) => after.join(', '), isMinor: true },
  { head: 'WHEN', of: ({ when }) => when?.text },
  { head: 'INPUT', of: ({ input }) => input?.text, isMinor: true },
]
