import { describe, expect, test } from 'vitest'
import type { Body } from '../../../shared/events.ts'
import { catalogue } from '../../../shared/events.ts'
import { answered, failed, progressed } from '../../../shared/flow/worker.ts'
import { flowCrud } from '../flow-crud.ts'
import { itemOf, limits, runFlow } from './flow-run.ts'

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i + 1)
const each = (name: string, count: number) => numbers(count).map((item) => `${name} ${item}`)
/** Answers as the example's worker and backend do: not at all when the input carries a fault. */
const faulty = (call: Body<'FLOW_CALLED'>) =>
  typeof call.input === 'object' && call.input !== null && 'fault' in call.input
    ? undefined
    : answered(call, call.input)

describe('when everything goes well', () => {
  const cases = (['parallel', 'sequential'] as const).flatMap((mode) => [1, 2, 100].map((length) => ({ mode, length })))

  test.each(cases)('$mode, $length items: installs, then validations, then one reply', ({ mode, length }) => {
    const flow = runFlow({ mode, length })

    expect(flow.calls).toEqual([...each('install', length), ...each('validate', length)])
    expect(flow.together).toBe(mode === 'parallel' ? length : 1)
    const output = { installed: numbers(length), validated: numbers(length) }
    expect(flow.replies).toEqual([{ type: 'FLOW_SUCCEEDED', flowId: 'f1', length, mode, durationMs: 0, output }])
  })

  test('no validation begins before the last install is done, in whatever order the answers come', () => {
    const newestFirst = (waiting: readonly unknown[]) => waiting.length - 1

    const flow = runFlow({ length: 5 }, undefined, newestFirst)

    expect(flow.calls).toEqual([...each('install', 5), ...each('validate', 5)])
    expect(flow.replies).toMatchObject([{ output: { installed: numbers(5), validated: numbers(5) } }])
  })

  test('a sign of progress is not the end of an install, and does not move its deadline', () => {
    const flow = runFlow({ length: 2 }, (call) =>
      call.callId === 'f1.1' && call.attempt === 1 ? progressed(call) : answered(call),
    )

    expect(flow.timedOut).toEqual(['install 1'])
    expect(flow.calls).toEqual([...each('install', 2), 'install 1', ...each('validate', 2)])
    expect(flow.replies).toMatchObject([{ type: 'FLOW_SUCCEEDED', durationMs: 2_200 }])
  })

  test('the reply fits the catalogue', () => {
    const [reply] = runFlow({ length: 100 }).replies

    expect(catalogue.FLOW_SUCCEEDED.body.safeParse(reply).error).toBeUndefined()
  })
})

