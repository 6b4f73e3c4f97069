/** A panel: one picture, and what it shows of each query. */
type Panel = {
  readonly title: string
  /** As Grafana names units: `short`, `s`, `reqps`, `bytes`. */
  readonly unit: string
  /** One number each, instead of a line over time. */
  readonly isStat?: true
  /** By legend, which may name labels as `{{queue}}`. */
  readonly queries: Readonly<Record<string, string>>
}

const rate = (metric: string) => `rate(${metric}[$__rate_interval])`
const quantile = (q: number, metric: string, by: string) =>
  `histogram_quantile(${q}, sum by (le, ${by}) (${rate(`${metric}_bucket`)}))`

/** By row, from what was promised to how it is kept. */
const rows: Readonly<Record<string, readonly Panel[]>> = {
  Ledger: [
    { title: 'Nowhere to be found', unit: 'short', isStat: true, queries: { entries: 'sum(ebs_ledger_imbalance)' } },
    { title: 'Services that answer', unit: 'short', isStat: true, queries: { '{{service}}': 'sum by (service) (up)' } },
    {
      title: 'What was accepted, by what became of it',
      unit: 'short',
      queries: { '{{kind}} {{state}}': 'sum by (kind, state) (ebs_ledger_entries)' },
    },
  ],
  Flows: [
    {
      title: 'Handled',
      unit: 'ops',
      queries: {
        '{{messaging_destination_name}}': `sum by (messaging_destination_name) (${rate('messaging_process_duration_seconds_count')})`,
      },
    },
    {
      title: 'Published',
      unit: 'ops',
      queries: {
        '{{messaging_destination_name}} {{error_type}}': `sum by (messaging_destination_name, error_type) (${rate('messaging_client_published_messages_total')})`,
      },
    },
    { title: 'Go on', unit: 'short', queries: { '{{kind}}': 'max by (kind) (ebs_conversations_open)' } },
    {
      title: 'The oldest that goes on',
      unit: 's',
      queries: { '{{kind}}': 'max by (kind) (ebs_conversation_oldest_seconds)' },
    },
    {
      title: 'Journeys that came to a status',
      unit: 'ops',
      queries: { '{{status}}': `sum by (status) (${rate('ebs_journeys_total')})` },
    },
    {
      title: 'Journeys that need a person',
      unit: 'short',
      queries: { '{{attention}}': 'max by (attention) (ebs_remediation_items)' },
    },
  ],
  'Dead and set aside': [
    { title: 'Dead', unit: 'short', queries: { '{{queue}}': 'max by (queue) (ebs_messages_held_dead) > 0' } },
    { title: 'Set aside', unit: 'short', queries: { '{{queue}}': 'max by (queue) (ebs_messages_parked) > 0' } },
    { title: 'Wanted by no queue', unit: 'short', queries: { messages: 'max(ebs_messages_held_unrouted)' } },
    {
      title: 'Tried again',
      unit: 'ops',
      queries: { '{{queue}}': `sum by (queue) (${rate('ebs_messages_retried_total')})` },
    },
    {
      title: 'Rules and jobs',
      unit: 'short',
      queries: {
        'rules that are open': 'max(ebs_sidelines_open)',
        'jobs that run': 'max(ebs_replays_running)',
        'jobs that stopped': 'max(ebs_replays_stopped)',
      },
    },
    { title: 'The oldest rule', unit: 's', queries: { age: 'max(ebs_sideline_oldest_seconds)' } },
  ],
  Timers: [
    {
      title: 'Deadlines',
      unit: 'short',
      queries: {
        pending: 'max(ebs_timers_pending)',
        'passed and not noticed': 'max(ebs_timers_overdue)',
        'stand still': 'max(ebs_timers_frozen)',
      },
    },
    {
      title: 'How late they are noticed',
      unit: 's',
      queries: {
        '50 %': 'histogram_quantile(0.5, sum by (le) (rate(ebs_timer_lateness_seconds_bucket[$__rate_interval])))',
        '99 %': 'histogram_quantile(0.99, sum by (le) (rate(ebs_timer_lateness_seconds_bucket[$__rate_interval])))',
      },
    },
  ],
  Outbox: [
    {
      title: 'Stored and not confirmed',
      unit: 'short',
      queries: { '{{service}}': 'sum by (service) (ebs_outbox_pending)' },
    },
    { title: 'Refused by a queue', unit: 'short', queries: { '{{service}}': 'sum by (service) (ebs_outbox_refused)' } },
  ],
  Broker: [
    {
      title: 'Connected, and takes messages',
      unit: 'short',
      isStat: true,
      queries: { '{{service}}': 'min by (service) (ebs_broker_up)' },
    },
    {
      title: 'Wait in queues',
      unit: 'short',
      queries: { '{{queue}}': 'max by (queue) (rabbitmq_queue_messages_ready) > 0' },
    },
    {
      title: 'With consumers',
      unit: 'short',
      queries: { '{{queue}}': 'max by (queue) (rabbitmq_queue_messages_unacked) > 0' },
    },
    {
      title: 'Alarms',
      unit: 'short',
      queries: {
        memory: 'max(rabbitmq_alarms_memory_used_watermark)',
        disk: 'max(rabbitmq_alarms_free_disk_space_watermark)',
      },
    },
    {
      title: 'Memory',
      unit: 'bytes',
      queries: { '{{instance}}': 'max by (instance) (rabbitmq_process_resident_memory_bytes)' },
    },
    {
      title: 'Room on the disk',
      unit: 'bytes',
      queries: { '{{instance}}': 'min by (instance) (rabbitmq_disk_space_available_bytes)' },
    },
  ],
  Latency: [
    {
      title: 'Handlers, 95 %',
      unit: 's',
      queries: {
        '{{messaging_destination_name}}': quantile(
          0.95,
          'messaging_process_duration_seconds',
          'messaging_destination_name',
        ),
      },
    },
    {
      title: 'Confirms of the broker, 95 %',
      unit: 's',
      queries: { '{{service}}': quantile(0.95, 'messaging_client_operation_duration_seconds', 'service') },
    },
    {
      title: 'HTTP, 95 %',
      unit: 's',
      queries: {
        '{{service}} {{http_route}}': quantile(0.95, 'http_server_request_duration_seconds', 'service, http_route'),
      },
    },
    {
      title: 'HTTP, by status',
      unit: 'reqps',
      queries: {
        '{{service}} {{http_response_status_code}}': `sum by (service, http_response_status_code) (${rate('http_server_request_duration_seconds_count')})`,
      },
    },
  ],
}

