import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { Durations } from './duration-histogram.ts'
import type { Recorder } from './recorder.ts'
import { type Count, counterFamily, durationFamily, type Family } from './series.ts'

/** A service's metrics in Prometheus' text format; messaging and HTTP names are those of OpenTelemetry's conventions. */
export interface Metrics {
  readonly recorder: Recorder
  readonly contentType: string
  text(): Promise<string>
  /** A value that is asked for when metrics are read. */
  gauge(name: string, help: string, read: () => number | Promise<number>): void
  /** Values under labels, asked for when metrics are read; what is no longer among them is gone. */
  gaugeBy(named: Named, read: () => readonly Labelled[] | Promise<readonly Labelled[]>): void
  /** Counts things: `counter.of('group', 'late').count++`. */
  counter(named: Named): Family<Count>
  /** Times things, in seconds: `durations.of('group').observe(0.02)`. */
  durations(named: Named): Family<Durations>
  /** One answered request; `route` is the pattern, never the url, and empty when there is none. */
  requestDone(request: { method: string; route: string; status: number; tookMs: number }): void
}

/** A metric of a service's own. Values of its labels must come from a bounded set. */
export type Named = { readonly name: string; readonly help: string; readonly by: readonly string[] }
export type Labelled = { readonly labels: Readonly<Record<string, string>>; readonly value: number }

const rabbit = { messaging_system: 'rabbitmq' }

/**
 * Processor, memory, event loop: of the process, whatever number of services is in it. What watches garbage collection for them is never
 * let go of, and would keep the service that it was made for.
 */
let ofProcess: Registry | undefined

function processRegistry(): Registry {
  if (ofProcess) return ofProcess
  ofProcess = new Registry()
  collectDefaultMetrics({ register: ofProcess })
  return ofProcess
}

/** The metrics of one service, in a registry of its own, so that several services fit into one process; and those of the process. */
export function createMetrics(): Metrics {
  const registry = new Registry()
  const common = processRegistry()
  const requests = durationFamily({
    name: 'http_server_request_duration_seconds',
    help: 'Time to answer HTTP requests.',
    by: ['http_request_method', 'http_route', 'http_response_status_code'],
    registry,
  })
  const statuses = new Map<number, string>()
  return {
    recorder: prometheusRecorder(registry),
    contentType: registry.contentType,
    text: async () => `${await common.metrics()}\n${await registry.metrics()}`,
    gauge: (name, help, read) => {
      new Gauge({
        name,
        help,
        registers: [registry],
        async collect() {
          this.set(await read())
        },
      })
    },
    gaugeBy: ({ name, help, by }, read) => {
      new Gauge({
        name,
        help,
        labelNames: by,
        registers: [registry],
        async collect() {
          const values = await read()
          this.reset()
          for (const { labels, value } of values) this.set(labels, value)
        },
      })
    },
    counter: (named) => counterFamily({ ...named, registry }),
    durations: (named) => durationFamily({ ...named, registry }),
    requestDone: ({ method, route, status, tookMs }) => {
      const word = statuses.get(status) ?? String(status)
      statuses.set(status, word)
      requests.of(method, route, word).observe(tookMs / 1_000)
    },
  }
}

/** A recorder whose numbers stand in this registry. */
export function prometheusRecorder(registry: Registry): Recorder {
  const count = (name: string, help: string, by: readonly string[], always = {}) =>
    counterFamily({ name, help, by, always, registry })
  const destination = 'messaging_destination_name'
  const published = count(
    'messaging_client_published_messages_total',
    'Messages that the broker confirmed, or with error_type: that it did not.',
    [destination, 'error_type'],
    { ...rabbit, messaging_operation_name: 'publish' },
  )
  const publishTook = durationFamily({
    name: 'messaging_client_operation_duration_seconds',
    help: "Time from publishing a message to the broker's confirm.",
    by: [destination, 'error_type'],
    always: { ...rabbit, messaging_operation_name: 'publish' },
    registry,
  })
  const consumed = count(
    'messaging_client_consumed_messages_total',
    'Messages delivered to a consumer.',
    [destination],
    { ...rabbit, messaging_operation_name: 'consume' },
  )
  const processTook = durationFamily({
    name: 'messaging_process_duration_seconds',
    help: 'Time that handlers took.',
    by: [destination, 'ebs_event_type', 'error_type'],
    always: { ...rabbit, messaging_operation_name: 'process' },
    registry,
  })
  const retried = count('ebs_messages_retried_total', 'Messages sent to wait for their next attempt.', ['queue'])
  const dead = count('ebs_messages_dead_total', 'Messages moved to the dead queue.', ['queue', 'reason'])
  const parked = count('ebs_messages_parked_total', 'Messages set aside by a sideline rule.', ['queue', 'rule'])
  const duplicate = count('ebs_messages_duplicate_total', 'Messages that had been handled before.', ['queue'])
  const ignored = count('ebs_messages_ignored_total', "Messages that are none of the queue's business.", ['queue'])
  return {
    published: (to, tookMs, error) => {
      published.of(to, error).count++
      publishTook.of(to, error).observe(tookMs / 1_000)
    },
    consumed: (queue) => void consumed.of(queue).count++,
    processed: (queue, type, tookMs, error) => processTook.of(queue, type, error).observe(tookMs / 1_000),
    retried: (queue) => void retried.of(queue).count++,
    dead: (queue, reason) => void dead.of(queue, reason).count++,
    parked: (queue, rule) => void parked.of(queue, rule).count++,
    duplicate: (queue) => void duplicate.of(queue).count++,
    ignored: (queue) => void ignored.of(queue).count++,
  }
}
