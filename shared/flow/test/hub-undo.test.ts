import { expect, test } from 'vitest'
import { answered, CALL_MS, DEADLINE_MS, failureIn, POLICY, requested, Talk } from './hub-fixture.ts'

/** Three installs: two succeeded, the second before the first; the third has just failed. */
const failing = () => {
  const talk = new Talk()
  talk.take(requested({ length: 3 }))
  talk.take(answered(2))
  talk.take(answered(1))
  talk.takeSent()
  talk.take(answered(3, { status: 400, error: 'no disk' }))
  return talk
}

test('H9: what succeeded is undone, newest success first, one after the other; then one error reply goes out', () => {
  const talk = failing()
  expect(talk.takeSent()).toEqual([['FLOW_CALLED', 'uninstall f.4 #1']])
  expect(talk.state.calls[3]).toMatchObject({ undoes: 1, input: { i: 1 } })
  expect(talk).toMatchObject({ status: 'running', ends: 0 })

  talk.take(answered(4))
  expect(talk.takeSent()).toEqual([['FLOW_CALLED', 'uninstall f.5 #1']])
  talk.take(answered(5))

  expect(failureIn(talk.sent)).toEqual({
    type: 'FLOW_FAILED',
    flowId: 'f',
    length: 3,
    mode: 'parallel',
    durationMs: 0,
    kind: 'worker-error',
    error: 'f.3: no disk',
    callId: 'f.3',
    undone: ['f.1', 'f.2'],
    notUndone: [],
  })
  expect(talk).toMatchObject({ status: 'error', ends: 1, timers: new Map() })
})

test('H9: nothing to undo: the error reply goes out at once', () => {
  const talk = new Talk()
  talk.take(requested({ length: 1 }))

  talk.take(answered(1, { status: 400, error: 'no' }))

  expect(failureIn(talk.sent)).toMatchObject({ undone: [], notUndone: [], callId: 'f.1' })
})

test('H9: a call that cannot be undone is not', () => {
  const talk = new Talk({
    onRequest: (_, hub) => {
      hub.call('a', 1)
      hub.call('b', 2)
      return { of: 2, ends: {}, progress: [], tolerant: false }
    },
  })
  talk.take(requested())
  talk.take(answered(1))

  talk.take(answered(2, { status: 400, error: 'no' }))

  expect(failureIn(talk.sent)).toMatchObject({ undone: [], notUndone: [] })
})

test('H9: calls still going on are abandoned: no timer, no retry, late answers; those with an undo are named', () => {
  const talk = new Talk()
  talk.take(requested({ length: 4 }))
  talk.take(answered(1))
  talk.take(answered(2, { status: 500, error: 'busy' }))
  expect(talk.state.calls[1]?.state).toBe('backoff')

  talk.take(answered(3, { status: 400, error: 'no' }))

  expect([...talk.timers.keys()]).toEqual(['deadline', 'call 5'])
  expect(talk.take(answered(4))).toMatchObject({ kind: 'ignore', why: 'late' })
  expect(talk.take(answered(2))).toMatchObject({ kind: 'ignore', why: 'duplicate' })
  talk.take(answered(5))
  expect(failureIn(talk.sent)).toMatchObject({ undone: ['f.1'], notUndone: ['f.2', 'f.4'] })
})

/** What becomes of the second of two installs, attempt by attempt, while the first has succeeded. */
const timesOut = (talk: Talk) => {
  talk.fire('call 2')
  if (talk.timers.has('call 2')) talk.fire('call 2')
}
const isRefused = (talk: Talk) => talk.take(answered(2, { status: 400, error: 'no' }))
const isBusy = (talk: Talk) => {
  talk.take(answered(2, { status: 503, error: 'busy' }))
  if (talk.timers.has('call 2')) talk.fire('call 2')
}
const isBusyForLong = Array.from({ length: 9 }, () => isBusy)

