import { isUtf8 } from 'node:buffer'
import { z } from 'zod'
import { type Body, type EventType, isEventType, keyOf, rowOf } from '../events.ts'
import { exchanges } from '../topology.ts'
import { traceparentOf } from '../tracing/trace-context.ts'
import type { Headers, HeaderValue, Message, Properties, Received } from './broker.ts'
import { contentId } from './ids.ts'
import { type Replayed, releasedOf, replayOf } from './replay-headers.ts'
import { Unrecoverable } from './retry.ts'

/** Larger bodies are poison: RabbitMQ 4 refuses 16 MiB, and an event that large is a file. */
export const BODY_BYTES_MAX = 1_048_576
/** Deeper JSON is poison: recursion over 20,000 levels ends the process. */
export const JSON_DEPTH_MAX = 64

/** An event as a handler gets it. */
export type Event<T extends EventType = EventType> = {
  [K in T]: {
    readonly type: K
    readonly data: Body<K>
    readonly meta: Meta
  }
}[T]

/** The envelope: what travels in the AMQP properties. */
export type Meta = {
  readonly id: string
  /** Routing key under which it was first published. */
  readonly key: string
  readonly correlationId: string
  readonly causationId: string | undefined
  readonly tenant: string | undefined
  /** From 1. */
  readonly attempt: number
  /** How often this attempt has waited for a store to come back, from 0. */
  readonly waits: number
  /** When it was published, ms since 1970; undefined for a message made by hand. */
  readonly atMs: number | undefined
  /** W3C trace context; undefined when there was none, or nonsense. */
  readonly traceparent: string | undefined
  /** Queue of one asker who waits for the answer. Undefined when the property names any other queue. */
  readonly replyTo: string | undefined
  /** The attempt at a call that an answer is for, from 1; whoever answers echoes the header of the request. */
  readonly callAttempt: number | undefined
  /** Uses of sideline rules (`id#episode`) that have let it go: they do not set it aside again. */
  readonly released: readonly string[]
  /** The job that brought it back, and the id under which it was held. */
  readonly replay: Replayed | undefined
}

/** A body that cannot be an event: the reason names the field and what was expected. */
export type Poison = { readonly poison: string; readonly type: string | undefined }
/** A well-formed body whose type is not in the catalogue. */
export type Stranger = { readonly stranger: string; readonly meta: Meta }
export type Parsed = Event | Poison | Stranger

