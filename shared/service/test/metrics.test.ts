import perfHooks from 'node:perf_hooks'
import { expect, test, vi } from 'vitest'
import { createLog } from '../log.ts'
import { logRecorder } from '../log-recorder.ts'
import { createMetrics } from '../metrics.ts'
import { SERIES_MAX } from '../series.ts'

const lineOf = (text: string, start: string) => text.split('\n').find((line) => line.startsWith(start))

test('what the recorder is told stands in the text, under the conventional names', async () => {
  const { recorder, text } = createMetrics()

  recorder.published('ebs', 3)
  recorder.published('ebs', 4)
  recorder.published('ebs', 5, 'NackedError')
  recorder.consumed('statistics')
  recorder.processed('statistics', 'TASK_FINISHED', 20)
  recorder.processed('statistics', 'TASK_FINISHED', 40)
  recorder.retried('statistics')
  recorder.dead('statistics', 'schema')
  recorder.duplicate('statistics')
  recorder.ignored('statistics')

  const got = await text()
  const ebs = 'messaging_system="rabbitmq",messaging_operation_name="publish",'
  const values = {
    [`messaging_client_published_messages_total{${ebs}messaging_destination_name="ebs"}`]: '2',
    [`messaging_client_published_messages_total{${ebs}messaging_destination_name="ebs",error_type="NackedError"}`]: '1',
    'messaging_client_consumed_messages_total{': '1',
    'ebs_messages_retried_total{queue="statistics"}': '1',
    'ebs_messages_dead_total{queue="statistics",reason="schema"}': '1',
    'ebs_messages_duplicate_total{queue="statistics"}': '1',
    'ebs_messages_ignored_total{queue="statistics"}': '1',
    'messaging_process_duration_seconds_sum{': '0.06',
    'messaging_process_duration_seconds_count{': '2',
    process_resident_memory_bytes: expect.stringMatching(/^\d+$/),
  }
  for (const [start, value] of Object.entries(values))
    expect([start, lineOf(got, start)?.split(' ').at(-1)]).toEqual([start, value])
  expect(got).toMatch(/process_duration_seconds_bucket\{.*ebs_event_type="TASK_FINISHED".*le="0.01"\} 0\n/)
  expect(got).toMatch(/process_duration_seconds_bucket\{.*le="0.025"\} 1\n/)
  expect(got).toMatch(/process_duration_seconds_bucket\{.*le="\+Inf"\} 2\n/)
})

test('a gauge is asked when metrics are read', async () => {
  const metrics = createMetrics()
  let pending = 7
  metrics.gauge('ebs_outbox_pending', 'x', async () => pending)

  expect(await metrics.text()).toContain('ebs_outbox_pending 7')
  pending = 8
  expect(await metrics.text()).toContain('ebs_outbox_pending 8')
})

test('a gauge with labels shows what is there now, and no longer what was', async () => {
  const metrics = createMetrics()
  let open = [
    { labels: { kind: 'group' }, value: 3 },
    { labels: { kind: 'flow' }, value: 1 },
  ]
  metrics.gaugeBy({ name: 'ebs_open', help: 'x', by: ['kind'] }, async () => open)

  expect((await metrics.text()).match(/^ebs_open.*$/gm)).toEqual([
    'ebs_open{kind="group"} 3',
    'ebs_open{kind="flow"} 1',
  ])
  open = [{ labels: { kind: 'flow' }, value: 2 }]
  expect((await metrics.text()).match(/^ebs_open.*$/gm)).toEqual(['ebs_open{kind="flow"} 2'])
})

test("a service's own counter and durations stand beside the others", async () => {
  const metrics = createMetrics()
  const inputs = metrics.counter({ name: 'ebs_inputs_total', help: 'x', by: ['kind', 'why'] })
  const lateness = metrics.durations({ name: 'ebs_lateness_seconds', help: 'x', by: [] })

  inputs.of('group', 'late').count += 2
  lateness.of('').observe(0.004)
  lateness.of('').observe(45)

  const text = await metrics.text()
  expect(text).toContain('ebs_inputs_total{kind="group",why="late"} 2\n')
  expect(text).toContain('ebs_lateness_seconds_bucket{le="0.0025"} 0\n')
  expect(text).toContain('ebs_lateness_seconds_bucket{le="0.005"} 1\n')
  expect(text).toContain('ebs_lateness_seconds_bucket{le="30"} 1\n')
  expect(text).toContain('ebs_lateness_seconds_bucket{le="60"} 2\n')
  expect(text).toContain('ebs_lateness_seconds_count 2\n')
})

test('labels are bounded: what is too many shares one series, and nothing is lost', async () => {
  const { recorder, text } = createMetrics()

  for (let i = 0; i < SERIES_MAX + 50; i++) recorder.consumed(`queue-${i}`)

  const lines = (await text())
    .split('\n')
    .filter((line) => line.startsWith('messaging_client_consumed_messages_total{'))
  expect(lines).toHaveLength(SERIES_MAX + 1)
  expect(lines.filter((line) => !line.includes('destination'))).toEqual([expect.stringMatching(/ 50$/)])
})

test('several services in one process each have metrics of their own', async () => {
  const [one, other] = [createMetrics(), createMetrics()]
  one.recorder.retried('q')
  expect(await other.text()).not.toContain('ebs_messages_retried_total{')
})

test('the log recorder logs the sums of a period, and nothing when nothing happened', () => {
  vi.useFakeTimers()
  const lines: string[] = []
  const log = createLog({ service: 'x', level: 'info', destination: { write: (line) => void lines.push(line) } })
  const recorder = logRecorder(log, 1_000)

  recorder.consumed('q')
  recorder.consumed('q')
  recorder.processed('q', 'T', 5, 'Error')
  vi.advanceTimersByTime(3_000)
  recorder[Symbol.dispose]()
  vi.useRealTimers()

  expect(lines.map((line) => JSON.parse(line).sums)).toEqual([{ 'consumed q': 2, 'failed q': 1, 'processing ms q': 5 }])
})

test('services in one process share what is told of the process, and only that', async () => {
  const watch = vi.spyOn(perfHooks, 'monitorEventLoopDelay')
  const [one, other] = [createMetrics(), createMetrics()]
  one.gauge('only_of_one', 'Of one.', () => 1)

  const texts = await Promise.all([one.text(), other.text()])

  for (const text of texts) expect(text.match(/^process_cpu_seconds_total /gm)).toHaveLength(1)
  expect(texts.map((text) => text.includes('only_of_one 1'))).toEqual([true, false])
  expect(watch.mock.calls.length).toBeLessThanOrEqual(1)
  watch.mockRestore()
})
