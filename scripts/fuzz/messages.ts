import fc from 'fast-check'
import { z } from 'zod'
import type { Message, Properties } from '../../shared/bus/broker.ts'
import { catalogue, type EventType, isEventType, rowOf } from '../../shared/events.ts'
import { exchanges, queues } from '../../shared/topology.ts'
import { hostileKey, hostileText, hostileValue } from './hostile.ts'
import { schema } from './json-schema.ts'
import { spoiled } from './spoiling.ts'
import { type Hints, valuesOf } from './values.ts'

/** A message as it was thought up. Text throughout, so that it prints; `bytes` are what is sent. */
export type WantedMessage = {
  /** A queue, or under a key to the exchange. */
  readonly to: { readonly queue: string } | { readonly key: string }
  readonly body: string | { readonly base64: string }
  readonly properties: Omit<Properties, 'headers'>
  /** As JSON, because a stranger's client writes anything in headers: tables, lists, nothing. */
  readonly headers: string
}

const ID_NAMES = [
  'id',
  'group',
  'entity',
  'objectId',
  'taskId',
  'flowId',
  'callId',
  'messageId',
  'requestKey',
  'job',
  'trial',
  'held',
]
const few = fc.integer({ min: 0, max: 9 }).map((n) => `m-${n}`)

/** Few ids, so that messages are about each other; near deadlines; nothing that moves what others hold. */
const hints: Hints = {
  ...Object.fromEntries(ID_NAMES.map((name) => [name, few])),
  sagaId: few.map((id) => `${id}.main`),
  tenant: fc.constantFrom('acme', 'other'),
  expected: fc.uniqueArray(few, { maxLength: 3 }),
  ttl: fc.integer({ min: -1, max: 5 }),
  topic: fc.constantFrom('strange.topic', 'objects', 'task-requests', 'a.b'),
  activity: fc.constantFrom('digest', 'words', 'reserve', 'nobody'),
  journeyType: fc.constantFrom('quick', 'hopeless', 'no-such'),
  filter: fc.constantFrom("tenant == 'nobody-has-it'", 'tenant ==', 'false'),
  queue: fc.constantFrom('distributor_consume', 'process_consume', 'nowhere'),
  queues: fc.constant(['distributor_consume']),
  from: fc.constant('nowhere'),
  kind: fc.constantFrom('group', 'flow', 'journey'),
  index: fc.constantFrom(1, 2),
  of: fc.constant(2),
  length: fc.integer({ min: 1, max: 3 }),
}

const types: readonly EventType[] = Object.keys(catalogue).filter(isEventType)
const bodyOf = (type: EventType) =>
  valuesOf(schema.parse(z.toJSONSchema(rowOf(type).body, { io: 'input', unrepresentable: 'any' })), hints)

/** Types that are in nobody's catalogue. */
const STRANGERS = ['RAIN', 'toString', '__proto__', 'constructor', 'OBJECT_CREATED ', '\u{1f327}']
const WRONG_KEYS = [
  '',
  '.',
  '#',
  '*',
  'a..b',
  'objects.',
  'flows.x.y',
  'messages.strange',
  'sidelines.strange',
  'activity.digest',
  'initiate_journey.a.b',
  'k'.repeat(255),
]
const workQueues = Object.keys(queues)
/** AMQP's bound on keys, types and ids. */
const SHORT_BYTES = 255
const short = (text: string) => {
  let cut = text.slice(0, SHORT_BYTES)
  while (Buffer.byteLength(cut) > SHORT_BYTES) cut = cut.slice(0, -1)
  return cut
}

/** Bodies by type, right and nearly right, under keys and to queues that want them and that do not. */
export const anyMessage = (): fc.Arbitrary<WantedMessage> =>
  fc.oneof(
    ...types.map((type) => ({ weight: 2, arbitrary: ofType(type) })),
    {
      weight: 6,
      arbitrary: addressed(
        fc.record({ type: fc.constantFrom(...STRANGERS), n: hostileValue }).map(json),
        'RAIN',
        'strange.key',
      ),
    },
    { weight: 12, arbitrary: addressed(rawBodies(), undefined, 'objects') },
  )

function ofType(type: EventType): fc.Arbitrary<WantedMessage> {
  const { key, lastWord } = rowOf(type)
  const typed = bodyOf(type).map((body) => Object.fromEntries([['type', type], ...Object.entries(Object(body))]))
  const bodies = fc.oneof(
    { weight: 3, arbitrary: typed.map(json) },
    { weight: 1, arbitrary: spoiled(typed).map(json) },
    // fromEntries of a list that names a member twice would keep the last: written by hand it is there twice.
    {
      weight: 1,
      arbitrary: fc
        .tuple(typed, hostileKey, hostileValue)
        .map(([body, name, value]) => `{${JSON.stringify(name)}:${json(value)},${json(body).slice(1)}`),
    },
  )
  return addressed(bodies, type, lastWord === undefined ? key : key.replace('*', 'digest'))
}

/** Never nothing: what cannot be written as JSON is written as null. */
function json(value: unknown): string {
  return JSON.stringify(value) ?? 'null'
}

