import { expect, test } from 'vitest'
import { fakeHeldOperations } from './fake-held.ts'
import { doneBody, groupBody, hubFixture, START_MS } from './hub-fixture.ts'
import { jobShown, put, ruleShown, shownKinds } from './shown-kinds.ts'

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
      { kind: 'journey', open: 0, oldestAgeMs: null },
    ],
    timers: { pending: 2, overdue: 1, frozen: 0, nextDue: '2026-01-01T00:00:10.000Z' },
    early: 1,
    outboxPending: 2,
    sidelines: { open: 0, parked: 0 },
    dead: { total: 0, byQueue: {} },
    unrouted: 0,
    replays: { running: 0 },
  })
})

/** A hub with two open rules and three jobs, and messages in every kind of place. */
async function heldFixture() {
  const held = fakeHeldOperations()
  const hub = await hubFixture({ kinds: shownKinds, held })
  await put(hub.store, 'sideline', { key: 'a', status: 'closed', state: ruleShown(), hasEnded: true })
  await put(hub.store, 'sideline', { key: 'b', status: 'active', state: ruleShown() })
  await put(hub.store, 'sideline', { key: 'c', status: 'resolving', state: ruleShown() })
  await put(hub.store, 'replay', { key: 'j1', status: 'running', state: jobShown() })
  await put(hub.store, 'replay', { key: 'j2', status: 'paused', state: jobShown() })
  await put(hub.store, 'replay', { key: 'j4', status: 'stopped', state: jobShown() })
  await put(hub.store, 'replay', { key: 'j3', status: 'completed', state: jobShown(), hasEnded: true })
  held.held.countByPlace.mockReturnValue([
    { place: 'ebs.sideline.b.process_consume', count: 7 },
    { place: 'ebs.sideline.c.1.process_consume', count: 3 },
    { place: 'ebs.sideline.b.activity.charge', count: 2 },
    { place: 'process_consume.dead', count: 200 },
    { place: 'activity.charge.dead', count: 4 },
    { place: 'ebs.unrouted', count: 5 },
  ])
  return hub
}

test('status says what is set aside, dead and unrouted, and what brings it back', async () => {
  await using hub = await heldFixture()

  expect((await hub.get('/api/status')).json()).toMatchObject({
    sidelines: { open: 2, parked: 12 },
    dead: { total: 204, byQueue: { process_consume: 200, 'activity.charge': 4 } },
    unrouted: 5,
    replays: { running: 1 },
  })
})

test('the metrics tell it by queue, with a zero for those that hold nothing, and the age of the oldest open rule', async () => {
  await using hub = await heldFixture()
  await hub.clock.advance(90_000)

  expect(linesOf(await hub.metricsText())).toMatchObject({
    ebs_sidelines_open: '2',
    ebs_sideline_oldest_seconds: '90',
    'ebs_messages_parked{queue="process_consume"}': '10',
    'ebs_messages_parked{queue="activity.charge"}': '2',
    'ebs_messages_parked{queue="distributor_consume"}': '0',
    'ebs_messages_held_dead{queue="process_consume"}': '200',
    'ebs_messages_held_dead{queue="activity.charge"}': '4',
    'ebs_messages_held_dead{queue="datagen_consume"}': '0',
    ebs_messages_held_unrouted: '5',
    ebs_replays_running: '1',
    ebs_replays_stopped: '1',
    ebs_timers_frozen: '0',
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

const linesOf = (text: string) =>
  Object.fromEntries(text.split('\n').flatMap((line) => (/^ebs_/.test(line) ? [line.split(' ')] : [])))