describe('when something fails', () => {
  const cases = (['parallel', 'sequential'] as const).flatMap((mode) =>
    (['worker', 'backend'] as const).flatMap((error) => [1, 3].map((length) => ({ mode, error, length }))),
  )

  test.each(cases)(
    'fault of the $error, $mode, $length items: the last install is tried three times, the others are undone, newest first',
    ({ mode, error, length }) => {
      const flow = runFlow({ mode, error, length }, faulty)

      const again = [`install ${length}`, `install ${length}`]
      const undone = each('uninstall', length - 1).toReversed()
      expect(flow.calls).toEqual([...each('install', length), ...again, ...undone])
      expect(flow.timedOut).toEqual(Array(3).fill(`install ${length}`))
      expect(flow.replies).toMatchObject([
        {
          type: 'FLOW_FAILED',
          flowId: 'f1',
          length,
          mode,
          kind: 'worker-error',
          error: expect.stringContaining('OPERATION_TIMED_OUT'),
          callId: `f1.${length}`,
          undone: numbers(length - 1)
            .toReversed()
            .map((n) => `f1.${n}`),
          // Nobody knows whether it was installed.
          notUndone: [`f1.${length}`],
        },
      ])
      expect(flow.endedAfterMs).toBeLessThan(limits.deadlineMs)
    },
  )

  test('fault of the hub: nothing is called, and its deadline ends the flow', () => {
    const flow = runFlow({ error: 'hub', length: 3 })

    expect(flow.calls).toEqual([])
    expect(flow.replies).toMatchObject([{ type: 'FLOW_FAILED', kind: 'hub-timeout', undone: [], notUndone: [] }])
    expect(flow.endedAfterMs).toBe(limits.deadlineMs)
  })

  test('an install that is refused is not tried again; those that succeeded are undone', () => {
    const flow = runFlow({ length: 3, mode: 'sequential' }, (call) =>
      call.name === 'install' && itemOf(call) === 2 ? failed(call, { status: 409, error: 'taken' }) : answered(call),
    )

    expect(flow.calls).toEqual(['install 1', 'install 2', 'uninstall 1'])
    expect(flow.replies).toMatchObject([
      { type: 'FLOW_FAILED', kind: 'worker-error', error: 'taken', callId: 'f1.2', undone: ['f1.1'], notUndone: [] },
    ])
  })

  test('a validation that fails undoes every install', () => {
    const flow = runFlow({ length: 3, mode: 'sequential' }, (call) =>
      call.name === 'validate' ? failed(call, { status: 400, error: 'broken' }) : answered(call),
    )

    expect(flow.calls).toEqual([...each('install', 3), 'validate 1', ...each('uninstall', 3).toReversed()])
    expect(flow.replies).toMatchObject([{ type: 'FLOW_FAILED', error: 'broken', undone: ['f1.3', 'f1.2', 'f1.1'] }])
  })

  test.each([
    { what: 'of 10,000 characters is cut', error: 'x'.repeat(10_000), told: 'x'.repeat(2_048) },
    { what: 'that is missing is made up for', error: undefined, told: 'install was answered with status 400' },
  ])('an error $what: the reply fits the catalogue', ({ error, told }) => {
    const { replies } = runFlow({}, (call) => ({ ...failed(call, { status: 400, error: '' }), error }))

    expect(replies).toMatchObject([{ type: 'FLOW_FAILED', error: told }])
    expect(catalogue.FLOW_FAILED.body.safeParse(replies[0]).error).toBeUndefined()
  })
})

describe('which request is the same', () => {
  const request: Body<'FLOW_REQUESTED'> = { type: 'FLOW_REQUESTED', flowId: 'f1', length: 3, mode: 'parallel' }
  const keyOf = (change: Partial<Body<'FLOW_REQUESTED'>>) => flowCrud(limits).requestKeyOf({ ...request, ...change })

  test.each([{ length: 4 }, { mode: 'sequential' as const }, { error: 'hub' as const }])(
    'not one with %j',
    (change) => {
      expect(keyOf(change)).not.toBe(keyOf({}))
    },
  )

  test('one with the same parameters, or with the key that the client gave', () => {
    expect(keyOf({})).toBe(keyOf({ error: undefined }))
    expect(keyOf({ requestKey: 'k1' })).toBe('k1')
    expect(keyOf({ requestKey: 'k1', length: 4 })).toBe('k1')
  })
})

test('what the hub says fits the catalogue, whatever it calls', () => {
  const { says } = flowCrud(limits)
  const call = { callId: 'f1.1', conversationId: 'f1', name: 'install', input: { item: 1 }, attempt: 2, deadlineMs: 1 }

  const body = says.called(call)
  expect(body).toEqual({
    type: 'FLOW_CALLED',
    callId: 'f1.1',
    flowId: 'f1',
    name: 'install',
    input: { item: 1 },
    attempt: 2,
    deadline: '1970-01-01T00:00:00.001Z',
  })
  for (const said of [body, says.timedOut(call), says.refused('f1', 'r'.repeat(5_000))])
    expect(catalogue[said.type].body.safeParse(said).error).toBeUndefined()
})
