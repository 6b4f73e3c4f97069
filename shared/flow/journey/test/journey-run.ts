import type { Meta } from '../../../bus/envelope.ts'
import type { Body, Json } from '../../../events.ts'
import type { Sent } from '../../decision.ts'
import { DeciderRun } from '../../test/decider-run.ts'
import { inputOf } from '../../test/group-run.ts'
import type { Asked, Definition, Definitions, Expression, ExpressionScope, Step } from '../definition.ts'
import { journeyKind } from '../journey.ts'
import type { Command } from '../legal-acts.ts'
import type { JourneyState } from '../state.ts'

export const SAGA = 'j1.main'
export const BY = { actor: 'ann', reason: 'a test' }
export const DEADLINE_MS = 60_000
export const TIMEOUT_MS = 1_000

/** An expression that is a function: what that throws is the fault. */
export const expressionOf = (text: string, evaluate: (scope: ExpressionScope) => Json): Expression => ({
  text,
  evaluate(scope) {
    try {
      return { value: evaluate(scope) }
    } catch (error) {
      return { fault: `${text}: ${error instanceof Error ? error.message : String(error)}` }
    }
  },
})

export const always = (value: Json) => expressionOf(JSON.stringify(value), () => value)
export const broken = expressionOf('outputs.nobody.x', () => {
  throw new Error('no such key: nobody')
})

export const askedOf = (activity: string, fields: Partial<Asked> = {}): Asked => ({
  activity,
  input: undefined,
  timeoutMs: TIMEOUT_MS,
  retry: { retries: 2, initialMs: 200, factor: 2, maxMs: 30_000 },
  ...fields,
})

export type StepFields = Partial<Omit<Step, 'name' | 'after'>>

/** `stepOf('ship', 'charge reserve')` comes after these two. */
export const stepOf = (name: string, after = '', fields: StepFields = {}): Step => ({
  ...askedOf(`do-${name}`),
  name,
  after: after.split(' ').filter(Boolean),
  when: undefined,
  compensate: undefined,
  ...fields,
})

export const compensated = (step: string, fields: Partial<Asked> = {}) => ({
  compensate: askedOf(`undo-${step}`, fields),
})

export const definitionOf = (steps: readonly Step[], fields: Partial<Definition> = {}): Definition => ({
  type: 'order',
  version: 1,
  deadlineMs: DEADLINE_MS,
  onFailure: 'remediate',
  steps,
  output: undefined,
  findPayloadFaults: () => [],
  document: null,
  ...fields,
})

/** The definitions that a hub has; more may be added. */
export class Registered implements Definitions {
  readonly all: Definition[]

  constructor(...all: readonly Definition[]) {
    this.all = [...all]
  }

  latest(type: string): Definition | undefined {
    return this.all.findLast((one) => one.type === type)
  }

  find(type: string, version: number): Definition | undefined {
    return this.all.find((one) => one.type === type && one.version === version)
  }
}

export type InitiationFields = Partial<Omit<Body<'INITIATE_JOURNEY'>, 'type'>>

export const initiationOf = (fields: InitiationFields = {}): Body<'INITIATE_JOURNEY'> => ({
  type: 'INITIATE_JOURNEY',
  sagaId: SAGA,
  journeyType: 'order',
  formatVersion: 1,
  tenant: 'acme',
  payload: { item: 'book' },
  meta: {},
  ...fields,
})

type ActFields = Partial<Omit<Command, 'act' | 'sagaId'>>

/** One journey in the hands of a hub that is killed after every input. */
export class JourneyRun extends DeciderRun<JourneyState> {
  readonly registered: Registered

  constructor(definition: Definition | readonly Definition[], { hasWebhook = false } = {}) {
    const registered = new Registered(...[definition].flat())
    super(journeyKind({ definitions: registered, hasWebhook }))
    this.registered = registered
  }

  initiate(fields: InitiationFields = {}, meta: Partial<Meta> = {}): string {
    return this.takeFrom(initiationOf(fields), meta)
  }

  /** With an envelope of its own. */
  takeFrom(body: Body, meta: Partial<Meta>): string {
    const input = inputOf(body)
    return this.take('event' in input ? { event: { ...input.event, meta: { ...input.event.meta, ...meta } } } : input)
  }

  /** `charge`, or `charge:undo`. */
  succeed(call: string, output?: Json, attempt?: number): string {
    const optional = { ...(output !== undefined && { output }), ...(attempt !== undefined && { attempt }) }
    return this.take({ type: 'ACTIVITY_SUCCEEDED', callId: `${SAGA}:${call}`, status: 200, ...optional })
  }

  fail(call: string, status: number, error: Json = 'no', attempt?: number): string {
    const callId = `${SAGA}:${call}`
    return this.take({ type: 'ACTIVITY_FAILED', callId, status, error, ...(attempt !== undefined && { attempt }) })
  }

  act(act: Command['act'], fields: ActFields = {}): string {
    return this.take({ type: 'REMEDIATION_COMMAND', sagaId: SAGA, act, ...BY, ...fields })
  }

  /** Names and states of the steps whose turn has come. */
  get states(): Record<string, string> {
    return Object.fromEntries(this.opened.steps.map(({ name, state }) => [name, state]))
  }

  /** What was sent since the last time, in short. */
  get said(): string[] {
    return this.taken().map(shortOf)
  }

  /** Sends away what was sent so far. */
  after(...steps: readonly ((run: JourneyRun) => unknown)[]): this {
    for (const step of steps) step(this)
    this.taken()
    return this
  }
}

function shortOf(sent: Sent): string {
  if (!('body' in sent)) return sent.topic
  const { body } = sent
  const to = 'to' in sent ? ` to ${sent.to.replyTo}` : 'queue' in sent ? ` to ${sent.queue}` : ''
  if (body.type === 'ACTIVITY_REQUESTED') return `${body.callId.slice(SAGA.length + 1)} #${body.attempt}`
  if (body.type === 'JOURNEY_NEEDS_REMEDIATION') return `${body.type} ${body.cause} [${body.steps.join(' ')}]${to}`
  if (body.type === 'JOURNEY_COMPENSATED') return `${body.type} [${body.compensated.join(' ')}]${to}`
  if (body.type === 'JOURNEY_REMEDIATED') return `${body.type} ${body.act}${body.step ? ` ${body.step}` : ''}${to}`
  return `${body.type}${to}`
}

/** A definition's journey that has begun; what was sent is there to be looked at. */
export function begun(definition: Definition, fields: InitiationFields = {}): JourneyRun {
  const run = new JourneyRun(definition)
  run.initiate(fields)
  return run
}