function rawBodies(): fc.Arbitrary<WantedMessage['body']> {
  return fc.oneof(
    fc.uint8Array({ maxLength: 40 }).map((bytes) => ({ base64: Buffer.from(bytes).toString('base64') })),
    hostileValue.map(json),
    hostileText,
    fc.constantFrom(
      '{"type":"OBJECT_CREATED","object":',
      '\ufeff{"type":"TIMERS_DUE","slotMs":1}',
      '{"type":7}',
      '{"type":null}',
      '[]',
      '{}',
      '1e999',
      `${'['.repeat(5_000)}`,
      '{"type":"TIMERS_DUE","slotMs":1e400}',
    ),
    // Rarely, because it takes its time: larger than any event may be.
    fc.constantFrom(...Array.from({ length: 20 }, () => 'small'), `{"type":"${'x'.repeat(1_100_000)}"}`),
  )
}

function addressed(
  bodies: fc.Arbitrary<WantedMessage['body']>,
  type: string | undefined,
  key: string,
): fc.Arbitrary<WantedMessage> {
  const keyed = fc.oneof(
    { weight: 5, arbitrary: fc.constant(key) },
    { weight: 1, arbitrary: fc.constantFrom(...WRONG_KEYS) },
  )
  return fc.record({
    to: fc.oneof(
      { weight: 3, arbitrary: keyed.map((one) => ({ key: one })) },
      { weight: 1, arbitrary: fc.constantFrom(...workQueues).map((queue) => ({ queue })) },
    ),
    body: bodies,
    properties: properties(type),
    headers: fc.array(fc.tuple(headerName, headerValue), { maxLength: 3 }).map((all) => json(Object.fromEntries(all))),
  })
}

const properties = (type: string | undefined): fc.Arbitrary<WantedMessage['properties']> =>
  fc.record(
    {
      messageId: fc.oneof({ weight: 3, arbitrary: fc.uuid() }, few, hostileText.map(short)),
      type: fc.oneof(
        { weight: 8, arbitrary: fc.constant(type ?? '') },
        fc.constantFrom('', 'OBJECT_CREATED', 'RAIN', 't'.repeat(SHORT_BYTES)),
      ),
      correlationId: fc.oneof(few, hostileText.map(short)),
      replyTo: fc.constantFrom('amq.gen-nobody', 'stranger_reply.1', 'hub_consume', '', 'x_reply.'),
      timestamp: fc.constantFrom(0, 1, 1_700_000_000, 2 ** 40, Number.MAX_SAFE_INTEGER),
      contentType: fc.oneof(
        { weight: 8, arbitrary: fc.constant('application/json') },
        fc.constantFrom('', 'text/plain', 'application/x+json; a=b', 'json'),
      ),
      contentEncoding: fc.oneof({ weight: 8, arbitrary: fc.constant('utf-8') }, fc.constantFrom('', 'gzip')),
      appId: hostileText.map(short),
    },
    { requiredKeys: [], noNullPrototype: true },
  )

const headerName = fc.oneof(
  fc.constantFrom(
    ...[
      'x-ebs-attempt',
      'x-ebs-at',
      'x-ebs-waits',
      'x-ebs-tenant',
      'x-ebs-causation',
      'x-ebs-call-attempt',
      'x-ebs-released',
    ],
    ...[
      'x-ebs-queue',
      'x-ebs-reason',
      'x-ebs-error',
      'x-ebs-attempts',
      'x-ebs-first-failed-at',
      'x-ebs-held',
      'x-ebs-rule',
    ],
    ...[
      'traceparent',
      'tracestate',
      'x-death',
      'x-delivery-count',
      'CC',
      'BCC',
      'x-ebs-replay',
      'x-ebs-key',
      'x-first-death-queue',
    ],
  ),
  hostileKey.map(short),
)
const headerValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(0, 1, 3, -1, 1e21, 0.5, '2', 'NaN', true, null, '', 'job/held', 'rule#1,rule#2'),
  fc.constantFrom<unknown>([], {}, [{ queue: 'hub_consume', reason: 'expired', count: 3 }], { a: { b: [1] } }, [
    'hub_consume',
  ]),
  fc.constantFrom('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', 'h'.repeat(300), 'h'.repeat(40_000)),
  hostileText,
)

/** As it is sent; `mark` tells it from all others wherever it lies. */
export function messageOf({ to, body, properties: own, headers }: WantedMessage, mark: string): Message {
  // Nothing types what strangers write: the broker takes any headers, and so it must be tried with any.
  const strange: Message['properties']['headers'] = JSON.parse(headers)
  return {
    exchange: 'key' in to ? exchanges.events : '',
    key: 'key' in to ? to.key : to.queue,
    body: typeof body === 'string' ? Buffer.from(body) : Buffer.from(body.base64, 'base64'),
    // The mark first: of strange headers that are too large the later ones are left behind.
    properties: { ...own, headers: { [MARK]: mark, ...strange } },
  }
}

export const MARK = 'a-fuzz'
