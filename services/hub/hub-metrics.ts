import type { Metrics } from '../../shared/service/metrics.ts'
import type { Operations } from './operations.ts'
import { countOverdue } from './status-routes.ts'

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
  const { store, now } = operations
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
    () => byKind(({ oldestMs }) => Math.max(0, now() - oldestMs) / MS_PER_S),
  )
  metrics.gauge('ebs_timers_pending', 'Timers that have not fired yet.', () => reader.countTimers())
  metrics.gauge('ebs_timers_overdue', 'Of these, the ones whose time has passed, counted up to 1,000.', () =>
    countOverdue(reader, now()),
  )
  metrics.gauge('ebs_early_events', 'Events that came before their conversation and are kept for it.', () =>
    reader.countEarly(),
  )
  metrics.gauge('ebs_outbox_pending', 'Messages that the broker has not confirmed yet.', () => store.countPending())
}
