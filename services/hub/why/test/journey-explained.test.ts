import { describe, expect, test } from 'vitest'
import { explain, RELATED_MAX } from '../explain.ts'
import { at, deadRow, factsOf, journey, step, unconsumed } from './fact-book.ts'
import { type Case, commandsOf, expectTold } from './telling.ts'

describe('a journey, and its steps', () => {
  test.each<Case>([
    {
      name: 'whose activity nobody consumes',
      facts: factsOf('s.main', { conversations: [journey()], queues: unconsumed('activity.charge') }),
      tells: {
        kind: 'journey',
        state: 'waiting',
        summary: expect.stringMatching(
          /1 of 2 steps are done; the step charge waits for the activity charge, .*activity\.charge, which nobody consumes/,
        ),
        where: { queue: 'activity.charge' },
        next: { at: at(4_000) },
      },
    },
    {
      name: 'whose step is tried again',
      facts: factsOf('s.main', { conversations: [journey({ activities: { charge: step({ state: 'retrying' }) } })] }),
      tells: { state: 'retrying', waitsFor: { until: at(4_000) } },
    },
    {
      name: 'that needs a person',
      facts: factsOf('s.main', {
        conversations: [
          journey({
            ...{ status: 'NEEDS_REMEDIATION', phase: 'remediation', timers: [] },
            activities: { charge: step({ state: 'failed', error: 'card refused' }) },
            remediation: {
              cause: 'permanent',
              error: 'card refused',
              since: at(-9),
              steps: ['charge'],
              acts: ['retry', 'skip', 'cancel'],
            },
          }),
        ],
      }),
      tells: {
        state: 'needs-remediation',
        summary: expect.stringContaining('the step charge failed (permanent: card refused)'),
        commands: commandsOf(
          'ebs remediation retry s.main',
          "ebs remediation skip s.main --result null --reason '…'",
          'ebs remediation cancel s.main',
        ),
      },
    },
    {
      name: 'that is compensated',
      facts: factsOf('s.main', {
        conversations: [
          journey({ status: 'COMPENSATED', phase: 'ended', endedAt: at(-9), compensated: ['reserve'], error: 'no' }),
        ],
      }),
      tells: { state: 'compensated', summary: expect.stringContaining('taken back: reserve') },
    },
    {
      name: 'that waits for its definition',
      facts: factsOf('s.main', { conversations: [journey({ status: 'ACCEPTED', phase: 'waiting', activities: {} })] }),
      tells: { state: 'waiting', waitsFor: { what: 'a definition of order' } },
    },
    {
      name: 'a step whose request is dead',
      facts: factsOf('s.main:charge', {
        parents: [journey()],
        held: new Map([
          ['s.main', [deadRow({ queue: 'activity.charge', subject: 's.main', type: 'ACTIVITY_REQUESTED' })]],
        ]),
      }),
      tells: {
        kind: 'call',
        state: 'dead',
        commands: commandsOf('ebs dead replay h1'),
        related: [{ kind: 'journey', id: 's.main' }],
      },
    },
    {
      name: 'a step whose request is dead, of an attempt before this one',
      facts: factsOf('s.main:charge', {
        parents: [
          journey({
            activities: { charge: step({ attempt: 2, attempts: [{ attempt: 1, endedAt: at(-4_000), status: 504 }] }) },
          }),
        ],
        held: new Map([['s.main', [deadRow({ queue: 'activity.charge', subject: 's.main' })]]]),
        queues: new Map([['activity.charge', { isThere: true, messages: 0, consumers: 3 }]]),
      }),
      tells: { state: 'in-flight', commands: [] },
    },
    {
      name: 'a step, with lines about it and not about one whose name is longer',
      facts: factsOf('s.main:ship', {
        parents: [
          journey({
            activities: { ship: step() },
            history: [
              { at: at(-5), what: 'step shipping-label is done' },
              { at: at(-4), what: 'opened', detail: 'relationship' },
              { at: at(-3), what: 'called', detail: 'ship, attempt 1' },
            ],
          }),
        ],
      }),
      tells: { timeline: [{ detail: 'ship, attempt 1' }] },
    },
    {
      name: 'a step whose turn has not come',
      facts: factsOf('s.main:ship', {
        parents: [journey({ activities: { ship: step({ state: 'pending', after: ['charge'] }) } })],
      }),
      tells: { state: 'waiting', waitsFor: { what: 'the steps charge' } },
    },
  ])('$name', expectTold)

  test('of many steps those that are open are among what is shown', () => {
    const many = Array.from({ length: 500 }, (_, n) => [
      `s${n}`,
      step({ after: [], ...(n < 450 && { state: 'done' }), activity: `a${n}` }),
    ])

    const { related } = explain(
      factsOf('s.main', { conversations: [journey({ activities: Object.fromEntries(many) })] }),
    )

    expect(related.map(({ state }) => state)).toEqual(Array.from({ length: RELATED_MAX }, () => 'in-flight'))
  })
})
