import { Writable } from 'node:stream'
import { expect, vi } from 'vitest'
import { testVhost } from '../../../test/support/vhost.ts'
import { type Clock, systemClock, VirtualClock } from '../../clock.ts'
import type { Body } from '../../events.ts'
import { createLog, type Logger } from '../../service/log.ts'
import type { Recorder } from '../../service/recorder.ts'
import { controlStream, type Plan, topologyPlan } from '../../topology.ts'
import { connectAmqp } from '../amqp-broker.ts'
import type { Broker, Message, Properties, Received } from '../broker.ts'
import type { Bus } from '../bus.ts'
import type { Handlers } from '../consumer.ts'
import { MemoryBroker } from '../memory-broker.ts'
import type { RetryPolicy } from '../retry.ts'
import { noRules, noWatcher } from '../rules.ts'
import { keepQueues, keepRungs } from './reduced-plans.ts'

const CREATED_AT = '2026-01-01T00:00:00.000Z'
const object = (n: number) => ({ id: `o${n}`, tenant: 'acme', name: `object ${n}`, content: '', createdAt: CREATED_AT })

export const objectBody = (n: number): Body<'OBJECT_CREATED'> => ({ type: 'OBJECT_CREATED', object: object(n) })
export const taskBody = (n: number): Body<'TASK_CREATED'> => ({
  type: 'TASK_CREATED',
  task: { id: `t${n}`, objectId: `o${n}`, index: 1, of: 1, tenant: 'acme' },
  object: object(n),
})
const run = (n: number) => ({ taskId: `t${n}`, objectId: `o${n}`, processor: 'p', attempt: 1 })
export const startedBody = (n: number): Body<'TASK_STARTED'> => ({ type: 'TASK_STARTED', ...run(n) })
export const finishedBody = (n: number): Body<'TASK_FINISHED'> => ({ type: 'TASK_FINISHED', ...run(n), durationMs: 1 })

/** A message as a consumer gets it, under the key `objects`. */
export const receivedOf = (body: unknown, properties: Partial<Received['properties']> = {}): Received => ({
  exchange: 'ebs',
  key: 'objects',
  body: Buffer.from(JSON.stringify(body)),
  properties: { headers: {}, ...properties },
})

/** A message straight to a queue, as a person pastes it unless there are properties. */
export const pasteInto = (queue: string, body: unknown, properties: Properties = {}): Message => ({
  exchange: '',
  key: queue,
  body: Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body)),
  properties,
})

export const retryPolicy = (change: Partial<RetryPolicy> = {}): RetryPolicy => ({
  policy: 'linear',
  retries: 25,
  minMs: 100,
  maxMs: 60_000,
  factor: 2,
  ...change,
})

/** Calls of a recorder, each as a line such as `dead work poison`; durations are left out. */
export function recordingRecorder(): Recorder & { readonly lines: string[] } {
  const lines: string[] = []
  const add = (...words: readonly (string | undefined)[]) => void lines.push(words.filter(Boolean).join(' '))
  return {
    lines,
    published: (destination, _tookMs, error) => add('published', destination, error),
    consumed: (queue) => add('consumed', queue),
    processed: (queue, type, _tookMs, error) => add('processed', queue, type, error),
    retried: (queue) => add('retried', queue),
    dead: (queue, reason) => add('dead', queue, reason),
    parked: (queue, rule) => add('parked', queue, rule),
    duplicate: (queue) => add('duplicate', queue),
    ignored: (queue) => add('ignored', queue),
  }
}

/** A broker for one test, and buses on it; disposal closes what was connected and leaves nothing behind. */
export type Site = AsyncDisposable & {
  connect(service?: string): Broker
  bus(broker: Broker, change?: Partial<Bus>): Bus & { readonly recorder: ReturnType<typeof recordingRecorder> }
}

/** Without a plan it is one without delays, rules and whatever `other` and `watch` do not need to be listened to. */
export const sites: readonly { readonly site: string; readonly open: (plan?: Plan) => Promise<Site> }[] = [
  { site: 'in memory', open: async (plan = plainPlan()) => memorySite(plan).site },
  { site: 'RabbitMQ', open: rabbitSite },
]

/** An in-memory broker on a real clock, or on one that the test turns. */
export function memorySite(plan = testPlan(), clock: Clock = systemClock) {
  const memory = new MemoryBroker({ clock })
  const site = siteOf(
    (service) => memory.connect({ service, plan }),
    async () => memory.stop(),
    clock,
  )
  return { memory, site }
}

/** The same with a virtual clock. */
export function virtualSite(plan = testPlan()) {
  const clock = new VirtualClock(Date.parse(CREATED_AT))
  return { clock, ...memorySite(plan, clock) }
}

async function rabbitSite(plan = plainPlan()): Promise<Site> {
  const vhost = await testVhost()
  return siteOf(
    (service) => connectAmqp(vhost.url, { service, plan }),
    async () => vhost[Symbol.asyncDispose](),
    systemClock,
  )
}

