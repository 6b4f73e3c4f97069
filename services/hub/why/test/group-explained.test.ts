import { describe, expect, test } from 'vitest'
import { at, deadRow, factsOf, group, parkedRow, rules } from './fact-book.ts'
import { type Case, commandsOf, expectTold } from './telling.ts'

describe('a group', () => {
  const lunch = (missing: string[], said = {}) => group('lunch', missing, said, ['ann', 'bob'])
  test.each<Case>([
    {
      name: 'that waits for members',
      facts: factsOf('lunch', { conversations: [lunch(['bob'])] }),
      tells: {
        kind: 'group',
        state: 'waiting',
        waitsFor: { what: 'results of bob', until: at(30_000) },
        next: { at: at(30_000) },
        commands: commandsOf('ebs timer move group:lunch:deadline', 'ebs group cancel lunch'),
        related: [{ kind: 'member', id: 'bob', state: 'missing' }],
      },
    },
    {
      name: 'whose news are dead, which are about the group whoever they are of',
      facts: factsOf('lunch', {
        conversations: [lunch(['bob'])],
        held: new Map([
          ['lunch', [deadRow({ queue: 'hub_consume', type: 'EventGroupCollectorEntityDone', subject: 'lunch' })]],
        ]),
      }),
      tells: {
        state: 'dead',
        summary: expect.stringContaining('its EventGroupCollectorEntityDone m2 is dead'),
        commands: commandsOf('ebs dead replay h1', 'ebs timer move', 'ebs group cancel'),
        related: [{ id: 'bob', why: expect.stringContaining('one message for its group is held') }],
      },
    },
    {
      name: 'with a day left: more time is more than it has',
      facts: factsOf('lunch', {
        conversations: [
          lunch(['bob'], {
            timers: [
              {
                ...{ id: 'group:lunch:deadline', kind: 'group', key: 'lunch', name: 'deadline' },
                ...{ token: 1, due: at(86_400_000), overdueMs: 0 },
              },
            ],
          }),
        ],
      }),
      tells: { commands: commandsOf(`--to ${at(86_400_000 + 1_800_000)} `) },
    },
    {
      name: 'whose deadline stands still',
      facts: factsOf('lunch', {
        conversations: [
          lunch(['bob'], { timers: [], frozenTimers: [{ id: 'x', name: 'deadline', leftMs: 700, since: at(-9) }] }),
        ],
      }),
      tells: { state: 'waiting', next: { what: expect.stringContaining('700 ms are left') } },
    },
    {
      name: 'that timed out: who was missing, and where that is now',
      facts: factsOf('lunch', {
        conversations: [
          lunch(['bob'], {
            status: 'failure',
            endedBy: 'timeout',
            entity: 'lunch',
            error: 'Operation timed out after 60 seconds',
          }),
        ],
        held: new Map([['bob', [parkedRow({ subject: 'bob' })]]]),
        rules,
      }),
      tells: {
        state: 'timed-out',
        summary: expect.stringMatching(
          /missing when it ended: bob\. bob: its message m2 is parked by the rule acme-down/,
        ),
        related: [{ kind: 'member', id: 'bob', state: 'parked' }],
      },
    },
    {
      name: 'that is complete',
      facts: factsOf('lunch', { conversations: [lunch([], { status: 'success' })] }),
      tells: { state: 'completed' },
    },
    {
      name: 'that somebody cancelled',
      facts: factsOf('lunch', {
        conversations: [lunch(['bob'], { status: 'failure', endedBy: 'cancel', entity: 'lunch', error: 'x' })],
      }),
      tells: { state: 'cancelled' },
    },
    {
      name: 'of which only results have come',
      facts: factsOf('lunch', { early: [{ kind: 'group', count: 2, sinceMs: 0 }] }),
      tells: { kind: 'group', state: 'waiting', summary: expect.stringContaining('2 events wait for it') },
    },
    {
      name: 'whose beginning is parked',
      facts: factsOf('lunch', {
        held: new Map([
          ['lunch', [parkedRow({ subject: 'lunch', type: 'EventGroupCollectorCreate', queue: 'hub_consume' })]],
        ]),
        rules,
      }),
      tells: {
        kind: 'group',
        state: 'parked',
        summary: expect.stringContaining('has not begun: EventGroupCollectorCreate is parked'),
      },
    },
    {
      name: 'that is over, beside a flow of the same id that is not: the flow is told first',
      facts: factsOf('lunch', {
        statistics: {
          entries: [
            { kind: 'group', outcome: 'done' },
            { kind: 'flow', mark: { state: 'parked', by: 'acme-down' } },
          ],
        },
        rules,
      }),
      tells: { kind: 'flow', state: 'parked', related: [{ kind: 'group', state: 'completed' }] },
    },
    {
      name: 'beside a flow of the same id that only statistics has heard of',
      facts: factsOf('lunch', {
        conversations: [lunch(['bob'])],
        statistics: { entries: [{ kind: 'flow', mark: { state: 'parked', by: 'acme-down' } }] },
        rules,
      }),
      tells: {
        kind: 'group',
        related: expect.arrayContaining([expect.objectContaining({ kind: 'flow', state: 'parked' })]),
      },
    },
    {
      name: 'that the hub has forgotten',
      facts: factsOf('lunch', { statistics: { entries: [{ kind: 'group', outcome: 'done' }] } }),
      tells: { kind: 'group', state: 'completed', missing: [expect.stringContaining('EBS_HUB_KEEP_HOURS')] },
    },
  ])('$name', expectTold)
})
