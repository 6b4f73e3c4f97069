import { describe, expect, test } from 'vitest'
import { at, call, factsOf, flow, parkedRow, rules, unconsumed } from './fact-book.ts'
import { type Case, expectTold } from './telling.ts'

describe('a flow, and its calls', () => {
  test.each<Case>([
    {
      name: 'that waits for a call which nobody takes',
      facts: factsOf('f', {
        conversations: [flow('f', { calls: [call()] })],
        queues: unconsumed('flow_worker_consume'),
      }),
      tells: {
        kind: 'flow',
        state: 'waiting',
        summary: expect.stringContaining('flow_worker_consume, which nobody consumes'),
        next: { what: 'without an answer, attempt 2', at: at(1_000) },
      },
    },
    {
      name: 'of two calls, a request of which is parked: it may be of either',
      facts: factsOf('f', {
        conversations: [flow('f', { calls: [call(), call({ callId: 'f.2' })] })],
        held: new Map([['f', [parkedRow({ queue: 'flow_worker_consume', subject: 'f', type: 'FLOW_CALLED' })]]]),
        rules,
      }),
      tells: {
        state: 'parked',
        related: [
          { id: 'f.1', state: 'waiting', why: expect.stringContaining("may be this one's or another one's") },
          { id: 'f.2', state: 'waiting' },
        ],
      },
    },
    {
      name: 'whose times stand still: nothing comes at a time that has passed',
      facts: factsOf('f', {
        conversations: [
          flow('f', {
            calls: [call({ deadline: at(-40_000) })],
            timers: [],
            frozenTimers: [{ id: 'flow:f:call~201', name: 'call 1', leftMs: 900, since: at(-45_000) }],
          }),
        ],
      }),
      tells: {
        waitsFor: { what: 'an answer' },
        next: { what: `without an answer, attempt 2; its time stands still since ${at(-45_000)}, 900 ms are left` },
      },
    },
    {
      name: 'whose call is tried again',
      facts: factsOf('f', { conversations: [flow('f', { calls: [call({ state: 'backoff', retryAt: at(200) })] })] }),
      tells: { state: 'retrying', next: { what: 'attempt 2', at: at(200) } },
    },
    {
      name: 'that waits for nothing but its deadline',
      facts: factsOf('f', { conversations: [flow('f')] }),
      tells: { state: 'waiting', waitsFor: { what: 'its deadline', until: at(9_000) } },
    },
    {
      name: 'that is done',
      facts: factsOf('f', { conversations: [flow('f', { status: 'success' })] }),
      tells: { state: 'completed' },
    },
    {
      name: 'that timed out',
      facts: factsOf('f', {
        conversations: [flow('f', { status: 'error', failure: { error: 'late' }, result: { kind: 'hub-timeout' } })],
      }),
      tells: { state: 'timed-out' },
    },
    {
      name: 'a call by its id',
      facts: factsOf('f.1', { parents: [flow('f', { calls: [call({ state: 'done' })] })] }),
      tells: { kind: 'call', state: 'completed', related: [{ kind: 'flow', id: 'f' }] },
    },
    {
      name: 'a call by its name',
      facts: factsOf('f:install', {
        parents: [flow('f', { calls: [call(), call({ callId: 'f.2', state: 'done' })] })],
      }),
      tells: { kind: 'call', summary: expect.stringContaining('The call f.2 (install)') },
    },
  ])('$name', expectTold)
})