function siteOf(connect: (service: string) => Broker, close: () => Promise<void>, clock: Clock): Site {
  const connected: Broker[] = []
  return {
    connect(service = 'test') {
      const broker = connect(service)
      connected.push(broker)
      return broker
    },
    bus: (broker, change) => ({
      broker,
      service: 'test',
      clock,
      log: quietLog(),
      rules: noRules,
      outcomes: noWatcher,
      ...change,
      recorder: recordingRecorder(),
    }),
    async [Symbol.asyncDispose]() {
      for (const broker of connected) await broker.close(0)
      await close()
    },
  }
}

/** `work` and `other` hear tasks, `watch` what follows from them. */
export const testPlan = (withLadder = true): Plan =>
  topologyPlan('quorum', {
    withLadder,
    queues: {
      work: { hears: ['task-requests', 'objects'] },
      other: { hears: ['task-requests'] },
      watch: { hears: ['tasks.*', 'messages.#'] },
    },
  })

const unused = [controlStream, 'other.dead', 'other.replay', 'watch.dead', 'watch.replay']
/** The same where only `work` is consumed as services do: the others are there to be listened to. */
function plainPlan(withLadder = false): Plan {
  const plan = keepQueues(testPlan(withLadder), (name) => !unused.includes(name))
  const listened = { 'x-queue-type': 'quorum' }
  const isListened = (name: string) => name === 'other' || name === 'watch'
  return { ...plan, queues: plan.queues.map((row) => (isListened(row.name) ? { ...row, arguments: listened } : row)) }
}

/** For delays whose digits these rungs are. */
export const delayPlan = () => keepRungs(plainPlan(true), ['100ms', '50ms', '40ms', '30ms', '20ms', '10ms'])

const quietLog = (): Logger => createLog({ service: 'test', level: 'silent', destination: new Writable() })

/** A handler that fails so many times and then finishes; the attempts that it saw, and when. */
export function failing(times: number, error: () => unknown = () => new Error('not yet')) {
  const attempts: { readonly attempt: number; readonly atMs: number }[] = []
  const handlers: Handlers = {
    TASK_CREATED: (_event, { attempt }) => {
      attempts.push({ attempt, atMs: Date.now() })
      if (attempts.length <= times) throw error()
      return [finishedBody(1)]
    },
  }
  return { attempts, handlers }
}

/** Waits until a check passes, and shows its last failure when it never does. */
export const eventually = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 15_000, interval: 5 })

/** Everything that comes into a queue, acked at once. */
export async function listen(broker: Broker, queue: string): Promise<Received[]> {
  const heard: Received[] = []
  await broker.consume(queue, { prefetch: 100 }, (delivery) => {
    heard.push(delivery.message)
    delivery.ack()
  })
  return heard
}

export const typesOf = (heard: readonly Received[]) => heard.map(({ properties }) => properties.type)

/** A broker whose publishes wait, fail or pass as the test says; everything else is the broker's own. */
export function gated(broker: Broker, gate: (message: Message) => Promise<void>): Broker {
  return {
    get version() {
      return broker.version
    },
    get state() {
      return broker.state
    },
    get saturated() {
      return broker.saturated
    },
    ready: () => broker.ready(),
    onState: (listener) => broker.onState(listener),
    consume: (queue, options, onDelivery) => broker.consume(queue, options, onDelivery),
    listen: (queue, onMessage) => broker.listen(queue, onMessage),
    follow: (stream, onMessage, onBegin) => broker.follow(stream, onMessage, onBegin),
    browse: (queue, options) => broker.browse(queue, options),
    declare: (queue) => broker.declare(queue),
    extend: (plan) => broker.extend(plan),
    removeEmpty: (queue) => broker.removeEmpty(queue),
    inspect: (queue) => broker.inspect(queue),
    close: (drainMs) => broker.close(drainMs),
    async publish(message) {
      await gate(message)
      await broker.publish(message)
    },
  }
}

/** A promise that the test resolves. */
export function latch(): { readonly open: () => void; readonly opened: Promise<void> } {
  let open: () => void = () => undefined
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open, opened }
}

/**
 * Publishes to the queue `work` and loses each message so many times, as consumers that die do. Each time by closing the connection:
 * RabbitMQ 4.3 does not count a requeue.
 */
export async function loseOften(
  site: Pick<Site, 'connect'>,
  times: number,
  messages: readonly Message[],
): Promise<void> {
  for (let round = 1; round <= times; round++) {
    const broker = site.connect('crashing')
    if (round === 1) for (const message of messages) await broker.publish(message)
    const held = new Set<string>()
    await broker.consume('work', { prefetch: 100 }, ({ message }) => void held.add(message.body.toString()))
    await eventually(() => {
      for (const { body } of messages) expect(held).toContain(body.toString())
    })
    await broker.close()
  }
}
