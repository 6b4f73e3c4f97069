import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { z } from 'zod'
import { services } from '../../services.ts'
import { dashboard } from '../dashboard.ts'
import { findMetric, type Metric, rabbitMetrics, targetLabels, upMetric } from '../metric.ts'
import { withTables } from '../metrics-page.ts'
import { askedBy } from '../promql.ts'
import { root } from './rendered.ts'
import { runningMetrics } from './running-metrics.ts'

const read = (path: string) => readFileSync(join(root, path), 'utf8')
const alertFile = z.strictObject({
  groups: z.array(
    z.strictObject({
      name: z.string(),
      rules: z.array(
        z.strictObject({
          alert: z.string().regex(/^Ebs[A-Za-z]+$/),
          expr: z.string(),
          for: z.string().regex(/^\d+[smhd]$/),
          labels: z.strictObject({ severity: z.enum(['critical', 'warning']) }),
          annotations: z.strictObject({ summary: z.string(), runbook: z.string() }),
        }),
      ),
    }),
  ),
})
const { groups } = alertFile.parse(parse(read('observability/alerts.yml')))
const alerts = groups.flatMap(({ rules }) => rules)
const queries = dashboard().panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))

let metrics: readonly Metric[] = []
let all: readonly Metric[] = []
beforeAll(async () => {
  metrics = await runningMetrics()
  all = [...metrics, ...rabbitMetrics, upMetric]
})

/** What an expression asks for and nobody shows. */
function unknownOf(expression: string): readonly string[] {
  const asked = askedBy(expression.replaceAll('$__rate_interval', '5m'))
  // Grouping labels stand with each metric of an expression; one of them has to have them.
  const labelled = new Set(asked.flatMap(({ metric }) => findMetric(all, metric)?.labels ?? []))
  const isBucket = asked.some(({ metric }) => metric.endsWith('_bucket'))
  const known = new Set<string>([...labelled, ...targetLabels, ...(isBucket ? ['le'] : [])])
  return asked.flatMap(({ metric, labels }) => [
    ...(findMetric(all, metric) ? [] : [metric]),
    ...labels.filter((label) => !known.has(label)).map((label) => `${metric} by ${label}`),
  ])
}

test('alerts ask for metrics and labels that are there, and are named once', () => {
  expect(alerts.flatMap(({ alert, expr }) => unknownOf(expr).map((name) => `${alert}: ${name}`))).toEqual([])
  expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length)
})

test('what is not there is found', () => {
  expect(unknownOf('sum by (kind) (ebs_ledger_imbalence) > 0')).toEqual([
    'ebs_ledger_imbalence',
    'ebs_ledger_imbalence by kind',
  ])
  expect(unknownOf('ebs_ledger_imbalance{sort="task"} > 0')).toEqual(['ebs_ledger_imbalance by sort'])
  expect(unknownOf('rate(ebs_timer_lateness_seconds_total[5m])')).toEqual(['ebs_timer_lateness_seconds_total'])
})

test('texts of alerts name labels that their expressions give', () => {
  const strange = alerts.flatMap(({ alert, expr, annotations }) => {
    const given = new Set<string>([
      ...targetLabels,
      ...askedBy(expr).flatMap(({ metric, labels }) => [...labels, ...(findMetric(all, metric)?.labels ?? [])]),
    ])
    return [...annotations.summary.matchAll(/\$labels\.(\w+)/g)].flatMap(([, label = '']) =>
      given.has(label) ? [] : [`${alert}: ${label}`],
    )
  })
  expect(strange).toEqual([])
})

const expressionsOf = (...names: readonly string[]) =>
  alerts.filter(({ alert }) => names.includes(alert)).map(({ expr }) => expr)

test('a service that is not even there is told of: it has no `up` that could be 0', () => {
  const absent = expressionsOf('EbsServiceDown', 'EbsHubDown')
    .flatMap((expr) => [...expr.matchAll(/absent\(up\{job="ebs", service="(\w+)"\}\)/g)])
    .map(([, service]) => service)
  expect(absent.toSorted()).toEqual(services.map(({ name }) => name).toSorted())
})

