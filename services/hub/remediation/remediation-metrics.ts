import type { Logger } from 'pino'
import { z } from 'zod'
import type { Message } from '../../../shared/bus/broker.ts'
import type { Metrics } from '../../../shared/service/metrics.ts'
import { exchanges } from '../../../shared/topology.ts'
import { JOURNEY, type Operations } from '../operations.ts'
import { attentions } from './remediation-item.ts'

/** Who has as many needs no exact number. */
const COUNTED_MAX = 1_000
const acted = z.object({ act: z.string() })

/** Shows how many journeys need a person. */
export function measureRemediation(metrics: Metrics, { store }: Pick<Operations, 'store'>): void {
  metrics.gaugeBy(
    {
      name: 'ebs_remediation_items',
      help: 'Journeys that need a person, by why; each counted up to 1,000.',
      by: ['attention'],
    },
    async () => {
      const counts = []
      for (const attention of attentions) {
        const which = { kind: JOURNEY, attention, limit: COUNTED_MAX }
        counts.push({ labels: { attention }, value: await store.reader.countAttention(which) })
      }
      return counts
    },
  )
}

/** Logs and counts journeys that the sweep could not look after. */
export function measureFailures(
  metrics: Metrics,
  log: Pick<Logger, 'error'>,
): (sagaId: string, error: unknown) => void {
  const failures = metrics.counter({
    name: 'ebs_remediation_failures_total',
    help: 'Journeys that could not be looked after, as those that cannot be read; again with each look at them.',
    by: ['during'],
  })
  return (sagaId, error) => {
    failures.of('sweep').count++
    log.error({ journey: sagaId, err: error }, 'could not look after a journey; going on with the others')
  }
}

/** Counts what people decide; gives what is to be told of every message that the broker has confirmed. */
export function measureActs(metrics: Metrics): (message: Message) => void {
  const acts = metrics.counter({
    name: 'ebs_remediation_acts_total',
    help: 'Decisions of people, and of jobs, about journeys.',
    by: ['act'],
  })
  return ({ exchange, body, properties: { type } }) => {
    if (exchange === exchanges.events && type === 'JOURNEY_REMEDIATED')
      acts.of(acted.parse(JSON.parse(body.toString())).act).count++
  }
}
