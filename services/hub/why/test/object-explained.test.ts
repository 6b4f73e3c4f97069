import { describe, expect, test } from 'vitest'
import { at, deadRow, factsOf, objectGroup, parkedRow, QUEUES, rules, task, unconsumed } from './fact-book.ts'
import { type Case, commandsOf, expectTold } from './telling.ts'

const object = { id: 'o', tenant: 'acme', acceptedAt: at(-60_000), state: 'accepted' as const }
const unfinished = (...tasks: ReturnType<typeof task>[]) => ({
  object: { id: 'o', createdAt: at(-60_000) },
  tasks: { total: 3, finished: 3 - tasks.length, unfinished: tasks },
})

describe('an object', () => {
  test.each<Case>([
    {
      name: 'that is held up by a task that is parked',
      facts: factsOf('o', {
        datagen: { object },
        statistics: unfinished(task()),
        conversations: [objectGroup(['o.2'])],
        held: new Map([['o.2', [parkedRow()]]]),
        rules,
      }),
      tells: {
        kind: 'object',
        state: 'parked',
        summary: expect.stringMatching(
          /^The object o is in the works: 2 of 3 tasks are done\. The task o\.2 is parked by the rule acme-down .*Its deadline is /,
        ),
        where: { rule: 'acme-down' },
        waitsFor: { what: 'the task o.2', until: at(30_000) },
        commands: commandsOf('ebs sideline resolve acme-down', 'ebs timer move group:o:deadline', 'ebs group cancel o'),
        related: [{ kind: 'task', id: 'o.2', state: 'parked' }],
      },
    },
    {
      name: 'of whose tasks the one that needs somebody is told first',
      facts: factsOf('o', {
        datagen: { object },
        statistics: unfinished(task({ id: 'o.1' }), task({ id: 'o.2' })),
        conversations: [objectGroup(['o.1', 'o.2'])],
        held: new Map([['o.2', [deadRow()]]]),
        queues: QUEUES,
      }),
      tells: {
        state: 'dead',
        related: [
          { id: 'o.2', state: 'dead' },
          { id: 'o.1', state: 'in-flight' },
        ],
      },
    },
    {
      name: 'in datagen’s outbox',
      facts: factsOf('o', { datagen: { object, outbox: { ahead: 4 } } }),
      tells: {
        state: 'accepted',
        where: { service: 'datagen', place: 'outbox', ahead: 4 },
        waitsFor: { what: 'the broker' },
      },
    },
    {
      name: 'that nobody splits',
      facts: factsOf('o', { datagen: { object }, queues: unconsumed('distributor_consume') }),
      tells: { state: 'waiting', summary: expect.stringContaining('distributor_consume, which nobody consumes') },
    },
    {
      name: 'whose announcement is parked',
      facts: factsOf('o', {
        datagen: { object },
        held: new Map([['o', [parkedRow({ subject: 'o', type: 'OBJECT_CREATED', queue: 'distributor_consume' })]]]),
        rules,
      }),
      tells: {
        state: 'parked',
        summary: expect.stringContaining('its OBJECT_CREATED is parked by the rule acme-down'),
      },
    },
    {
      name: 'that is completed',
      facts: factsOf('o', {
        datagen: { object: { ...object, state: 'completed', endedAt: at(-900) } },
        conversations: [objectGroup([], { status: 'success' })],
        statistics: unfinished(),
      }),
      tells: { state: 'completed', commands: [], missing: [] },
    },
    {
      name: 'that was completed so long ago that only datagen remembers',
      facts: factsOf('o', { datagen: { object: { ...object, state: 'completed', endedAt: at(-900) } } }),
      tells: {
        state: 'completed',
        missing: [expect.stringContaining('EBS_HUB_KEEP_HOURS'), expect.stringContaining('EBS_STATISTICS_KEEP_DAYS')],
      },
    },
    {
      name: 'that timed out, with a task that is dead',
      facts: factsOf('o', {
        datagen: {
          object: { ...object, state: 'failed', endedAt: at(-900), error: 'Operation timed out after 60 seconds' },
        },
        statistics: unfinished(task()),
        conversations: [
          objectGroup(['o.2'], {
            status: 'failure',
            endedBy: 'timeout',
            entity: 'o',
            error: 'Operation timed out after 60 seconds',
          }),
        ],
        held: new Map([['o.2', [deadRow()]]]),
      }),
      tells: {
        state: 'timed-out',
        summary: expect.stringMatching(/timed out at .* 1 of its tasks had not finished: o\.2\. The task o\.2 is dead/),
        commands: commandsOf('ebs dead replay h1'),
      },
    },
    {
      name: 'that failed with a task',
      facts: factsOf('o', {
        datagen: { object: { ...object, state: 'failed', endedAt: at(-9), error: 'task o.2: no', missing: ['o.2'] } },
      }),
      tells: {
        state: 'failed',
        summary: expect.stringContaining('(task o.2: no). 1 of its tasks had not finished: o.2'),
      },
    },
    {
      name: 'whose hub is behind: a task of which statistics says that it is done, when it is asked for it by id',
      facts: factsOf('o', {
        datagen: { object },
        statistics: { object: { id: 'o' }, tasks: { total: 3, finished: 3, unfinished: [] } },
        tasks: [task({ finishedAt: at(-1) })],
        conversations: [objectGroup(['o.2'])],
        queues: new Map([...QUEUES, ['hub_consume', { isThere: true, messages: 9_000, consumers: 1 }]]),
      }),
      tells: {
        where: { queue: 'hub_consume', ahead: 9_000 },
        summary: expect.stringContaining('The hub has not heard that yet'),
        related: [{ kind: 'task', id: 'o.2', state: 'completed' }],
      },
    },
    {
      name: 'whose deadline comes before the next attempt at its task',
      facts: factsOf('o', {
        statistics: unfinished(
          task({ attempts: 5, failedAttempt: 5, error: 'e', retryAt: at(3_600_000), mark: { state: 'waiting' } }),
        ),
        conversations: [objectGroup(['o.2'])],
        queues: QUEUES,
      }),
      tells: { state: 'retrying', next: { what: expect.stringContaining('its deadline passes'), at: at(30_000) } },
    },
    {
      name: 'that failed with a worker’s words for a time limit, and whose group is forgotten',
      facts: factsOf('o', {
        datagen: {
          object: {
            ...{ ...object, state: 'failed', endedAt: at(-10) },
            error: 'Operation timed out after 30001 milliseconds with 0 bytes received',
          },
        },
      }),
      tells: { state: 'failed' },
    },
    {
      name: 'that timed out, and whose group is forgotten',
      facts: factsOf('o', {
        datagen: {
          object: { ...object, state: 'failed', endedAt: at(-10), error: 'Operation timed out after 60 seconds' },
        },
      }),
      tells: { state: 'timed-out' },
    },
    {
      name: 'whose hub has not heard that a task is done',
      facts: factsOf('o', {
        datagen: { object },
        statistics: unfinished(task({ finishedAt: at(-1) })),
        conversations: [objectGroup(['o.2'])],
        queues: unconsumed('hub_consume'),
      }),
      tells: { state: 'waiting', summary: expect.stringContaining('The hub has not heard that yet') },
    },
  ])('$name', expectTold)
})
