/** A metric that services show, as their `/metrics` tells of it. */
export type Metric = {
  readonly name: string
  readonly help: string
  readonly type: string
  readonly labels: readonly string[]
  /** Who shows it. */
  readonly services: readonly string[]
}

/** RabbitMQ's own that alerts and the dashboard ask for, with `prometheus.return_per_object_metrics = true`. */
export const rabbitMetrics: readonly Metric[] = [
  ...[
    { name: 'rabbitmq_queue_messages_ready', help: 'Messages that wait in a queue.' },
    { name: 'rabbitmq_queue_messages_unacked', help: 'Messages that a consumer has and has not acked.' },
    { name: 'rabbitmq_queue_consumers', help: 'Consumers of a queue.' },
  ].map((one) => ({ ...one, type: 'gauge', labels: ['queue', 'vhost'], services: ['rabbit'] })),
  ...[
    { name: 'rabbitmq_alarms_memory_used_watermark', help: '1 while memory is short and publishers are stopped.' },
    {
      name: 'rabbitmq_alarms_free_disk_space_watermark',
      help: '1 while the disk is nearly full and publishers are stopped.',
    },
    { name: 'rabbitmq_process_resident_memory_bytes', help: 'Memory of the node.' },
    { name: 'rabbitmq_disk_space_available_bytes', help: 'Room on the disk of the node.' },
  ].map((one) => ({ ...one, type: 'gauge', labels: [], services: ['rabbit'] })),
]

/** Prometheus itself adds these: what it asked, and whether it was answered. */
export const targetLabels = ['job', 'service', 'instance'] as const
export const upMetric: Metric = {
  name: 'up',
  help: '1 while `/metrics` is answered.',
  type: 'gauge',
  labels: [],
  services: [],
}

/** The metric behind the name of one of its series: a histogram has three. */
export function findMetric(metrics: readonly Metric[], series: string): Metric | undefined {
  const base = series.replace(/_(bucket|sum|count)$/, '')
  return (
    metrics.find(({ name }) => name === series) ??
    metrics.find(({ name, type }) => name === base && type === 'histogram')
  )
}