/** Reads a message as the catalogue has it. Never throws. */
export function parseEvent(message: Received): Parsed {
  const { properties, body } = message
  const inProperty = properties.type || undefined
  const poison = (reason: string, type = inProperty): Poison => ({ poison: reason, type })
  const unreadable = findUnreadable(message)
  if (unreadable) return poison(unreadable)
  let json: unknown
  try {
    json = JSON.parse(body.toString())
  } catch (error) {
    return poison(`body: not JSON (${error instanceof Error ? error.message : String(error)})`)
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return poison('body: expected a JSON object')
  const inBody: unknown = 'type' in json ? json.type : undefined
  const type = inProperty ?? inBody
  if (typeof type !== 'string') return poison('type: expected a string in the body or in the property `type`')
  if (inBody !== undefined && inBody !== type)
    return poison(`type: the property says '${type}', the body ${JSON.stringify(inBody)}`)
  if (!isEventType(type)) return { stranger: type, meta: metaOf(message) }
  const result = rowOf(type).body.safeParse(json)
  if (!result.success)
    return poison(
      result.error.issues.map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`).join('; '),
      type,
    )
  // The row of this very type has just checked the body: the one place where the catalogue's types are vouched for.
  return { type, data: { type, ...result.data }, meta: withTenant(metaOf(message), result.data) } as Event
}

function findUnreadable({ body, properties }: Received): string | undefined {
  const { contentType, contentEncoding } = properties
  if (contentType && !JSON_TYPE.test(contentType))
    return `content_type: expected application/json, got '${contentType}'`
  if (contentEncoding && !/^utf-?8$/i.test(contentEncoding))
    return `content_encoding: '${contentEncoding}' is not supported; send plain UTF-8`
  if (body.length === 0) return 'body: empty'
  if (body.length > BODY_BYTES_MAX) return `body: ${body.length} bytes, at most ${BODY_BYTES_MAX} are taken`
  if (!isUtf8(body)) return 'body: not valid UTF-8'
  if (depthOf(body) > JSON_DEPTH_MAX) return `body: nested deeper than ${JSON_DEPTH_MAX} levels`
  return undefined
}

const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i

/** Greatest depth of brackets outside strings, in one pass over the bytes. */
export function depthOf(body: Buffer): number {
  let depth = 0
  let deepest = 0
  let inString = false
  for (let i = 0; i < body.length; i++) {
    const byte = body[i]
    if (inString) {
      if (byte === BACKSLASH) i++
      else if (byte === QUOTE) inString = false
    } else if (byte === QUOTE) inString = true
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) deepest = Math.max(deepest, ++depth)
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth--
  }
  return deepest
}

const [QUOTE, BACKSLASH, OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = Buffer.from('"\\{}[]')

/** The envelope of a message, whatever its body is. */
export function metaOf({ key, body, properties }: Received): Meta {
  const { headers } = properties
  const originalKey = textOf(headers['x-ebs-key']) ?? key
  const callAttempt = countOf(headers['x-ebs-call-attempt'])
  // Empty is missing: otherwise all messages of a sender that leaves it empty would be the same one.
  const id = properties.messageId || contentId(originalKey, body, callAttempt)
  const atMs = headers['x-ebs-at']
  return {
    id,
    key: originalKey,
    correlationId: properties.correlationId || id,
    causationId: textOf(headers['x-ebs-causation']),
    tenant: textOf(headers['x-ebs-tenant']),
    attempt: countOf(headers['x-ebs-attempt']) ?? 1,
    waits: countOf(headers['x-ebs-waits']) ?? 0,
    atMs: typeof atMs === 'number' ? atMs : properties.timestamp && properties.timestamp * 1000,
    traceparent: traceparentOf(headers.traceparent),
    replyTo: replyQueueOf(properties.replyTo),
    callAttempt,
    released: releasedOf(headers['x-ebs-released']),
    replay: replayOf(textOf(headers['x-ebs-replay'])),
  }
}

/** Our own askers' queues (`ask.ts`), and those that a broker named for its consumer. */
const REPLY_QUEUE = /^(?:amq\.gen-|[a-z][a-z0-9-]{0,31}_reply\.)/

/** Only a queue that belongs to one asker: a stranger must not have us write into work queues. */
const replyQueueOf = (name: string | undefined) =>
  name !== undefined && REPLY_QUEUE.test(name) && isShort(name) ? name : undefined

/** A number from 1, as it comes from senders that write headers as text, too. */
function countOf(header: unknown): number | undefined {
  const count = typeof header === 'string' || typeof header === 'number' ? Number(header) : Number.NaN
  return Number.isSafeInteger(count) && count > 0 ? count : undefined
}

const named = z.object({ tenant: z.string() })

/** A message made by hand has no tenant header; its object or task names one. */
function withTenant(meta: Meta, data: Record<string, unknown>): Meta {
  if (meta.tenant !== undefined) return meta
  const owner = [data.task, data.object, data].map((part) => named.safeParse(part)).find((result) => result.success)
  return owner?.success ? { ...meta, tenant: owner.data.tenant } : meta
}

/** AMQP's bound on keys, types and ids. */
const SHORT_BYTES_MAX = 255
const isShort = (text: string) => Buffer.byteLength(text) <= SHORT_BYTES_MAX
/** Longer ones are none of ours: they travel on to what follows, and would make it too large to be sent. */
const textOf = (value: unknown) => (typeof value === 'string' && isShort(value) ? value : undefined)

/** What the sender of an event adds to its body. */
export type Sending = {
  readonly id: string
  readonly service: string
  readonly correlationId: string
  readonly atMs: number
  readonly causationId?: string | undefined
  readonly tenant?: string | undefined
  readonly traceparent?: string | undefined
  readonly replyTo?: string | undefined
  readonly callAttempt?: number | undefined
}

/** Field by field, here and below: spreads of optional fields are what V8 is slowest at, and every event passes here. */
function headersOf({ atMs, tenant, causationId, traceparent, callAttempt }: Sending): Headers {
  const headers: Record<string, HeaderValue> = { 'x-ebs-at': atMs }
  if (tenant) headers['x-ebs-tenant'] = tenant
  if (causationId) headers['x-ebs-causation'] = causationId
  if (traceparent) headers.traceparent = traceparent
  if (callAttempt) headers['x-ebs-call-attempt'] = callAttempt
  return headers
}

/** An event as a message on the exchange `ebs`. Throws Unrecoverable when it is larger than any consumer would take. */
export const toMessage = (body: Body, sending: Sending): Message => ({
  exchange: exchanges.events,
  key: keyOf(body),
  body: bytesOf(body, body.type),
  properties: propertiesOf(body.type, sending),
})

/**
 * Any JSON value as a message on the exchange `ebs`, under a topic of a user's choice; an object that names its type keeps it. Throws
 * Unrecoverable when it is too large, or the topic too long for a routing key.
 */
export function verbatim(topic: string, value: unknown, sending: Sending): Message {
  if (!isShort(topic)) throw new Unrecoverable(`topic: more than ${SHORT_BYTES_MAX} bytes: '${topic.slice(0, 50)}...'`)
  const type = typed.safeParse(value).data?.type
  return {
    exchange: exchanges.events,
    key: topic,
    body: bytesOf(value, `what is for '${topic}'`),
    properties: propertiesOf(type, sending),
  }
}

const typed = z.object({ type: z.string().min(1).refine(isShort) })

function bytesOf(value: unknown, what: string): Buffer {
  const bytes = Buffer.from(JSON.stringify(value))
  if (bytes.length > BODY_BYTES_MAX)
    throw new Unrecoverable(
      `${what} would have ${bytes.length} bytes, at most ${BODY_BYTES_MAX} are taken: publish a reference instead`,
    )
  return bytes
}

function propertiesOf(type: string | undefined, sending: Sending): Properties {
  const properties: { -readonly [K in keyof Properties]: Properties[K] } = {
    messageId: sending.id,
    correlationId: sending.correlationId,
    timestamp: Math.floor(sending.atMs / 1000),
    appId: sending.service,
    contentType: 'application/json',
    headers: headersOf(sending),
  }
  if (type) properties.type = type
  if (sending.replyTo) properties.replyTo = sending.replyTo
  return properties
}

/**
 * The properties for publishing a received message again (retry, dead letter, replay): its own, made complete, plus `headers`.
 * Headers that brokers keep for themselves are left behind: with `x-death` kept, RabbitMQ's cycle detection drops the
 * message without a trace on its second trip through the ladder.
 */
export function againProperties(
  message: Received,
  type: string | undefined,
  headers: Headers,
  without: ReadonlySet<string> = NONE,
): Properties {
  const { id, key } = metaOf(message)
  const { headers: received, ...own } = message.properties
  return {
    ...own,
    // One that is too long for a property stays in the body only.
    ...(type && isShort(type) && { type }),
    messageId: id,
    headers: Object.assign(keptHeaders(received, without), { 'x-ebs-key': key }, headers),
  }
}

/** Headers that brokers keep for themselves. */
export const BROKER_HEADERS =
  /^(?:x-death|x-first-death-.*|x-last-death-.*|x-delivery-count|x-acquired-count|x-opt-.*|CC|BCC)$/
/** Together with ours they must fit into the 64 KiB that amqplib encodes headers in; larger ones of a stranger are left behind. */
const HEADER_BYTES_MAX = 32_768
/** Type and lengths around each header, at most. */
const HEADER_FRAME_BYTES = 10
const isOurs = (name: string) => name.startsWith('x-ebs-') || name === 'traceparent'
const NONE: ReadonlySet<string> = new Set()

function keptHeaders(
  received: Readonly<Record<string, unknown>>,
  without: ReadonlySet<string>,
): Record<string, HeaderValue> {
  const kept: Record<string, HeaderValue> = {}
  let roomBytes = HEADER_BYTES_MAX
  const keep = (name: string) => {
    const value = received[name]
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return
    const bytes = Buffer.byteLength(name) + Buffer.byteLength(String(value)) + HEADER_FRAME_BYTES
    if (bytes > roomBytes) return
    roomBytes -= bytes
    kept[name] = value
  }
  const strange: string[] = []
  // Ours first: what is left behind of them would be missed.
  for (const name of Object.keys(received))
    if (!isOurs(name)) strange.push(name)
    else if (!without.has(name)) keep(name)
  for (const name of strange) if (!BROKER_HEADERS.test(name)) keep(name)
  return kept
}
