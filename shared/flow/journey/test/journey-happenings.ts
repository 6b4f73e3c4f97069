import fc from 'fast-check'
import { expect } from 'vitest'
import type { Body } from '../../../events.ts'
import type { Definition } from '../definition.ts'
import { remediationOf } from '../remediation-item.ts'
import { askedOf, broken, definitionOf, expressionOf, SAGA, stepOf } from './journey-run.ts'
import { callIn, type Request, type Witness } from './journey-witness.ts'

/** What an activity does when it is asked. */
export type Fate = 'ok' | 'refused' | 'down' | 'silent' | 'late' | 'huge'

/** A graph in which each step comes after any of those before it. */
export const graph = fc
  .record({
    size: fc.integer({ min: 1, max: 7 }),
    edges: fc.array(fc.boolean(), { minLength: 21, maxLength: 21 }),
    whens: fc.array(fc.constantFrom('', '', '', '', '', 'false', 'broken', 'odd'), { minLength: 7, maxLength: 7 }),
    undos: fc.array(fc.boolean(), { minLength: 7, maxLength: 7 }),
    inputs: fc.array(fc.constantFrom('', '', 'made', 'broken'), { minLength: 7, maxLength: 7 }),
    retries: fc.integer({ min: 0, max: 2 }),
    initialMs: fc.constantFrom(0, 200),
    onFailure: fc.constantFrom<Definition['onFailure']>('remediate', 'remediate', 'compensate', 'fail'),
    output: fc.constantFrom('', '', '', 'broken'),
  })
  .map(({ size, edges, whens, undos, inputs, retries, initialMs, onFailure, output }) => {
    const names = Array.from(
      { length: size },
      (_, i) => ['a', 'b', 'c', 'constructor', '__proto__', 'f', 'g'][i] ?? 'z',
    )
    const retry = { retries, initialMs, factor: 2, maxMs: 1_000 }
    const steps = names.map((name, i) => {
      const after = names.slice(0, i).filter((_, j) => edges[(i * (i - 1)) / 2 + j])
      const odd = expressionOf('odd', () => 'perhaps')
      const when = { '': undefined, false: expressionOf('false', () => false), broken, odd }[whens[i] ?? '']
      const made = expressionOf('outputs', ({ outputs }) => Object.keys(outputs).toSorted())
      const input = { '': undefined, made, broken }[inputs[i] ?? '']
      const compensate = undos[i] ? askedOf(`undo-${name}`, { retry }) : undefined
      return stepOf(name, after.join(' '), { when, input, compensate, retry })
    })
    return definitionOf(steps, { onFailure, output: output === 'broken' ? broken : undefined })
  })

export type Happening = (witness: Witness) => void

export function answerOf({ callId, attempt }: Request, fate: Fate): Body | undefined {
  if (fate === 'ok' || fate === 'late')
    return { type: 'ACTIVITY_SUCCEEDED', callId, attempt, status: 200, output: `${callId} ${attempt}` }
  if (fate === 'huge') return { type: 'ACTIVITY_SUCCEEDED', callId, attempt, status: 200, output: 'x'.repeat(70_000) }
  const status = { refused: 400, down: 503, silent: 0 }[fate]
  return status === 0 ? undefined : { type: 'ACTIVITY_FAILED', callId, attempt, status, error: fate }
}

export const fate = fc.constantFrom<Fate>(
  'ok',
  'ok',
  'ok',
  'ok',
  'ok',
  'ok',
  'refused',
  'down',
  'down',
  'silent',
  'huge',
)

