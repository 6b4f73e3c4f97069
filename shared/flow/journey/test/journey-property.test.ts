import fc from 'fast-check'
import { expect, test } from 'vitest'
import { callOfTimer } from '../call-names.ts'
import type { Definition } from '../definition.ts'
import { attentionOf, remediationOf } from '../remediation-item.ts'
import { answerOf, type Fate, fate, graph, happenings } from './journey-happenings.ts'
import { type Request, Witness } from './journey-witness.ts'

/** Everything that is asked is answered, or times out, and every back-off passes: in the end nothing is under way. */
function settle(witness: Witness, how: (request: Request) => Fate): void {
  const { run } = witness
  for (let turns = 0; turns < 500; turns++) {
    const [request] = witness.waiting
    const answer = request && answerOf(request, how(request))
    const [timer] = [...run.timers.keys()].filter((name) => callOfTimer(name) !== undefined)
    if (answer) witness.see(() => run.take(answer))
    else if (timer !== undefined) witness.see(() => run.fire(timer))
    else return
  }
  throw new Error('it goes on and on')
}

test('J2, J3, J4, J5: whatever happens in whatever order, each attempt is asked for once, each join runs once, and an end is reached', () => {
  const ends = new Set<string>()
  const causes = new Set<string>()

  fc.assert(
    fc.property(graph, happenings, fc.array(fate, { minLength: 5, maxLength: 5 }), (definition, all, fates) => {
      const witness = new Witness(definition)
      for (const happen of all) happen(witness)
      settle(witness, ({ attempt, callId }) => fates[(attempt + callId.length) % fates.length] ?? 'ok')

      const state = witness.run.opened
      expect(witness.run.hasEnded || state.status === 'NEEDS_REMEDIATION').toBe(true)
      expect(witness.ends).toBe(witness.run.hasEnded ? 1 : 0)
      expect(witness.run.timers.size).toBe(0)
      expect(attentionOf(state)).toBe(witness.run.hasEnded ? undefined : 'remediation')
      ends.add(state.status)
      for (const cause of witness.causes) causes.add(cause)
    }),
    { numRuns: 200 },
  )

  // Otherwise the stories were not worth telling.
  expect([...ends].toSorted()).toEqual(['CANCELLED', 'COMPENSATED', 'COMPLETED', 'FAILED', 'NEEDS_REMEDIATION'])
  expect([...causes].toSorted()).toEqual(['compensation', 'deadline', 'exhausted', 'permanent'])
})

test('J2: in whatever order answers come, the same steps are done and the others skipped', () => {
  const seen = new Set<string>()

  fc.assert(
    fc.property(graph, fc.array(fc.nat(20), { minLength: 60, maxLength: 60 }), (any, choices) => {
      const steps = any.steps.map((step) => ({
        ...step,
        when: step.when?.text === 'false' ? step.when : undefined,
        input: undefined,
      }))
      const witness = new Witness({ ...any, steps, output: undefined })
      for (const [i, choice] of choices.entries()) {
        const { waiting, run } = witness
        const request = waiting[choice % Math.max(1, waiting.length)]
        // Some fail at first.
        const answer =
          request &&
          answerOf(request, request.attempt === 1 && steps[0]?.retry.retries !== 0 && i % 3 === 0 ? 'down' : 'ok')
        if (answer) witness.see(() => run.take(answer))
        for (const { name, state } of run.opened.steps)
          if (state === 'retrying') witness.see(() => run.fire(`step:${name}`))
      }

      expect(witness.run.opened.status).toBe('COMPLETED')
      expect(new Map(witness.run.opened.steps.map(({ name, state }) => [name, state]))).toEqual(expectedStates(steps))
      for (const { state } of witness.run.opened.steps) seen.add(state)
    }),
    { numRuns: 80 },
  )

  expect([...seen].toSorted()).toEqual(['done', 'skipped'])
})

/** Told from the graph alone: it runs when it has no condition against it, and comes after nothing or after one that runs. */
function expectedStates(steps: Definition['steps']): Map<string, string> {
  const runs = (name: string): boolean => {
    const step = steps.find((one) => one.name === name)
    return step !== undefined && !step.when && (step.after.length === 0 || step.after.some(runs))
  }
  return new Map(steps.map(({ name }) => [name, runs(name) ? 'done' : 'skipped']))
}

test('J4: whatever has stopped a journey, a person who retries with another input, or skips, brings it to its end', () => {
  fc.assert(
    fc.property(graph, happenings, fc.constantFrom('retry', 'skip'), (definition, all, act) => {
      const witness = new Witness(definition)
      for (const happen of all) happen(witness)
      const { run } = witness
      for (let turns = 0; turns < 60 && !run.hasEnded; turns++) {
        settle(witness, () => 'ok')
        const item = remediationOf(run.opened)
        if (run.hasEnded || item?.attention !== 'remediation') continue
        const [step] = item.steps
        // An output that cannot be made will not be by trying again.
        const how =
          step !== undefined && act === 'retry' ? { input: 'patched', step } : step !== undefined ? { step } : {}
        const said = witness.see(() => run.act(step === undefined || act === 'skip' ? 'skip' : 'retry', how))
        // What may have been carried out is tried again as it was.
        if (said.startsWith('refuse') && step !== undefined) witness.see(() => run.act('retry', { step }))
      }

      expect(run.hasEnded).toBe(true)
    }),
    { numRuns: 80 },
  )
})
