import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Body } from '../../events.ts'
import type { Failure, HubContract } from '../hub.ts'
import { hubKind } from '../hub-kind.ts'
import {
  answered,
  CALL_MS,
  DEADLINE_MS,
  type Flow,
  failed,
  failureIn,
  flow,
  type Own,
  requested,
  Talk,
} from './hub-fixture.ts'

/** Two installs of which the first has succeeded, kept by another version of the contract, which this one cannot read. */
const old = { steps: ['install'] }
const misread = (contract: Partial<Flow> = {}) => {
  const talk = new Talk(contract)
  talk.take(requested({ length: 2 }))
  talk.take(answered(1))
  talk.takeSent()
  talk.replaceOwn(old)
  return talk
}
const unread = /; what it kept cannot be read any more: state\.of: .*; state\.ends: /

describe('a conversation whose state the contract cannot read any more', () => {
  test.each<[what: string, act: (talk: Talk) => unknown]>([
    ['an answer', (talk) => talk.take(answered(2))],
    ['a sign of progress', (talk) => talk.take(answered(2, { complete: false }))],
    ['a call that times out for good', (talk) => talk.wait(CALL_MS)],
  ])('%s that the contract would hear of is an error that says what to do', (_, act) => {
    const talk = misread()

    expect(() => act(talk)).toThrow(
      /^The flow f keeps a state that its contract cannot read: state\.of: .* Deploy a contract that can\.$/,
    )
    expect(talk.state.own).toEqual(old)
  })

  test('what the contract does not hear of goes on: another attempt, another asker, a late answer', () => {
    const talk = misread()

    talk.take(answered(2, { status: 503, error: 'busy' }))
    talk.fire('call 2')
    talk.take(requested({ length: 2 }, { replyTo: 'gateway_reply.1' }))

    expect(talk.takeSent()).toEqual([['FLOW_CALLED', 'install f.2 #2']])
    expect(talk.take(answered(1))).toMatchObject({ kind: 'ignore', why: 'duplicate' })
    expect(talk.state.own).toEqual(old)
  })

  test.each<[what: string, kind: string, error: string, act: (talk: Talk) => unknown]>([
    ['its deadline', 'hub-timeout', `did not end within its deadline of ${DEADLINE_MS} ms`, (t) => t.fire('deadline')],
    ['an operator', 'cancelled', 'Cancelled by ann: r', (t) => t.take({ act: 'cancel', actor: 'ann', reason: 'r' })],
  ])('H1: %s ends it, with the error named', (_, kind, error, act) => {
    const talk = misread({ onTimeout: () => expect.unreachable('it would get a state that is none') })

    act(talk)

    const failure = failureIn(talk.sent)
    expect(failure).toMatchObject({ kind, error: expect.stringContaining(error), notUndone: ['f.1', 'f.2'] })
    expect(failure.error).toMatch(unread)
    expect(talk).toMatchObject({ status: 'error', ends: 1, timers: new Map() })
  })

  test('H9: what was failing already is undone', () => {
    const talk = misread()
    talk.replaceOwn({ of: 2, ends: {}, progress: [], tolerant: false })
    talk.take(answered(2, { status: 400, error: 'no' }))
    talk.replaceOwn(old)

    talk.take(answered(3))

    expect(failureIn(talk.sent)).toMatchObject({ error: expect.stringMatching(unread), undone: ['f.1'], notUndone: [] })
  })

  test('its failure is told with the request, and without a state', () => {
    const failures: Failure<'FLOW_REQUESTED', Own>[] = []
    const telling = (failure: Failure<'FLOW_REQUESTED', Own>): Body => {
      failures.push(failure)
      return failed(failure)
    }
    const talk = misread({ says: { ...flow.says, failed: telling } })

    talk.fire('deadline')

    expect(failures).toEqual([
      expect.objectContaining({ request: expect.objectContaining({ flowId: 'f', length: 2 }), state: undefined }),
    ])
  })

  test('the view shows what is kept as it is', () => {
    const talk = misread()
    expect(talk.view).toMatchObject({ state: old, phase: 'running' })

    talk.fire('deadline')

    expect(talk.view).toMatchObject({ state: old, phase: 'ended' })
  })

  test('a contract that can read it again goes on', () => {
    const talk = misread()
    expect(() => talk.take(answered(2))).toThrow()
    talk.replaceOwn({ of: 2, ends: { 'f.1': 'answer' }, progress: [], tolerant: false })

    talk.take(answered(2))

    expect(talk.takeSent()).toEqual([['FLOW_CALLED', 'check f.3 #1']])
  })
})

test('a schema that throws is one that cannot read: the deadline ends the conversation', () => {
  const state = flow.state.refine(() => {
    throw new TypeError('a mistake in a schema')
  })
  const talk = new Talk({ state })
  talk.take(requested())

  expect(() => talk.take(answered(1))).toThrow('a mistake in a schema')
  talk.fire('deadline')

  expect(failureIn(talk.sent).error).toContain('TypeError: a mistake in a schema')
})

test('the functions get what the schema makes of what is kept', () => {
  const upgraded = flow.state.and(z.object({ since: z.string().default('v2') }))
  const talk = new Talk({ state: upgraded, onAnswer: (state) => state })
  talk.take(requested())

  talk.take(answered(1, { complete: false }))

  expect(talk.state.own).toHaveProperty('since', 'v2')
})

test('a contract that keeps nothing is one, too', () => {
  const refused = () => ({ type: 'FLOW_REFUSED', flowId: 'f', error: '' }) as const
  const nothing: HubContract<'FLOW_REQUESTED', 'FLOW_CALL_ANSWERED', undefined> = {
    ...flow,
    state: z.undefined(),
    onRequest: () => undefined,
    onAnswer: () => undefined,
    says: { ...flow.says, replied: refused, failed },
  }
  const talk = new Talk({}, hubKind(nothing))
  talk.take(requested())

  talk.take({ timer: 'deadline', dueMs: 0 })

  expect(failureIn(talk.sent).error).toBe(`The flow did not end within its deadline of ${DEADLINE_MS} ms`)
})

test.each(['replied', 'failed'] as const)('says.%s that throws fails the timer, so that it comes again', (name) => {
  const says = {
    ...flow.says,
    [name]: () => {
      throw new Error('a mistake in a contract')
    },
  }
  const onTimeout: Flow['onTimeout'] = (state, hub) => {
    if (name === 'replied') hub.reply()
    return state
  }
  const talk = new Talk({ says, onTimeout })
  talk.take(requested())

  expect(() => talk.take({ timer: 'deadline', dueMs: 0 })).toThrow('a mistake in a contract')
  expect(talk).toMatchObject({ ends: 0, status: 'running' })
})

test('a reply is told the state that the function which gave it has returned', () => {
  const talk = new Talk({
    onAnswer: (state, _, hub) => {
      hub.reply()
      return { ...state, of: 9 }
    },
  })
  talk.take(requested({ length: 1 }))

  talk.take(answered(1))

  expect(talk.sent.at(-1)).toMatchObject({ body: { type: 'FLOW_SUCCEEDED', length: 9 } })
})
