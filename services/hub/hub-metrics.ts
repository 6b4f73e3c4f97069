import type { Metrics } from '../../shared/service/metrics.ts'
import { queues } from '../../shared/topology.ts'
import { countHeld } from './held-counts.ts'
import { type Operations, SIDELINE } from './operations.ts'
import { countOverdue, countRunning, countStopped } from './status-routes.ts'

const MS_PER_S = 1_000

/** Counts what the kernel tells of its work. */
export function measureInputs(metrics: Metrics) {
  const ignored = metrics.counter({
    name: 'ebs_inputs_ignored_total',
    help: 'Events and timers that changed nothing: late, unknown, duplicate, stale or in conflict.',
    by: ['kind', 'why'],
  })
  const lateness = metrics.durations({
    name: 'ebs_timer_lateness_seconds',
    help: 'How long after its due time a timer fired.',
    by: [],
  })
  return {
    onIgnored: (kind: string, why: string) => void ignored.of(kind, why).count++,
    onFired: (latenessMs: number) => lateness.of('').observe(latenessMs / MS_PER_S),
  }
}

/** Shows what is open, waits and is late. */
export function measureHub(metrics: Metrics, operations: Operations): void {
  const { store, clock } = operations
  const { reader } = store
  const byKind = async (value: (one: { count: number; oldestMs: number }) => number) => {
    const open = new Map((await reader.countOpen()).map((one) => [one.kind, one]))
    return operations.kinds.map(({ name: kind }) => {
      const one = open.get(kind)
      return { labels: { kind }, value: one ? value(one) : 0 }
    })
  }
  metrics.gaugeBy({ name: 'ebs_conversations_open', help: 'Conversations that go on.', by: ['kind'] }, () =>
    byKind(({ count }) => count),
  )
  metrics.gaugeBy(
    { name: 'ebs_conversation_oldest_seconds', help: 'Age of the oldest conversation that goes on.', by: ['kind'] },
    () => byKind(({ oldestMs }) => Math.max(0, clock.now() - oldestMs) / MS_PER_S),
  )
  metrics.gauge('ebs_timers_pending', 'Timers that have not fired yet.', () => reader.countTimers())
  metrics.gauge('ebs_timers_overdue', 'Of these, the ones whose time has passed, counted up to 1,000.', () =>
    countOverdue(reader, clock.now()),
  )
  metrics.gauge('ebs_timers_frozen', 'Timers that stand still because a message of their thread is set aside.', () =>
    reader.countFrozenTimers(),
  )
  metrics.gauge('ebs_early_events', 'Events that came before their conversation and are kept for it.', () =>
    reader.countEarly(),
  )
  metrics.gauge('ebs_outbox_pending', 'Messages that the broker has not confirmed yet.', () => store.countPending())
  measureHeld(metrics, operations)
}

/** Shows what is set aside or dead: a rule that nobody remembers is an incident of its own. */
function measureHeld(metrics: Metrics, operations: Operations): void {
  const { held, clock, store } = operations
  const open = async () => (await store.reader.countOpen()).find(({ kind }) => kind === SIDELINE)
  metrics.gauge(
    'ebs_sidelines_open',
    'Sideline rules that set messages aside, or bring them back.',
    async () => (await open())?.count ?? 0,
  )
  metrics.gauge('ebs_sideline_oldest_seconds', 'Age of the oldest sideline rule that is open.', async () => {
    const { oldestMs = clock.now() } = (await open()) ?? {}
    return Math.max(0, clock.now() - oldestMs) / MS_PER_S
  })
  metrics.gaugeBy(
    { name: 'ebs_messages_parked', help: 'Messages that sideline rules hold.', by: ['queue'] },
    async () => byQueue((await countHeld(held)).parked),
  )
  metrics.gaugeBy({ name: 'ebs_messages_held_dead', help: 'Messages in dead queues.', by: ['queue'] }, async () =>
    byQueue((await countHeld(held)).dead),
  )
  metrics.gauge('ebs_messages_held_unrouted', 'Messages that no queue wanted.', async () => {
    const { unrouted } = await countHeld(held)
    return unrouted
  })
  metrics.gauge('ebs_replays_running', 'Jobs that bring messages back, drop or archive them, counted up to 100.', () =>
    countRunning(store.reader),
  )
  metrics.gauge('ebs_replays_stopped', 'Jobs that stopped because too much failed again, counted up to 100.', () =>
    countStopped(store.reader),
  )
}

/** With a zero for every queue that has none, so that an alert sees it end. */
const byQueue = (counts: ReadonlyMap<string, number>) =>
  [...new Set([...Object.keys(queues), ...counts.keys()])].map((queue) => ({
    labels: { queue },
    value: counts.get(queue) ?? 0,
  }))
