import type { Json } from '../../events.ts'

/**
 * A journey type as the hub works with it: read and checked once, when it is registered (`definition-document.ts`), and never changed;
 * an instance keeps the version that it started with.
 */

/** A CEL expression, ready to be evaluated. Never throws. */
export type Expression = {
  readonly text: string
  /** The value as JSON, or why there is none: the message names the expression, and the part of it that is at fault. */
  evaluate(scope: ExpressionScope): { readonly value: Json } | { readonly fault: string }
}

/** What conditions and inputs of a journey see. */
export type ExpressionScope = {
  readonly payload: Json
  readonly tenant: string
  readonly sagaId: string
  /** The caller's key, or the saga id. */
  readonly key: string
  /** Of steps that are done, by name. */
  readonly outputs: Readonly<Record<string, Json>>
  /** Of the step whose compensation this is, when it is one. */
  readonly input?: Json
  readonly output?: Json
}

/** N means N + 1 attempts; before the n-th retry, initialMs x factor^(n - 1), at most maxMs. */
export type StepRetry = {
  readonly retries: number
  readonly initialMs: number
  readonly factor: number
  readonly maxMs: number
}

/** How an activity is asked for. */
export type Asked = {
  readonly activity: string
  /** Missing: the whole payload; of a compensation: `{input, output}` of the step that it takes back. */
  readonly input: Expression | undefined
  /** Of one attempt. */
  readonly timeoutMs: number
  readonly retry: StepRetry
}

export type Step = Asked & {
  readonly name: string
  /** It runs when each of these is done or skipped, and at least one of them (if there are any) is done. */
  readonly after: readonly string[]
  /** False: it is skipped. What is skipped has no output. */
  readonly when: Expression | undefined
  readonly compensate: Asked | undefined
}

export type Definition = {
  readonly type: string
  readonly version: number
  readonly deadlineMs: number
  /** What becomes of a journey whose activity has failed for good, or whose deadline has passed. Missing in the document: `remediate`. */
  readonly onFailure: 'remediate' | 'compensate' | 'fail'
  /** In an order in which each comes behind those it waits for. Steps that only compensate others are not among them. */
  readonly steps: readonly Step[]
  /** What the journey gives in the end; missing: the outputs of its last steps, by name. */
  readonly output: Expression | undefined
  /** JSON Schema that the payload must be valid against; its faults, as a person would read them. */
  readonly findPayloadFaults: (payload: Json) => readonly string[]
  /** As it was registered. */
  readonly document: Json
}

/** The definitions that there are. Immutable, so that a decision may ask for them. */
export type Definitions = {
  /** The newest version of a type. */
  latest(type: string): Definition | undefined
  find(type: string, version: number): Definition | undefined
}
