import { context, SpanStatusCode, trace } from '@opentelemetry/api'
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Message } from '../../bus/broker.ts'
import { publish } from '../../bus/bus.ts'
import { type Handlers, subscribe } from '../../bus/consumer.ts'
import { Unrecoverable } from '../../bus/retry.ts'
import {
  eventually,
  finishedBody,
  gated,
  memorySite,
  objectBody,
  pasteInto,
  retryPolicy,
  taskBody,
  testPlan,
} from '../../bus/test/bus-fixture.ts'
import { fakeRules, ruleOf } from '../../bus/test/fake-rules.ts'
import { createLog } from '../../service/log.ts'

const traceId = '0af7651916cd43dd8448eb211c80319c'
const traceparent = `00-${traceId}-b7ad6b7169203331-01`
const plan = { ...testPlan(), queues: [...testPlan().queues, { name: 'ebs.sideline.r1.work', arguments: {} }] }

type Case = {
  readonly what: string
  readonly body: unknown
  readonly work: () => Handlers
  readonly isParked?: boolean
  /** Types, or keys, of what is sent because of it, and to where the message itself goes on. */
  readonly sends: readonly string[]
  /** Events on spans of its deliveries. */
  readonly notes: readonly string[]
}

const failingOnce = (): Handlers => {
  let runs = 0
  return {
    TASK_CREATED: () => {
      if (runs++ === 0) throw new RangeError('not yet')
      return [finishedBody(1)]
    },
  }
}
const cases: readonly Case[] = [
  {
    what: 'is tried again by the ladder',
    body: taskBody(1),
    work: failingOnce,
    sends: ['TASK_CREATED', 'TASK_FINISHED'],
    notes: ['retry'],
  },
  {
    what: 'dies',
    body: taskBody(1),
    work: () => ({
      TASK_CREATED: () => {
        throw new Unrecoverable('never')
      },
    }),
    sends: ['TASK_CREATED', 'MESSAGE_DEAD'],
    notes: ['dead'],
  },
  {
    what: 'is set aside',
    body: taskBody(1),
    work: () => ({ TASK_CREATED: () => [] }),
    isParked: true,
    sends: ['TASK_CREATED', 'MESSAGE_PARKED'],
    notes: ['park'],
  },
  {
    what: 'is poison',
    body: { type: 'TASK_CREATED', task: 7 },
    work: () => ({ TASK_CREATED: () => [] }),
    sends: ['TASK_CREATED', 'MESSAGE_DEAD'],
    notes: ['dead'],
  },
  {
    what: 'is for nobody there',
    body: objectBody(1),
    work: () => ({ TASK_CREATED: () => [] }),
    sends: ['OBJECT_CREATED', 'MESSAGE_DEAD'],
    notes: ['dead'],
  },
]

/** Has one message with a trace context handled; gives what was published meanwhile, and the log. */
async function handled({ body, work, isParked = false, sends }: Case) {
  const { site } = memorySite(plan)
  await using _ = site
  const sent: Message[] = []
  const lines: string[] = []
  const broker = gated(site.connect(), async (message) => void sent.push(message))
  const sideline = fakeRules()
  if (isParked) sideline.set({ rule: ruleOf('r1'), matches: () => true })
  const log = createLog({ service: 'test', level: 'debug', destination: { write: (line) => void lines.push(line) } })
  const bus = { ...site.bus(broker, { rules: sideline.rules, log }) }
  const loop = await subscribe(bus, { queue: 'work', retry: retryPolicy({ minMs: 1 }), prefetch: 1, handlers: work() })
  await site.connect('outside').publish(pasteInto('work', body, { messageId: 'm1', headers: { traceparent } }))
  await eventually(() => expect(sent.map(({ properties }) => properties.type).toSorted()).toEqual(sends.toSorted()))
  await loop.stop(1_000)
  return { sent, lines }
}

const headersOf = (sent: readonly Message[]) => sent.map(({ properties }) => properties.headers?.traceparent)

describe('without an SDK, a trace context is carried on as it came by a message that', () => {
  test.each(cases)('$what', async (one) => {
    const { sent, lines } = await handled(one)

    expect(new Set(headersOf(sent))).toEqual(new Set([traceparent]))
    for (const line of lines.filter((text) => text.includes('"messageId":"m1"')))
      expect(JSON.parse(line)).toMatchObject({ trace_id: traceId })
  })
})

describe('with an SDK', () => {
  const exporter = new InMemorySpanExporter()
  const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  beforeAll(() => provider.register())
  afterAll(async () => {
    await provider.shutdown()
    trace.disable()
    context.disable()
  })

  test.each(cases)('each delivery is a span that says what became of a message that $what', async (one) => {
    exporter.reset()
    const { sent } = await handled(one)

    const spans = exporter.getFinishedSpans()
    expect(new Set(spans.map((span) => span.spanContext().traceId))).toEqual(new Set([traceId]))
    const [first] = spans.filter(({ name }) => name === 'process work')
    expect(first?.events.map(({ name }) => name)).toEqual(one.notes)
    expect(first?.status.code).toBe(one.isParked ? SpanStatusCode.UNSET : SpanStatusCode.ERROR)
    // What goes on, and what is said about it, follows from that delivery, each by the span of its publish.
    const publishes = spans.filter(({ name }) => name.startsWith('publish'))
    expect(headersOf(sent).toSorted()).toEqual(
      publishes.map((span) => `00-${traceId}-${span.spanContext().spanId}-01`).toSorted(),
    )
    const parents = new Set(publishes.map((span) => span.parentSpanContext?.spanId))
    expect(parents).toContain(first?.spanContext().spanId)
    expect(parents).not.toContain('b7ad6b7169203331')
  })

  test('a second attempt follows from the first, and its log lines name its span', async () => {
    exporter.reset()
    const seen: (string | undefined)[] = []
    const [once] = cases
    if (!once) throw new Error('no case')
    let runs = 0
    const work = (): Handlers => ({
      TASK_CREATED: (_, { log }) => {
        seen.push(trace.getActiveSpan()?.spanContext().spanId)
        log.info('at work')
        if (runs++ === 0) throw new RangeError('not yet')
        return [finishedBody(1)]
      },
    })

    const { lines } = await handled({ ...once, work })

    const spans = exporter.getFinishedSpans()
    const [first, second] = spans.filter(({ name }) => name === 'process work')
    expect(seen).toEqual([first, second].map((span) => span?.spanContext().spanId))
    expect(first?.attributes).toMatchObject({ 'error.type': 'RangeError', 'ebs.attempt': 1 })
    expect(second?.attributes).toMatchObject({ 'ebs.attempt': 2 })
    const ladder = spans.find((span) => span.spanContext().spanId === second?.parentSpanContext?.spanId)
    expect(ladder?.parentSpanContext?.spanId).toBe(first?.spanContext().spanId)
    const said = lines.filter((line) => line.includes('at work')).map((line): unknown => JSON.parse(line))
    expect(said).toMatchObject(seen.map((span_id) => ({ trace_id: traceId, span_id })))
    for (const line of lines) expect(line.split('"trace_id"').length).toBeLessThanOrEqual(2)
  })

  test('what belongs to no trace, and is published within none, has no span', async () => {
    exporter.reset()
    const { site } = memorySite(plan)
    await using _ = site
    const sent: Message[] = []
    const bus = site.bus(gated(site.connect(), async (message) => void sent.push(message)))

    await publish(bus, pasteInto('work', taskBody(1)))

    expect(exporter.getFinishedSpans()).toEqual([])
    expect(headersOf(sent)).toEqual([undefined])
  })
})
