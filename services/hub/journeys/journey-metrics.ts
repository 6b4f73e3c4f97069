import { z } from 'zod'
import type { Message } from '../../../shared/bus/broker.ts'
import type { Arrived } from '../../../shared/bus/stateful-consumer.ts'
import type { EventType } from '../../../shared/events.ts'
import type { Metrics } from '../../../shared/service/metrics.ts'
import { exchanges } from '../../../shared/topology.ts'

/** What becomes of a journey, by what is said of it. */
const statuses: ReadonlyMap<string | undefined, string> = new Map<EventType, string>([
  ['JOURNEY_STARTED', 'RUNNING'],
  ['JOURNEY_COMPLETED', 'COMPLETED'],
  ['JOURNEY_FAILED', 'FAILED'],
  ['JOURNEY_COMPENSATED', 'COMPENSATED'],
  ['JOURNEY_CANCELLED', 'CANCELLED'],
  ['JOURNEY_NEEDS_REMEDIATION', 'NEEDS_REMEDIATION'],
])
const named = z.object({ journeyType: z.string() })

/** Counts journeys and activities. Types that nobody has registered share one series, so that requests cannot make any number of them. */
export function measureJourneys(metrics: Metrics, isRegistered: (type: string) => boolean) {
  const journeys = metrics.counter({
    name: 'ebs_journeys_total',
    help: 'Journeys that came to a status, by type; those of types that are not registered have none.',
    by: ['status', 'type'],
  })
  const asked = metrics.counter({
    name: 'ebs_activities_asked_total',
    help: 'Attempts at activities that were asked for.',
    by: ['activity'],
  })
  const retried = metrics.counter({
    name: 'ebs_activities_retried_total',
    help: 'Of these, the ones that were not the first.',
    by: ['activity'],
  })
  const answered = metrics.counter({
    name: 'ebs_activities_answered_total',
    help: 'Answers of activities, by the family of their status: 200 done, 400 failed for good, 500 failed for now.',
    by: ['family'],
  })
  return {
    /** Told of every message that the broker has confirmed. */
    onPublished({ exchange, key, body, properties: { type, headers } }: Message): void {
      // Copies for those who wait for an end are the same end.
      if (exchange !== exchanges.events) return
      if (type === 'ACTIVITY_REQUESTED') {
        const activity = key.replace(/^activity\./, '')
        asked.of(activity).count++
        if (Number(headers?.['x-ebs-call-attempt'] ?? 1) > 1) retried.of(activity).count++
        return
      }
      const status = statuses.get(type)
      if (status === undefined) return
      const journeyType = findType(body)
      journeys.of(status, journeyType !== undefined && isRegistered(journeyType) ? journeyType : '').count++
    },
    /** Told of every batch that was handled. */
    onHeard(arrived: readonly Arrived[]): void {
      for (const one of arrived)
        if ('type' in one && (one.type === 'ACTIVITY_SUCCEEDED' || one.type === 'ACTIVITY_FAILED'))
          answered.of(`${Math.floor(one.data.status / 100)}00`).count++
    },
  }
}

/** Never throws: what the broker has confirmed is sent, whatever somebody made of the row by hand. */
function findType(body: Buffer): string | undefined {
  try {
    return named.safeParse(JSON.parse(body.toString())).data?.journeyType
  } catch {
    return undefined
  }
}