/** Grafana's grid has 24 columns; three panels share a line. */
const PANEL = { w: 8, h: 7 } as const
const COLUMNS = 24
const datasource = { type: 'prometheus', uid: '$datasource' }

/** The dashboard as Grafana's JSON model. */
export function dashboard() {
  const panels: {
    readonly id: number
    readonly title: string
    readonly targets?: readonly { readonly expr: string }[]
  }[] = []
  let y = 0
  for (const [title, row] of Object.entries(rows)) {
    panels.push(rowOf(panels.length + 1, title, y++))
    for (const [i, panel] of row.entries()) {
      const at = { ...PANEL, x: (i * PANEL.w) % COLUMNS, y: y + Math.floor((i * PANEL.w) / COLUMNS) * PANEL.h }
      panels.push(panelOf(panels.length + 1, panel, at))
    }
    y += Math.ceil((row.length * PANEL.w) / COLUMNS) * PANEL.h
  }
  return {
    uid: 'ebs',
    title: 'ebs',
    schemaVersion: 39,
    editable: true,
    graphTooltip: 1,
    refresh: '10s',
    time: { from: 'now-1h', to: 'now' },
    templating: {
      list: [
        {
          name: 'datasource',
          label: 'Prometheus',
          type: 'datasource',
          query: 'prometheus',
          current: { text: 'Prometheus', value: 'prometheus' },
        },
      ],
    },
    panels,
  }
}

const rowOf = (id: number, title: string, y: number) => ({
  ...{ id, type: 'row', title, collapsed: false },
  gridPos: { h: 1, w: COLUMNS, x: 0, y },
  panels: [],
})

const panelOf = (id: number, { title, unit, isStat, queries }: Panel, gridPos: object) => ({
  ...{ id, type: isStat ? 'stat' : 'timeseries', title, datasource, gridPos },
  fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
  targets: Object.entries(queries).map(([legendFormat, expr], i) => ({
    refId: String.fromCharCode('A'.charCodeAt(0) + i),
    ...{ datasource, expr, legendFormat },
    ...(isStat && { instant: true }),
  })),
})
