import type { Json } from '../../events.ts'
import { VALUE_BYTES_MAX } from '../hub-state.ts'
import { findTooMuch, sizeOf, VALUE_DEPTH_MAX } from '../value-size.ts'
import type { CallName } from './call-names.ts'
import type { Asked, Definition, Expression, ExpressionScope, Step } from './definition.ts'
import type { JourneyDraft } from './draft.ts'
import { type Call, isGiven, type JourneyStep } from './state.ts'

/** A value, or why there is none. */
export type Made = { readonly value: Json } | { readonly fault: string }

/** Whether a step is to run. */
export function whetherToRun(
  draft: JourneyDraft,
  step: Step,
): { readonly value: boolean } | { readonly fault: string } {
  if (!step.when) return { value: true }
  const made = evaluate(draft, step.when)
  if ('fault' in made) return made
  const { value } = made
  return typeof value === 'boolean'
    ? { value }
    : {
        fault: `when of ${step.name}: ${step.when.text} gave ${JSON.stringify(value).slice(0, SHOWN_CHARS_MAX)}, expected true or false`,
      }
}

const SHOWN_CHARS_MAX = 60

/** What a call is asked with. What an expression makes of it is checked, and for a step room is made to keep it. */
export function inputFor(draft: JourneyDraft, name: CallName, asked: Asked, call: Call): Made {
  if (call.input !== undefined) return { value: call.input }
  const undone = name.isUndo ? draft.step(name.step) : undefined
  const about = undone && { input: undone.input ?? draft.state.payload, output: undone.output ?? null }
  if (!asked.input) return { value: about ?? draft.state.payload }
  const what = `input of ${name.isUndo ? `what takes ${name.step} back` : name.step}`
  const made = evaluate(draft, asked.input, about)
  if ('fault' in made) return made
  const fault = name.isUndo
    ? findTooMuch(what, sizeOf(made.value), { bytesMax: VALUE_BYTES_MAX })
    : draft.findNoRoom(what, made.value)
  return fault === undefined ? made : { fault }
}

/** What the journey gives in the end. */
export function outputFor(draft: JourneyDraft): Made {
  const { definition } = draft
  const made = definition.output
    ? evaluate(draft, definition.output)
    : { value: outputsOf(lastSteps(draft, definition)) }
  if ('fault' in made) return made
  // The outputs of its steps, each of the depth that a value may have, lie one level deeper.
  const fault = draft.findNoRoom('output of the journey', made.value, VALUE_DEPTH_MAX + 1)
  return fault === undefined ? made : { fault }
}

function lastSteps(draft: JourneyDraft, { steps }: Definition): JourneyStep[] {
  const awaited = new Set(steps.flatMap(({ after }) => after))
  return steps.flatMap(({ name }) => (awaited.has(name) ? [] : (draft.step(name) ?? [])))
}

/** The fault names the expression. */
function evaluate(
  draft: JourneyDraft,
  expression: Expression,
  about: Pick<ExpressionScope, 'input' | 'output'> = {},
): Made {
  const { payload, tenant, id, key = id } = draft.state
  return expression.evaluate({ payload, tenant, sagaId: id, key, outputs: outputsOf(draft.steps), ...about })
}

const outputsOf = (steps: Iterable<JourneyStep>): Record<string, Json> =>
  Object.fromEntries([...steps].flatMap((step) => (isGiven(step) ? [[step.name, step.output ?? null]] : [])))
