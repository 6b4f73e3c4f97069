import type { Body, EventType } from '../../events.ts'
import type { Rule } from '../../operation-events.ts'
import { controlStream, type QueueType } from '../../topology.ts'
import type { Broker, Properties, Received } from '../broker.ts'
import type { Bus } from '../bus.ts'
import { type Event, parseEvent } from '../envelope.ts'
import { RuleBook, type RuleBookOptions } from '../rule-book.ts'
import type { Member, UnderWay } from '../rules.ts'
import { receivedOf, taskBody, virtualSite } from './bus-fixture.ts'

const NOW = '2026-01-01T00:00:00.000Z'

/** A rule that parks the tasks of the tenant `acme` in `work`. */
export const ruleOf = (change: Partial<Rule> = {}): Rule => ({
  id: 'r',
  episode: change.revision ?? 1,
  revision: 1,
  phase: 'park',
  filter: 'tenant == "acme"',
  queues: ['work'],
  actor: 'ann',
  reason: 'a test',
  since: NOW,
  ...change,
})

/** An event with the message that it was read from. */
export type Judged = { readonly event: Event; readonly message: Received }

export function judgedOf<T extends EventType>(
  body: Body<T>,
  {
    tenant = 'acme',
    headers = {},
    ...properties
  }: Omit<Properties, 'headers'> & { tenant?: string | null; headers?: Record<string, unknown> } = {},
): Judged {
  const named = tenant === null ? headers : { 'x-ebs-tenant': tenant, ...headers }
  const message = receivedOf(body, { type: body.type, ...properties, headers: named })
  const event = parseEvent(message)
  if (!('data' in event)) throw new Error(`${JSON.stringify(event)} is no event`)
  return { event, message }
}

export const taskOf = (n: number, change?: Parameters<typeof judgedOf>[1]) =>
  judgedOf(taskBody(n), { messageId: `m${n}`, ...change })

/** Appends to the stream of rules. */
export const record = (broker: Broker, body: unknown, properties: Properties = {}) =>
  broker.publish({
    exchange: '',
    key: controlStream,
    mandatory: true,
    body: Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body)),
    properties,
  })

export const say = (broker: Broker, rule: Rule) =>
  record(broker, { type: 'SIDELINE_RULE', rule }, { type: 'SIDELINE_RULE' })

/** What consumers say in the stream of rules, from its beginning. */
export async function controlLog(broker: Broker) {
  const applied: Body<'SIDELINE_APPLIED'>[] = []
  const tried: Body<'SIDELINE_TRIED'>[] = []
  await broker.follow(controlStream, (message) => {
    const event = parseEvent(message)
    if (!('data' in event)) return
    if (event.type === 'SIDELINE_APPLIED') applied.push(event.data)
    if (event.type === 'SIDELINE_TRIED') tried.push(event.data)
  })
  return {
    /** `tag id revision`, in the order in which they were said. */
    applied: () => applied.map(({ consumer, id, revision }) => `${consumer} ${id} ${revision}`),
    problems: () => applied.flatMap(({ problem }) => problem ?? []),
    tried: () => tried,
  }
}

export const bookOn = (bus: Bus, change: Partial<RuleBookOptions> = {}) => {
  const queueType: QueueType = 'quorum'
  return new RuleBook({
    broker: bus.broker,
    service: bus.service,
    clock: bus.clock,
    log: bus.log,
    queueType,
    ...change,
  })
}

/** A consumer with deliveries under way that the test ends. */
export function member(tag: string, queue = 'work') {
  const underWay = new Set<UnderWay>()
  const begin = (event: Event, parkedBy?: string) => {
    let settle: () => void = () => undefined
    const done = new Promise<void>((resolve) => {
      settle = resolve
    })
    const one = { event, parkedBy, done }
    underWay.add(one)
    return () => {
      underWay.delete(one)
      settle()
    }
  }
  const joined: Member = { queue, tag, underWay: () => underWay }
  return { ...joined, begin }
}

/** What a book uses of a broker. */
export const partsOf = (broker: Broker): RuleBookOptions['broker'] => ({
  get state() {
    return broker.state
  },
  onState: (listener) => broker.onState(listener),
  follow: (stream, onMessage) => broker.follow(stream, onMessage),
  publish: (message) => broker.publish(message),
  declare: (queue) => broker.declare(queue),
})

/** An in-memory broker on a virtual clock, with a bus. */
export function openVirtual() {
  const { clock, site, memory } = virtualSite()
  const broker = site.connect()
  const bus = site.bus(broker)
  return { clock, site, memory, broker, bus }
}
