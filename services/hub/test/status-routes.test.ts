import { expect, test } from 'vitest'
import { doneBody, groupBody, hubFixture, START_MS } from './hub-fixture.ts'

test('status says what is open, since when, what waits and what is late', async () => {
  await using hub = await hubFixture()
  await hub.hear(groupBody('g1', ['a'], 10))
  await hub.clock.advance(5_000)
  await hub.hear(groupBody('g2', ['a'], 10), doneBody('unopened', 'a'))
  await hub.clock.advance(6_000)

  expect((await hub.get('/api/status')).json()).toEqual({
    conversations: [
      { kind: 'group', open: 2, oldestAgeMs: 11_000 },
      { kind: 'flow', open: 0, oldestAgeMs: null },
    ],
    timers: { pending: 2, overdue: 1, nextDue: '2026-01-01T00:00:10.000Z' },
    early: 1,
    outboxPending: 2,
  })
})

test('what changed nothing is counted by kind, reason and type', async () => {
  await using hub = await hubFixture()
  await hub.hear(groupBody('g1', ['a', 'b']), doneBody('g1', 'a'), doneBody('g1', 'x'))
  await hub.clock.advance(1_000)
  await hub.hear({ ...doneBody('g1', 'a'), type: 'EventGroupCollectorEntityDone', id: 'a', group: 'g1', result: 2 })

  expect((await hub.get('/api/ignored')).json().items).toEqual([
    {
      kind: 'group',
      why: 'duplicate',
      type: 'EventGroupCollectorEntityDone',
      count: 1,
      lastKey: 'g1',
      lastAt: '2026-01-01T00:00:01.000Z',
    },
    expect.objectContaining({ why: 'unknown', count: 1, lastAt: '2026-01-01T00:00:00.000Z' }),
  ])
})

test('the metrics tell the same', async () => {
  await using hub = await hubFixture()
  await hub.hear(groupBody('g1', ['a'], 10), doneBody('g1', 'x'), doneBody('unopened', 'a'))
  await hub.clock.advance(10_020)
  await hub.hear(groupBody('g2', ['a'], 10))

  const before = await hub.metricsText()
  await hub.hear({ type: 'TIMERS_DUE', slotMs: START_MS + 10_000 })
  const after = await hub.metricsText()

  const linesOf = (text: string) =>
    Object.fromEntries(text.split('\n').flatMap((line) => (/^ebs_/.test(line) ? [line.split(' ')] : [])))
  expect(linesOf(before)).toMatchObject({
    'ebs_conversations_open{kind="group"}': '2',
    'ebs_conversations_open{kind="flow"}': '0',
    'ebs_conversation_oldest_seconds{kind="group"}': '10.02',
    'ebs_conversation_oldest_seconds{kind="flow"}': '0',
    ebs_timers_pending: '2',
    ebs_timers_overdue: '1',
    ebs_early_events: '1',
    ebs_outbox_pending: '2',
    'ebs_inputs_ignored_total{kind="group",why="unknown"}': '1',
  })
  expect(linesOf(after)).toMatchObject({
    'ebs_conversations_open{kind="group"}': '1',
    ebs_timers_pending: '1',
    ebs_timers_overdue: '0',
    'ebs_timer_lateness_seconds_bucket{le="0.01"}': '0',
    'ebs_timer_lateness_seconds_bucket{le="0.025"}': '1',
    ebs_timer_lateness_seconds_count: '1',
  })
  // The end of a group beside the two wake-ups.
  expect(linesOf(after).ebs_outbox_pending).toBe('3')
})
