import type { Json } from '../events.ts'
import type { HubActions, Undo } from './hub.ts'
import { makeCall, type NewCall } from './hub-calls.ts'
import type { Draft } from './hub-draft.ts'
import { type Blame, fail, succeed } from './hub-end.ts'
import { CALLS_MAX, callIdOf, VALUE_BYTES_MAX } from './hub-state.ts'
import { findTooMuch, sizeOf, VALUE_DEPTH_MAX } from './value-size.ts'

/** Names of calls, as the catalogue takes them. */
const NAME_CHARS_MAX = 64
/** Before it is called, the input of an undo is shown within the call that it takes back. */
const UNDO_DEPTH_MAX = VALUE_DEPTH_MAX - 1

export type ActionsOptions = {
  readonly id: string
  readonly nowMs: number
  /** Calls that the conversation has made before. */
  readonly callsMade: number
  /** False once the deadline has passed: nobody would wait for the answer. */
  readonly mayCall: boolean
}

export type End = { readonly reply: { readonly output: Json | undefined } } | { readonly fail: Blame }

/** Collects what one function of a contract does. Its methods throw Errors that are for the contract's author to mend. */
export class Actions implements HubActions {
  readonly id: string
  readonly nowMs: number
  readonly calls: NewCall[] = []
  end: End | undefined
  readonly #options: ActionsOptions
  #isClosed = false

  constructor(options: ActionsOptions) {
    this.id = options.id
    this.nowMs = options.nowMs
    this.#options = options
  }

  call(name: string, input: Json, { undo }: { readonly undo?: Undo } = {}): string {
    this.#check('call')
    if (!this.#options.mayCall)
      throw new Error(`hub.call('${name}') in onTimeout of ${this.id}: no time is left for an answer; reply or fail.`)
    const n = this.#options.callsMade + this.calls.length + 1
    if (n > CALLS_MAX)
      throw new Error(`hub.call('${name}') of ${this.id}: a conversation makes at most ${CALLS_MAX} calls.`)
    checkCall('hub.call', { name, input })
    if (undo) checkCall('undo of hub.call', undo, UNDO_DEPTH_MAX)
    this.calls.push({ name, input, undo })
    return callIdOf(this.id, n)
  }

  reply(output?: Json): void {
    this.#check('reply')
    checkSize('hub.reply: the output', output)
    this.end = { reply: { output } }
  }

  fail(error: string, { callId }: { readonly callId?: string } = {}): void {
    this.#check('fail')
    this.end = { fail: { error, callId } }
  }

  /** The function has returned: what it does from now on would be lost. */
  close(): void {
    this.#isClosed = true
  }

  #check(method: string): void {
    if (this.end)
      throw new Error(
        `hub.${method}() after hub.${'reply' in this.end ? 'reply' : 'fail'}() of ${this.id}: a conversation ends once, and nothing follows.`,
      )
    if (this.#isClosed)
      throw new Error(
        `hub.${method}() of ${this.id} after the function has returned: do it before, without waiting for anything.`,
      )
  }
}

function checkCall(what: string, { name, input }: Undo, depthMax?: number): void {
  if (name.length === 0 || name.length > NAME_CHARS_MAX)
    throw new Error(`${what}: a name has 1 to ${NAME_CHARS_MAX} characters, got '${name.slice(0, NAME_CHARS_MAX)}'.`)
  if (input === undefined) throw new Error(`${what}('${name}'): the input is missing; null is one.`)
  checkSize(`${what}('${name}'): the input`, input, depthMax)
}

function checkSize(what: string, value: Json | undefined, depthMax = VALUE_DEPTH_MAX): void {
  const fault = findTooMuch(what, sizeOf(value), { bytesMax: VALUE_BYTES_MAX, depthMax })
  if (fault !== undefined) throw new Error(fault)
}

/** Lets a function of the contract act on the draft. It gets a copy of what it kept, which it may change in place. */
export function consult<S>(draft: Draft<S>, ask: (own: S, hub: HubActions) => S): void {
  const { own } = draft
  const { key, calls } = draft.state
  const actions = new Actions({ id: key, nowMs: draft.nowMs, callsMade: calls.length, mayCall: true })
  const next = ask(structuredClone(own), actions)
  actions.close()
  draft.keep(next)
  carryOut(draft, actions)
}

/** Carries out what a function did: calls first, then the end. */
export function carryOut<S>(draft: Draft<S>, { calls, end }: Actions): void {
  for (const call of calls) makeCall(draft, call)
  if (!end) return
  if ('reply' in end) succeed(draft, end.reply.output)
  else fail(draft, end.fail)
}