/** An answer to one of those that wait, and the same again. */
const answers = fc.tuple(fc.nat(20), fate, fc.boolean()).map(
  ([n, how, isTwice]): Happening =>
    (witness) => {
      const { waiting, run } = witness
      const request = waiting[n % Math.max(1, waiting.length)]
      const answer = request && answerOf(request, how)
      if (!answer) return
      witness.see(() => run.take(answer))
      if (isTwice) changesNothing(witness, () => run.take(answer))
    },
)
/** An answer to any attempt that ever was, or to none. */
const strays = fc.tuple(fc.nat(50), fate, fc.integer({ min: -1, max: 2 })).map(
  ([n, how, shift]): Happening =>
    (witness) => {
      const request = witness.requests[n % witness.requests.length] ?? NO_REQUEST
      const current = callIn(witness.run.opened, request.callId)
      const attempt = Math.max(1, request.attempt + shift)
      const answer = answerOf({ ...request, attempt }, how)
      if (!answer) return
      const counts = current?.state === 'running' && current.attempt === attempt
      const give = () => witness.run.take(answer)
      if (counts) witness.see(give)
      else changesNothing(witness, give)
    },
)
const timers = fc.nat(20).map(
  (n): Happening =>
    (witness) => {
      const names = [...witness.run.timers.keys()].filter((name) => name !== 'deadline')
      witness.see(() => witness.run.fire(names[n % Math.max(1, names.length)] ?? 'none'))
    },
)
const deadline: Happening = (witness) => void witness.see(() => witness.run.fire('deadline'))
const others = fc.constantFrom('again', 'other', 'overdue', 'released', 'stray timer', 'ticket').map(
  (what): Happening =>
    (witness) => {
      const { run } = witness
      if (what === 'again') changesNothing(witness, () => run.initiate())
      if (what === 'other') changesNothing(witness, () => run.initiate({ payload: 'another' }))
      if (what === 'released') changesNothing(witness, () => run.take({ type: 'JOURNEY_RELEASED', sagaId: SAGA }))
      if (what === 'stray timer') changesNothing(witness, () => run.take({ timer: 'step:nobody', dueMs: 0 }))
      if (what === 'overdue') {
        const timersBefore = new Map(run.timers)
        witness.see(() => run.take({ type: 'JOURNEY_OVERDUE', sagaId: SAGA, olderThanMs: 1, lost: [] }))
        expect(new Map(run.timers)).toEqual(timersBefore)
      }
      if (what === 'ticket' && !run.hasEnded)
        witness.see(() =>
          run.take({ type: 'REMEDIATION_TICKET', sagaId: SAGA, ticket: 'T-1', actor: 'a', reason: 'r' }),
        )
    },
)
const acts = fc
  .record({
    act: fc.constantFrom('retry' as const, 'retry' as const, 'skip' as const, 'compensate' as const, 'cancel' as const),
    n: fc.nat(10),
    isNamed: fc.boolean(),
    isPatched: fc.boolean(),
    isStale: fc.constantFrom(false, false, false, true),
    isEager: fc.constantFrom(false, false, false, true),
  })
  .map(
    ({ act, n, isNamed, isPatched, isStale, isEager }): Happening =>
      (witness) => {
        const { run } = witness
        const item = remediationOf(run.opened)
        // Mostly where a person is asked: others would end most journeys before they have got anywhere.
        if (!item && !isEager) return
        const revision = run.opened.revision - (isStale ? 1 : 0)
        const step = isNamed ? item?.steps[n % Math.max(1, item.steps.length)] : undefined
        const command = {
          revision,
          ...(step !== undefined && { step }),
          ...(act === 'retry' && isPatched && { input: `patched ${n}` }),
        }
        const result = witness.see(() => run.act(act, command))
        if (isStale) expect(result).toMatch(/^refuse: /)
        // Said again, it is about a journey that has changed since.
        changesNothing(witness, () => run.act(act, { ...command, revision }), !result.startsWith('refuse: '))
      },
  )

const NO_REQUEST: Request = {
  type: 'ACTIVITY_REQUESTED',
  ...{ callId: `${SAGA}:nobody`, sagaId: SAGA, activity: 'nobody', attempt: 1, idempotencyKey: 'none', input: null },
  deadline: '2030-01-01T00:00:00.000Z',
}

function changesNothing(witness: Witness, happen: () => string, isSure = true): void {
  const before = witness.run.opened
  const timersBefore = new Map(witness.run.timers)
  const result = witness.see(happen)
  if (!isSure) return
  expect(result).toMatch(/^(?:late|unknown|duplicate|stale|conflict|refuse: .+)$/)
  expect(witness.run.opened).toEqual(before)
  expect(new Map(witness.run.timers)).toEqual(timersBefore)
}

export const happenings = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: answers },
    { weight: 3, arbitrary: strays },
    { weight: 4, arbitrary: timers },
    { weight: 3, arbitrary: acts },
    { weight: 1, arbitrary: others },
    { weight: 1, arbitrary: fc.constant(deadline) },
  ),
  { maxLength: 40, size: 'max' },
)
