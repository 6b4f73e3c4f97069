import { SpanKind, SpanStatusCode } from '@opentelemetry/api'
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { startInOneProcess } from './support/one-process.ts'
import { waitUntil } from './support/wait-until.ts'

const exporter = new InMemorySpanExporter()
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
provider.register()
beforeEach(() => exporter.reset())
afterAll(() => provider.shutdown())

const traceId = '0af7651916cd43dd8448eb211c80319c'
const parentId = 'b7ad6b7169203331'
const traceparent = `00-${traceId}-${parentId}-01`

/** The spans of the trace so far, with the name and event type of each one's parent. */
function tracedSpans() {
  const spans = exporter.getFinishedSpans().filter((span) => span.spanContext().traceId === traceId)
  const byId = new Map(spans.map((span) => [span.spanContext().spanId, span]))
  const parentOf = (span: ReadableSpan) => byId.get(span.parentSpanContext?.spanId ?? '')
  const line = (span: ReadableSpan) => [span.name, span.attributes['ebs.event.type']].filter(Boolean).join(' ')
  const lines = spans.map((span) => {
    const parent = parentOf(span)
    return `${line(span)} < ${parent ? line(parent) : span.parentSpanContext?.spanId}`
  })
  return {
    spans,
    lines: [...new Set(lines)].toSorted(),
    find: (start: string) => spans.find((one) => line(one) === start),
  }
}

test('an object is one trace, from the request to statistics, and each span hangs below what it follows from', async () => {
  await using ebs = await startInOneProcess({ EBS_TASKS_PER_OBJECT: '2' })

  await ebs.post('datagen', '/api/objects', { tenant: 'acme' }, { traceparent })

  await waitUntil(() => expect(tracedSpans().find('process statistics OBJECT_COMPLETED')).toBeDefined())
  const { lines, find } = tracedSpans()
  expect(lines).toEqual(
    expect.arrayContaining([
      `POST /api/objects < ${parentId}`,
      'publish ebs OBJECT_CREATED < POST /api/objects',
      'process distributor_consume OBJECT_CREATED < publish ebs OBJECT_CREATED',
      'process statistics OBJECT_CREATED < publish ebs OBJECT_CREATED',
      'publish ebs EventGroupCollectorCreate < process distributor_consume OBJECT_CREATED',
      'publish ebs TASK_CREATED < process distributor_consume OBJECT_CREATED',
      'process process_consume TASK_CREATED < publish ebs TASK_CREATED',
      'publish ebs TASK_FINISHED < process process_consume TASK_CREATED',
      'process hub_consume TASK_FINISHED < publish ebs TASK_FINISHED',
      'publish ebs OBJECT_COMPLETED < process hub_consume TASK_FINISHED',
      'process datagen_consume OBJECT_COMPLETED < publish ebs OBJECT_COMPLETED',
      'process statistics OBJECT_COMPLETED < publish ebs OBJECT_COMPLETED',
    ]),
  )
  expect(lines.filter((line) => line.endsWith('undefined') || line.includes('TIMERS_DUE'))).toEqual([])

  const request = find('POST /api/objects')
  expect(request?.kind).toBe(SpanKind.SERVER)
  expect(request?.attributes).toMatchObject({
    'http.request.method': 'POST',
    'http.route': '/api/objects',
    'http.response.status_code': 201,
    'url.path': '/api/objects',
  })
  const [created] = ebs.published.filter(({ message }) => message.properties.type === 'OBJECT_CREATED')
  const { messageId, correlationId } = created?.message.properties ?? {}
  const ofMessage = {
    'messaging.system': 'rabbitmq',
    'messaging.message.id': messageId,
    'messaging.message.conversation_id': correlationId,
    'messaging.rabbitmq.destination.routing_key': 'objects',
    'ebs.tenant': 'acme',
  }
  const publishing = find('publish ebs OBJECT_CREATED')
  expect(publishing?.kind).toBe(SpanKind.PRODUCER)
  expect(publishing?.attributes).toMatchObject({
    ...ofMessage,
    'messaging.operation.name': 'publish',
    'messaging.operation.type': 'send',
    'messaging.destination.name': 'ebs:objects',
  })
  expect(created?.message.properties.headers?.traceparent).toBe(`00-${traceId}-${publishing?.spanContext().spanId}-01`)
  const processing = find('process distributor_consume OBJECT_CREATED')
  expect(processing?.kind).toBe(SpanKind.CONSUMER)
  expect(processing?.attributes).toMatchObject({
    ...ofMessage,
    'messaging.operation.name': 'process',
    'messaging.operation.type': 'process',
    'messaging.destination.name': 'ebs:objects:distributor_consume',
    'ebs.attempt': 1,
  })
  expect(find('process hub_consume TASK_FINISHED')?.attributes).toMatchObject({
    'ebs.conversation.kind': 'group',
    'ebs.conversation.id': correlationId,
    'ebs.decision': 'change',
  })
})