test.each<[what: string, attempts: ((talk: Talk) => unknown)[], retries: number, notUndone: string[]]>([
  ['timed out each time', [timesOut, timesOut, timesOut], 2, ['f.2']],
  ['timed out, then was refused', [timesOut, isRefused], 2, ['f.2']],
  ['timed out, then was busy until nothing of it is kept any more', [timesOut, ...isBusyForLong], 9, ['f.2']],
  ['was refused', [isRefused], 2, []],
  ['was busy each time', [isBusy, isBusy, isBusy], 2, []],
])('H9: a failed call that %s: what may have been done is named', (_, attempts, retries, notUndone) => {
  const talk = new Talk({ call: { ...POLICY, retries } })
  talk.take(requested({ length: 2 }))
  talk.take(answered(1))

  for (const attempt of attempts) attempt(talk)
  talk.take(answered(3))

  expect(failureIn(talk.sent)).toMatchObject({ kind: 'worker-error', callId: 'f.2', undone: ['f.1'], notUndone })
})

test('H9: a failed call without an undo is not named, though it timed out', () => {
  const talk = new Talk({
    onRequest: (_, hub) => {
      hub.call('a', 1)
      return { of: 1, ends: {}, progress: [], tolerant: false }
    },
  })
  talk.take(requested())

  talk.wait(CALL_MS)

  expect(failureIn(talk.sent)).toMatchObject({ callId: 'f.1', notUndone: [] })
})

test('H9: an undo is tried like any call; one that fails for good is named, and undoing goes on', () => {
  const talk = failing()
  talk.takeSent()

  talk.wait(CALL_MS)
  expect(talk.takeSent()).toEqual([
    ['FLOW_CALL_TIMED_OUT', 'uninstall f.4 #1'],
    ['FLOW_CALLED', 'uninstall f.4 #2'],
    ['FLOW_CALL_TIMED_OUT', 'uninstall f.4 #2'],
    ['FLOW_CALLED', 'uninstall f.4 #3'],
    ['FLOW_CALL_TIMED_OUT', 'uninstall f.4 #3'],
    ['FLOW_CALLED', 'uninstall f.5 #1'],
  ])
  talk.take(answered(5, { status: 500, error: 'busy' }))
  talk.wait(POLICY.backoffMs)
  talk.take(answered(5))

  expect(failureIn(talk.sent)).toMatchObject({ error: 'f.3: no disk', undone: ['f.2'], notUndone: ['f.1'] })
})

test('H9: progress and output of an undo are of no interest, and the contract is not asked', () => {
  const talk = failing()
  const { own } = talk.state

  talk.take(answered(4, { complete: false, output: 'half' }))
  talk.take(answered(4, { output: 'gone' }))

  expect(talk.state.own).toEqual(own)
  expect(talk.state.calls[3]).toMatchObject({ state: 'done' })
  expect(talk.state.calls[3]).not.toHaveProperty('output')
  expect(talk.state.calls[3]).not.toHaveProperty('progress')
})

test.each([
  [
    'its deadline passes',
    (talk: Talk) => talk.fire('deadline'),
    'hub-timeout',
    `The flow did not end within its deadline of ${DEADLINE_MS} ms; it was undoing because of: f.3: no disk`,
  ],
  [
    'somebody cancels',
    (talk: Talk) => talk.take({ act: 'cancel', actor: 'ann', reason: 'enough' }),
    'cancelled',
    'Cancelled by ann: enough; it was undoing because of: f.3: no disk',
  ],
])('H1: undoing ends when %s, with the first error in the text and the rest named', (_, act, kind, error) => {
  const talk = failing()
  talk.take(answered(4))

  act(talk)

  expect(failureIn(talk.sent)).toMatchObject({ kind, error, callId: 'f.3', undone: ['f.1'], notUndone: ['f.2'] })
  expect(talk).toMatchObject({ ends: 1, timers: new Map() })
})

test('the contract has had its say: onTimeout is not asked while undoing', () => {
  const talk = new Talk({
    onTimeout: (state, hub) => {
      hub.reply('fine')
      return state
    },
  })
  talk.take(requested({ length: 2 }))
  talk.take(answered(1))
  talk.take(answered(2, { status: 400, error: 'no' }))

  talk.fire('deadline')

  expect(failureIn(talk.sent)).toMatchObject({ kind: 'hub-timeout', notUndone: ['f.1'] })
})
