import { describe, expect, test } from 'vitest'
import { INBOX_KEEP_MS } from '../../../../shared/store/inbox-retention.ts'
import { explain } from '../explain.ts'
import type { Facts } from '../facts.ts'
import {
  at,
  deadRow,
  factsOf,
  NOW_MS,
  objectGroup,
  parkedRow,
  QUEUES,
  RULE,
  rules,
  task,
  unconsumed,
} from './fact-book.ts'
import { type Case, commandsOf, expectTold } from './telling.ts'

const taskFacts = (said: Parameters<typeof task>[0], more: Partial<Facts> = {}) =>
  factsOf('o.2', { statistics: { task: task(said) }, queues: QUEUES, rules, ...more })

describe('a task', () => {
  const failed = { attempts: 2, failedAttempt: 2, error: 'no disk', errorAt: at(-3_000), processor: 'p1' }
  const waiting = { state: 'waiting', at: at(-3_000) }
  test.each<Case>([
    {
      name: 'in its queue, behind others',
      facts: taskFacts({}),
      tells: { kind: 'task', state: 'in-flight', where: { queue: 'process_consume', ahead: 7 }, commands: [] },
    },
    {
      name: 'in a queue that nobody consumes',
      facts: taskFacts({}, { queues: unconsumed('process_consume') }),
      tells: { state: 'waiting', waitsFor: { what: expect.stringContaining('a consumer of process_consume') } },
    },
    {
      name: 'being worked on',
      facts: taskFacts({ attempts: 1, startedAt: at(-2_000), processor: 'p1' }),
      tells: { state: 'in-flight', summary: `The task o.2 is being worked on by p1, attempt 1 since ${at(-2_000)}.` },
    },
    {
      name: 'begun by a processor that is gone, in a queue that nobody consumes',
      facts: taskFacts({ attempts: 1, processor: 'p1' }, { queues: unconsumed('process_consume') }),
      tells: {
        state: 'waiting',
        summary: expect.stringMatching(/was begun by p1 \(attempt 1\), and waits in .* which nobody consumes/),
      },
    },
    {
      name: 'in a later attempt, of which nobody knows when it began',
      facts: taskFacts({ attempts: 3, startedAt: at(-3_600_000), processor: 'p1' }),
      tells: { summary: 'The task o.2 is being worked on by p1, attempt 3.' },
    },
    {
      name: 'on the list of a job: nothing else may be done with it',
      facts: taskFacts({}, { held: new Map([['o.2', [deadRow({ state: 'chosen', job: 'r-7' })]]]) }),
      tells: {
        state: 'dead',
        waitsFor: { what: 'the job r-7' },
        commands: [{ command: 'ebs replay show r-7', does: expect.any(String) }],
      },
    },
    {
      name: 'dead for so long that it comes back by force only',
      facts: taskFacts({}, { held: new Map([['o.2', [deadRow({ heldAtMs: NOW_MS - INBOX_KEEP_MS - 1 })]]]) }),
      tells: { commands: commandsOf("ebs dead replay h1 --force --reason '…'") },
    },
    {
      name: 'waiting for its next attempt',
      facts: taskFacts({ ...failed, retryAt: at(5_000), mark: waiting }),
      tells: {
        state: 'retrying',
        summary: `The task o.2 failed in attempt 2 (no disk) and is tried again at ${at(5_000)}.`,
        waitsFor: { until: at(5_000) },
        next: { what: 'attempt 3', at: at(5_000) },
      },
    },
    {
      name: 'whose next attempt is due',
      facts: taskFacts({ ...failed, retryAt: at(-1), mark: waiting }),
      tells: { state: 'in-flight', summary: expect.stringContaining('was due for attempt 3') },
    },
    {
      name: 'in the attempt after one that failed',
      facts: taskFacts({ ...failed, attempts: 3, retryAt: at(5_000), mark: { state: 'inFlight', at: at(-1) } }),
      tells: { state: 'in-flight', summary: expect.stringContaining('attempt 3') },
    },
    {
      name: 'parked, as the catalogue knows',
      facts: taskFacts({ ...failed, retryAt: at(5_000), mark: waiting }, { held: new Map([['o.2', [parkedRow()]]]) }),
      tells: {
        state: 'parked',
        summary: `The task o.2 is parked by the rule acme-down (ann: their database is down) since ${at(-5_000)}.`,
        where: { queue: 'process_consume', rule: 'acme-down', place: 'ebs.sideline.acme-down.process_consume' },
        commands: commandsOf('ebs sideline resolve acme-down'),
      },
    },
    {
      name: 'parked, as only statistics has heard',
      facts: taskFacts({ mark: { state: 'parked', at: at(-1_000), by: 'acme-down' } }),
      tells: { state: 'parked', where: { rule: 'acme-down' }, commands: commandsOf('ebs sideline resolve acme-down') },
    },
    {
      name: 'dead',
      facts: taskFacts(
        { ...failed, failedAt: at(-5_000), mark: { state: 'dead' } },
        { held: new Map([['o.2', [deadRow()]]]) },
      ),
      tells: {
        state: 'dead',
        summary: expect.stringContaining('after 26 attempts (exhausted: Error: no disk)'),
        where: { place: 'process_consume.dead' },
        commands: commandsOf('ebs dead replay h1', 'ebs dead discard h1'),
      },
    },
    {
      name: 'on its way back from the dead',
      facts: taskFacts(
        { mark: { state: 'dead' } },
        { held: new Map([['o.2', [deadRow({ state: 'released', job: 'r-7' })]]]) },
      ),
      tells: { state: 'in-flight', commands: commandsOf('ebs replay show r-7') },
    },
    {
      name: 'that failed once more after it came back',
      facts: taskFacts(
        { ...failed, retryAt: at(5_000), mark: waiting },
        { held: new Map([['o.2', [deadRow({ state: 'released', job: 'r-7' })]]]) },
      ),
      tells: { state: 'retrying' },
    },
    {
      name: 'dropped',
      facts: taskFacts(
        { mark: { state: 'discarded' } },
        { held: new Map([['o.2', [deadRow({ state: 'discarded', job: 'r-7' })]]]) },
      ),
      tells: { state: 'discarded', summary: expect.stringContaining('dropped by the job r-7') },
    },
    {
      name: 'archived',
      facts: taskFacts({}, { held: new Map([['o.2', [deadRow({ state: 'archived', job: 'r-7' })]]]) }),
      tells: { state: 'discarded', summary: expect.stringContaining('put into the archive') },
    },
    {
      name: 'done at the second attempt',
      facts: taskFacts({ ...failed, finishedAt: at(-100) }),
      tells: {
        state: 'completed',
        summary: `The task o.2 is done since ${at(-100)} in attempt 2, after no disk.`,
        commands: [],
      },
    },
    {
      name: 'done, with news that is dead',
      facts: taskFacts(
        { finishedAt: at(-100) },
        {
          held: new Map([
            ['o.2', [deadRow({ type: 'TASK_FINISHED', queue: 'hub_consume', place: 'hub_consume.dead' })]],
          ]),
        },
      ),
      tells: { state: 'dead', summary: expect.stringContaining('its TASK_FINISHED for hub_consume is dead') },
    },
    {
      name: 'that only its group knows, while statistics does not answer',
      facts: factsOf('o.2', { parents: [objectGroup(['o.2'])], queues: QUEUES, statistics: undefined }),
      tells: { kind: 'task', state: 'unknown', summary: expect.stringContaining('only statistics knows') },
    },
    {
      name: 'that only its group knows',
      facts: factsOf('o.2', { parents: [objectGroup(['o.2'])], queues: QUEUES }),
      tells: {
        kind: 'task',
        state: 'in-flight',
        related: [{ kind: 'object', id: 'o' }],
        missing: [expect.stringContaining('EBS_STATISTICS_KEEP_DAYS')],
      },
    },
  ])('$name', expectTold)

  test.each([
    { status: 'active', does: 'resolve' },
    { status: 'starting', does: 'resolve' },
    { status: 'resolving', does: 'show' },
    { status: 'draining', does: 'show' },
    { status: 'discarding', does: 'show' },
    { status: 'resolving', waitsFor: 'somebody to act: it has stopped', does: 'resolve' },
    { status: 'discarding', waitsFor: 'somebody to act: it has stopped', does: 'discard' },
    { status: 'closed', does: 'show' },
    { status: 'discarded', does: 'show' },
    { status: undefined, does: 'show' },
  ])(
    'parked by a rule that is $status: `ebs sideline $does` is what would not be refused',
    ({ status, waitsFor, does }) => {
      const rule = new Map(status === undefined ? [] : [['acme-down', { ...RULE, status, waitsFor }]])
      const facts = taskFacts({}, { held: new Map([['o.2', [parkedRow()]]]), rules: rule })

      expect(explain(facts).commands[0]?.command).toMatch(new RegExp(`^ebs sideline ${does} acme-down`))
      expect(explain(facts).commands.length).toBe(does === 'show' ? 1 : 2)
    },
  )
})
