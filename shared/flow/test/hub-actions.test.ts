import { describe, expect, test } from 'vitest'
import type { HubActions } from '../hub.ts'
import { CALLS_MAX, STATE_BYTES_MAX, VALUE_BYTES_MAX } from '../hub-state.ts'
import { answered, failureIn, type Own, requested, Talk } from './hub-fixture.ts'

const own: Own = { of: 1, ends: {}, progress: [], tolerant: false }

/** A conversation whose contract does this at its request. */
const doing = (act: (hub: HubActions) => void) =>
  new Talk({
    onRequest: (_, hub) => {
      act(hub)
      return own
    },
  })

describe('a mistake of the author is an error that says so', () => {
  test.each<[string, (hub: HubActions) => void, RegExp]>([
    ['reply after reply', (hub) => [hub.reply(), hub.reply()], /^hub\.reply\(\) after hub\.reply\(\) of f: /],
    ['fail after reply', (hub) => [hub.reply(), hub.fail('x')], /^hub\.fail\(\) after hub\.reply\(\)/],
    ['call after fail', (hub) => [hub.fail('x'), hub.call('a', 1)], /^hub\.call\(\) after hub\.fail\(\)/],
    ['reply after fail', (hub) => [hub.fail('x'), hub.reply()], /^hub\.reply\(\) after hub\.fail\(\)/],
    ['a call without a name', (hub) => hub.call('', 1), /1 to 64 characters/],
    ['a name that is too long', (hub) => hub.call('n'.repeat(65), 1), /1 to 64 characters/],
    ['an undo without a name', (hub) => hub.call('a', 1, { undo: { name: '', input: 1 } }), /^undo of hub\.call: /],
    ['an input that is too large', (hub) => hub.call('a', 'x'.repeat(VALUE_BYTES_MAX)), /at most 65536 are kept/],
    [
      'an output that is too large',
      (hub) => hub.reply('x'.repeat(VALUE_BYTES_MAX)),
      /^hub\.reply: the output: 65538 bytes/,
    ],
  ])('%s', (_, act, text) => {
    expect(() => doing(act).take(requested())).toThrow(text)
  })

  test('an action after the function has returned', () => {
    let kept: HubActions | undefined
    doing((hub) => {
      kept = hub
    }).take(requested())

    expect(() => kept?.reply()).toThrow('after the function has returned')
  })

  test('an action after the answer was dealt with', () => {
    let kept: HubActions | undefined
    const talk = new Talk({
      onAnswer: (state, _, hub) => {
        kept = hub
        return state
      },
    })
    talk.take(requested())
    talk.take(answered(1))

    expect(() => kept?.call('a', 1)).toThrow('after the function has returned')
  })

  test('whatever the contract throws', () => {
    const talk = new Talk({
      onAnswer: () => {
        throw new Error('of the author')
      },
    })
    talk.take(requested())

    expect(() => talk.take(answered(1))).toThrow('of the author')
  })
})

test('names of 64 characters and values of 64 KiB are taken', () => {
  const talk = doing((hub) => hub.call('n'.repeat(64), 'x'.repeat(VALUE_BYTES_MAX - 2)))

  expect(talk.take(requested()).kind).toBe('change')
})

test('call ids count on over the functions', () => {
  const ids: string[] = []
  const talk = new Talk({
    onRequest: (_, hub) => {
      ids.push(hub.call('a', 1), hub.call('b', 1))
      return own
    },
    onAnswer: (state, _, hub) => {
      ids.push(hub.call('c', 1))
      return state
    },
  })

  talk.take(requested())
  talk.take(answered(1))

  expect(ids).toEqual(['f.1', 'f.2', 'f.3'])
  expect(talk.takeSent().map(([, detail]) => detail)).toEqual(['a f.1 #1', 'b f.2 #1', 'c f.3 #1'])
})

test(`${CALLS_MAX} calls are made, not one more`, () => {
  const calls = (count: number) =>
    doing((hub) => {
      for (let i = 0; i < count; i++) hub.call('a', i)
    })

  const talk = calls(CALLS_MAX)
  expect(talk.take(requested()).kind).toBe('change')
  expect(talk.timers.size).toBe(1 + CALLS_MAX)
  expect(() => calls(CALLS_MAX + 1).take(requested())).toThrow('at most 1000 calls')
})

