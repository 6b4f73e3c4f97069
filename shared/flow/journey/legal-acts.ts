import type { Body, Json } from '../../events.ts'
import { bytesOf } from '../hub-state.ts'
import { sizeOf } from '../value-size.ts'
import { findNoRoom } from './room.ts'
import { hasEnded, type JourneyState } from './state.ts'

export type Command = Omit<Body<'REMEDIATION_COMMAND'>, 'type'>
export type Act = Command['act']

/** As the job that is told takes it. */
const REFUSAL_CHARS_MAX = 1_024

/** What a person may decide about a journey as it is now. */
export function legalActs({ phase, remediation }: Pick<JourneyState, 'phase' | 'remediation'>): readonly Act[] {
  switch (phase) {
    case 'running':
      return ['compensate', 'cancel']
    case 'remediation':
      // What is being taken back already cannot be so again.
      return remediation?.cause === 'compensation'
        ? ['retry', 'skip', 'cancel']
        : ['retry', 'skip', 'compensate', 'cancel']
    case 'waiting':
    case 'compensating':
      return ['cancel']
    case 'ended':
      return []
  }
}

/** Why a decision cannot be carried out, in a sentence; undefined when it can. */
export const findRefusal = (state: JourneyState, command: Command): string | undefined =>
  (
    findNotNow(state, command) ??
    findWrongStep(state, command) ??
    findUnsure(state, command) ??
    findTooLarge(state, command)
  )?.slice(0, REFUSAL_CHARS_MAX)

function findNotNow(state: JourneyState, { act, revision }: Command): string | undefined {
  const { id, status, phase, endedMs = state.createdMs } = state
  if (hasEnded(state))
    return `The journey ${id} ended ${status} at ${new Date(endedMs).toISOString()}, and nothing was changed.`
  if (revision !== undefined && revision !== state.revision)
    return `The journey ${id} has changed since revision ${revision}: it is at ${state.revision} now, and nothing was done. Look at it again.`
  const legal = legalActs(state)
  if (legal.includes(act)) return undefined
  return `The journey ${id} is ${status} (${phase}): ${act} is not possible now, only ${legal.join(', ')}.`
}

/** Steps that `retry` and `skip` may be about; none when it is the journey's own output that is missing. */
export const targetsOf = ({ remediation, toUndo, failed }: Omit<JourneyState, 'steps'>): readonly string[] =>
  remediation?.cause === 'compensation' ? toUndo.slice(0, 1) : failed

function findWrongStep(state: JourneyState, { act, step, input }: Command): string | undefined {
  if (act !== 'retry' && act !== 'skip') return undefined
  const targets = targetsOf(state)
  if (step !== undefined && !targets.includes(step))
    return `The step ${step} has not failed: ${act} is about ${targets.join(', ') || 'the output of the journey, and no step'}.`
  if (step === undefined && targets.length > 1 && (act === 'skip' || input !== undefined))
    return `Several steps have failed: name one of ${targets.join(', ')}.`
  if (targets.length === 0 && input !== undefined) return 'No step has failed that another input could be for.'
  return undefined
}

/** Another input is another thing to do, with another key: the first one would be there beside it, and nobody would take it back. */
function findUnsure(state: JourneyState, { act, step: named, input }: Command): string | undefined {
  if (act !== 'retry' || input === undefined) return undefined
  const name = named ?? targetsOf(state)[0]
  const step = state.steps.find((one) => one.name === name)
  const isUndoing = state.remediation?.cause === 'compensation'
  if (!(isUndoing ? step?.undo : step)?.isUnsure) return undefined
  const [what, others] = isUndoing ? [`Taking back ${name}`, ''] : [`The step ${name}`, ', compensate it']
  return `${what} may have been carried out with the input it had, and another input would do it twice: retry it as it was${others}, or skip it.`
}

function findTooLarge(state: JourneyState, { act, input, output }: Command): string | undefined {
  const [name, value]: [string, Json | undefined] = act === 'retry' ? ['input', input] : ['output', output]
  if (value === undefined || (act !== 'retry' && act !== 'skip')) return undefined
  return findNoRoom(name, sizeOf(value), bytesOf(state))
}
