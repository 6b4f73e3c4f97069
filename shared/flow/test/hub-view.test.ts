import { expect, test } from 'vitest'
import { answered, POLICY, requested, Talk } from './hub-fixture.ts'

test('shows the request, the deadline and each call with its attempts', () => {
  const talk = new Talk()
  talk.take(requested({ length: 3 }))
  talk.take(answered(1, { output: 'o', status: 201 }))
  talk.take(answered(2, { complete: false, output: '50 %' }))
  talk.nowMs += 1_000
  talk.take(answered(3, { status: 503, error: 'busy' }))

  expect(talk.view).toEqual({
    request: { type: 'FLOW_REQUESTED', flowId: 'f', length: 3, mode: 'parallel' },
    deadline: '2030-01-01T00:00:15.000Z',
    durationMs: 1_000,
    phase: 'running',
    state: { of: 3, ends: { 'f.1': 'answer' }, progress: ['f.2 1'], tolerant: false },
    calls: [
      {
        callId: 'f.1',
        name: 'install',
        input: { i: 1 },
        undo: { name: 'uninstall', input: { i: 1 } },
        state: 'done',
        attempt: 1,
        attemptsMax: 3,
        status: 201,
        output: 'o',
        attempts: [{ attempt: 1, status: 201, answered: true, endedAt: '2030-01-01T00:00:00.000Z' }],
      },
      {
        callId: 'f.2',
        name: 'install',
        input: { i: 2 },
        undo: { name: 'uninstall', input: { i: 2 } },
        state: 'waiting',
        attempt: 1,
        attemptsMax: 3,
        deadline: '2030-01-01T00:00:02.000Z',
        progress: '50 %',
        attempts: [],
      },
      {
        callId: 'f.3',
        name: 'install',
        input: { i: 3 },
        undo: { name: 'uninstall', input: { i: 3 } },
        state: 'backoff',
        attempt: 1,
        attemptsMax: 3,
        retryAt: '2030-01-01T00:00:01.200Z',
        attempts: [{ attempt: 1, status: 503, answered: true, error: 'busy', endedAt: '2030-01-01T00:00:01.000Z' }],
      },
    ],
  })
})

test('shows what is undone, and in the end the reply', () => {
  const talk = new Talk()
  talk.take(requested({ length: 2 }))
  talk.take(answered(1))
  talk.take(answered(2, { status: 400, error: 'no' }))
  expect(talk.view).toMatchObject({
    phase: 'undoing',
    failure: { error: 'f.2: no', callId: 'f.2' },
    undone: [],
    notUndone: [],
  })
  expect(talk.view.calls).toContainEqual(expect.objectContaining({ callId: 'f.3', undoes: 'f.1', state: 'waiting' }))

  talk.take(answered(3))
  talk.nowMs += 60_000

  expect(talk.view).toMatchObject({
    phase: 'ended',
    durationMs: 0,
    undone: ['f.1'],
    notUndone: [],
    result: { type: 'FLOW_FAILED', kind: 'worker-error', error: 'f.2: no' },
  })
})

test('the history tells the story', () => {
  const talk = new Talk()
  talk.take(requested({ length: 2 }))
  talk.take(answered(1))
  talk.wait(POLICY.timeoutMs)
  talk.wait(POLICY.backoffMs)
  talk.take(answered(2, { status: 400, error: 'no' }))
  talk.take(answered(3))

  expect(talk.history).toEqual([
    'requested',
    'called',
    'called',
    'answered',
    'timed out',
    'called',
    'answered',
    'failed',
    'undoing',
    'answered',
    'ended',
  ])
})