test('the first count of a counter is told of: no scrape has seen it at zero, so it does not increase', () => {
  const counters = alerts.flatMap(({ expr }) =>
    [...expr.matchAll(/\bincrease\((\w+)\[(\w+)\]\)/g)].map(([, counter, range]) => ({ expr, counter, range })),
  )
  expect(counters.length).toBeGreaterThan(2)
  for (const { expr, counter, range } of counters)
    expect(expr).toContain(`or (${counter} unless ${counter} offset ${range}) > 0`)
})

test('what is seen over a long time is seen over a new pod of the service, which is another series', () => {
  const waiting = alerts.filter((one) => /[hd]$/.test(one.for)).map(({ expr }) => expr)
  expect(waiting.length).toBeGreaterThan(1)
  for (const expr of waiting) expect(expr).toMatch(/^max by \(\w+\) \(max_over_time\(.+\[15m\]\)\) > 0$/)
  for (const expr of expressionsOf('EbsDeadLettersGrow')) expect(expr).toMatch(/^delta\(max by \(queue\) \(/)
})

/** As GitHub makes them of headings. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-')

test('every alert leads to a chapter that is there', () => {
  const anchors = [...read('docs/operating.md').matchAll(/^#+ (.*)$/gm)].map(
    ([, text = '']) => `docs/operating.md#${anchorOf(text)}`,
  )
  expect(alerts.filter(({ annotations }) => !anchors.includes(annotations.runbook)).map(({ alert }) => alert)).toEqual(
    [],
  )
})

test.each([
  'ebs_ledger_imbalance',
  'ebs_conversation_oldest_seconds',
  'ebs_messages_held_dead',
  'ebs_timers_overdue',
  'ebs_timer_lateness_seconds_bucket',
  'ebs_outbox_pending',
  'ebs_outbox_refused',
  'ebs_sideline_oldest_seconds',
  'ebs_broker_up',
  'ebs_store_writable',
  'ebs_replays_stopped',
  'ebs_remediation_items',
  'up',
])('an alert asks for %s', (metric) => {
  expect(alerts.filter(({ expr }) => askedBy(expr).some((asked) => asked.metric === metric))).not.toEqual([])
})

test('the dashboard asks for metrics and labels that are there; each panel is one, and has its place', () => {
  const { panels } = dashboard()
  expect(queries.length).toBeGreaterThan(25)
  expect(queries.flatMap(unknownOf)).toEqual([])
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
  expect(new Set(panels.map((panel) => JSON.stringify('gridPos' in panel && panel.gridPos))).size).toBe(panels.length)
})

test('files that are made from others are fresh; `npx vitest run scripts/deploy -u` makes them', async () => {
  const rule = {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: { name: 'ebs' },
    spec: { groups },
  }
  const from = '# Made from observability/alerts.yml: npx vitest run scripts/deploy -u\n'
  const json = `${JSON.stringify(dashboard(), null, 2)}\n`
  await expect(`${from}${stringify(rule, { lineWidth: 0 })}`).toMatchFileSnapshot(
    join(root, 'kustomize/components/observability/prometheus-rule.yaml'),
  )
  for (const path of [
    'observability/grafana/dashboards/ebs.json',
    'kustomize/components/observability/ebs-dashboard.json',
  ])
    await expect(json).toMatchFileSnapshot(join(root, path))
})

test('docs/metrics.md names every metric of every service, as it is', async () => {
  const alertsOf = (metric: Metric) =>
    alerts
      .filter(({ expr }) => askedBy(expr).some((asked) => findMetric(all, asked.metric) === metric))
      .map(({ alert }) => alert)
  const path = join(root, 'docs/metrics.md')
  const page = withTables(read('docs/metrics.md'), { services: metrics, rabbit: rabbitMetrics, alertsOf })
  await expect(page).toMatchFileSnapshot(path)
})