test('a state that is too large is refused at the request, and whoever waits is told', () => {
  const talk = new Talk({ onRequest: () => ({ ...own, progress: ['x'.repeat(STATE_BYTES_MAX)] }) })

  expect(talk.take(requested({}, { replyTo: 'gateway_reply.1' }))).toMatchObject({
    kind: 'refuse',
    reason: expect.stringMatching(/would hold \d+ bytes, at most 524288 are kept/),
    sent: [{ body: { type: 'FLOW_REFUSED' } }, { to: { replyTo: 'gateway_reply.1' } }],
  })
})

test('a state that grows too large at a timer is an error, and the deadline still ends it', () => {
  const talk = new Talk({ onAnswer: (state) => ({ ...state, progress: ['x'.repeat(STATE_BYTES_MAX)] }) })
  talk.take(requested({ length: 1 }))
  for (let i = 0; i < 4; i++) talk.fire('call 1')

  expect(() => talk.fire('call 1')).toThrow('The flow f cannot go on: the conversation would hold')
  talk.fire('deadline')
  expect(talk.ends).toBe(1)
})

test('a conversation that is nearly full can still undo everything', () => {
  const talk = new Talk({
    onRequest: (_, hub) => {
      const undo = { name: 'b', input: 'u'.repeat(20_000) }
      for (let i = 0; i < 3; i++) hub.call('a', 'i'.repeat(60_000), { undo })
      hub.call('a', 1)
      return { ...own, of: 4 }
    },
  })
  talk.take(requested())
  for (const n of [1, 2, 3]) talk.take(answered(n))
  talk.take(answered(4, { status: 400, error: 'no' }))

  for (const n of [5, 6, 7]) expect(talk.take(answered(n)).kind).toBe('change')

  expect(failureIn(talk.sent)).toMatchObject({ undone: ['f.3', 'f.2', 'f.1'], notUndone: [] })
})

test('H1: the deadline ends the conversation although onTimeout makes it too large', () => {
  const talk = new Talk({
    onTimeout: (state, hub) => {
      hub.reply('late')
      return { ...state, progress: ['x'.repeat(STATE_BYTES_MAX)] }
    },
  })
  talk.take(requested())

  talk.fire('deadline')

  expect(talk).toMatchObject({ ends: 1, status: 'success' })
})

test('a contract may change what it kept in place: only what it returns counts, and only if all goes well', () => {
  const talk = new Talk({
    onAnswer: (state) => {
      state.progress.push('heard')
      return state
    },
  })
  talk.take(requested())

  talk.take(answered(1))

  expect(talk.own.progress).toEqual(['heard'])
})

test('a reply at the request ends the conversation with nothing armed', () => {
  const talk = doing((hub) => hub.reply({ at: 'once' }))

  expect(talk.take(requested())).toMatchObject({ status: 'success', ended: true, timers: [] })
  expect(talk.takeSent()).toEqual([['FLOW_SUCCEEDED', '']])
})

test('a failure at the request ends the conversation at once', () => {
  const talk = doing((hub) => hub.fail('not today'))

  talk.take(requested())

  expect(failureIn(talk.sent)).toMatchObject({ kind: 'worker-error', error: 'not today' })
  expect(talk).toMatchObject({ status: 'error', ends: 1 })
})

test('a call made before the end in the same function is sent, and nobody waits for it', () => {
  const talk = doing((hub) => [hub.call('tell', 1), hub.reply()])

  talk.take(requested())

  expect(talk.takeSent()).toEqual([
    ['FLOW_CALLED', 'tell f.1 #1'],
    ['FLOW_SUCCEEDED', ''],
  ])
  expect(talk.state.calls[0]?.state).toBe('abandoned')
  expect(talk.timers.size).toBe(0)
})

test('an error is cut to what a reply takes', () => {
  const talk = doing((hub) => hub.fail('x'.repeat(5_000)))

  talk.take(requested())

  expect(failureIn(talk.sent).error).toHaveLength(2_048)
})