test('a flow is one trace, with the timers of its calls and the answer to whoever waits', async () => {
  // The first attempt at the first call is not answered in time: nobody is there yet who could.
  await using ebs = await startInOneProcess({
    EBS_FLOW_CALL_TIMEOUT_MS: '100',
    EBS_FLOW_BACKEND_MS_MIN: '150',
    EBS_FLOW_BACKEND_MS_MAX: '150',
    EBS_FLOW_CALL_RETRIES: '1',
  })

  const { status } = await ebs.post(
    'gateway',
    '/api/flows',
    { length: 1, mode: 'parallel' },
    { traceparent, prefer: 'wait=20' },
  )

  expect([200, 502, 504]).toContain(status)
  await waitUntil(() => expect(tracedSpans().find('POST /api/flows')).toBeDefined())
  const { lines, find } = tracedSpans()
  expect(lines).toEqual(
    expect.arrayContaining([
      `POST /api/flows < ${parentId}`,
      'publish ebs FLOW_REQUESTED < POST /api/flows',
      'process hub_consume FLOW_REQUESTED < publish ebs FLOW_REQUESTED',
      'publish ebs FLOW_CALLED < process hub_consume FLOW_REQUESTED',
      'process flow_worker_consume FLOW_CALLED < publish ebs FLOW_CALLED',
      'timer flow < process hub_consume FLOW_REQUESTED',
      'publish ebs FLOW_CALL_TIMED_OUT < timer flow',
    ]),
  )
  expect(lines.filter((line) => line.startsWith('publish gateway_reply'))).toHaveLength(1)
  const timer = find('timer flow')
  expect(timer?.attributes).toMatchObject({ 'ebs.conversation.kind': 'flow', 'ebs.decision': 'change' })
  expect(Number(timer?.attributes['ebs.timer.late_ms'])).toBeGreaterThanOrEqual(0)
})

test('a batch is a span of its own with a link to each of its deliveries', async () => {
  await using ebs = await startInOneProcess()

  await ebs.post('datagen', '/api/objects?count=20', {}, { traceparent })

  await waitUntil(() =>
    expect(ebs.published.filter(({ message }) => message.properties.type === 'OBJECT_COMPLETED')).toHaveLength(20),
  )
  const batch = exporter.getFinishedSpans().find(({ name }) => name === 'commit statistics')
  const deliveries = new Set(tracedSpans().spans.map((span) => span.spanContext().spanId))
  expect(batch?.parentSpanContext).toBeUndefined()
  expect(batch?.links.length).toBeGreaterThan(1)
  expect(batch?.links).toHaveLength(Number(batch?.attributes['messaging.batch.message_count']))
  for (const { context } of batch?.links ?? []) expect(deliveries).toContain(context.spanId)
})

test('a failed request says so, and probes are not measured', async () => {
  await using ebs = await startInOneProcess()

  await ebs.get('datagen', '/health/live')
  await ebs.get('datagen', '/metrics')
  await ebs.get('gateway', '/api/groups/none')

  await waitUntil(() =>
    expect(exporter.getFinishedSpans().some(({ name }) => name === 'GET /api/groups/:id')).toBe(true),
  )
  const names = exporter.getFinishedSpans().map(({ name }) => name)
  expect(names.filter((name) => /health|metrics/.test(name))).toEqual([])
  // A client's mistake is no error of the server.
  const asked = exporter.getFinishedSpans().find(({ name }) => name === 'GET /api/groups/:id')
  expect(asked?.attributes['http.response.status_code']).toBe(404)
  expect(asked?.status.code).toBe(SpanStatusCode.UNSET)
  // The question to the hub, and its answer, belong to the request.
  const trace = exporter
    .getFinishedSpans()
    .filter((span) => span.spanContext().traceId === asked?.spanContext().traceId)
  expect([...new Set(trace.map(({ name }) => name))].toSorted()).toEqual([
    'GET /api/groups/:id',
    'process hub_ask',
    'publish gateway_reply',
    'publish hub_ask',
  ])
})
