/** An activity that a journey asks for: that of a step, or the one that takes the step back. */
export type CallName = { readonly step: string; readonly isUndo: boolean }

const UNDO = ':undo'

export const stepCall = (step: string): CallName => ({ step, isUndo: false })
export const undoCall = (step: string): CallName => ({ step, isUndo: true })

/** The id by which an answer names a call: `<saga id>:<step>`, with `:undo` behind it for what takes the step back. */
export const callIdOf = (sagaId: string, { step, isUndo }: CallName) => `${sagaId}:${step}${isUndo ? UNDO : ''}`

/** The journey and the call that an id names; undefined when it is no id of a journey's call. Neither saga ids nor steps have colons. */
export function splitCallId(callId: string): ({ readonly sagaId: string } & CallName) | undefined {
  const [, sagaId, step, undo] = /^([^:]+):([^:]+)(:undo)?$/.exec(callId) ?? []
  return sagaId === undefined || step === undefined ? undefined : { sagaId, step, isUndo: undo !== undefined }
}

/** Name of the timer that ends an attempt or a back-off. */
export const timerOf = ({ step, isUndo }: CallName) => `${isUndo ? 'undo' : 'step'}:${step}`

export function callOfTimer(timer: string): CallName | undefined {
  const [, kind, step] = /^(step|undo):(.+)$/.exec(timer) ?? []
  return step === undefined ? undefined : { step, isUndo: kind === 'undo' }
}

/** Name of the timer of the whole journey. */
export const DEADLINE = 'deadline'
