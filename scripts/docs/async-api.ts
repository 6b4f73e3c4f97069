import { type EventType, rowOf } from '../../shared/events.ts'
import { exchanges } from '../../shared/topology.ts'
import { bodySchema } from './event-schema.ts'
import { eventTypes } from './event-types.ts'
import { exampleOf } from './example.ts'
import { headersSchema, heldHeadersSchema } from './headers.ts'
import { hearersOf, hearing } from './hearers.ts'

/** Of the events, not of the program: it changes when who publishes or hears them has to. */
const API_VERSION = '1'
const BINDING_VERSION = '0.3.0'

const description = `Events travel over the durable topic exchange \`${exchanges.events}\`: a channel per routing key, and one per queue that hears them.
An operation is a queue: every consumer of it gets its share of the messages. Who publishes is not said here, because every program may.
Delivery is at least once, with the same \`message_id\` each time. What cannot be handled lies in \`<queue>.dead\`, with headers that say why (\`heldHeaders\`).`

/** The catalogue and the topology as an AsyncAPI 3.0 document. */
export function asyncApi() {
  const overExchange = eventTypes.filter((type) => !rowOf(type).direct)
  const keys = [...new Set(overExchange.map((type) => rowOf(type).key))]
  const listening = hearing.filter(({ hears }) => hears.length > 0)
  const direct = eventTypes.filter((type) => rowOf(type).direct)
  return {
    asyncapi: '3.0.0',
    info: { title: 'ebs', version: API_VERSION, description },
    defaultContentType: 'application/json',
    channels: {
      ...Object.fromEntries(keys.map((key) => [keyChannel(key), channelOfKey(key, overExchange)])),
      ...Object.fromEntries(
        listening.map(({ queue }) => [
          queueChannel(queue),
          channelOfQueue(
            queue,
            overExchange.filter((type) => hearersOf(type).includes(queue)),
          ),
        ]),
      ),
      direct: {
        address: null,
        description: 'Sent straight to one queue, never over the exchange.',
        messages: messagesOf(direct),
      },
    },
    operations: Object.fromEntries(
      listening.map(({ queue, hears }) => [
        operationOf(queue),
        {
          action: 'receive',
          channel: { $ref: `#/channels/${queueChannel(queue)}` },
          summary: `Consumers of ${queue} hear ${hears.join(', ')}.`,
        },
      ]),
    ),
    components: {
      messages: Object.fromEntries(eventTypes.map((type) => [type, messageOf(type)])),
      schemas: { headers: headersSchema, heldHeaders: heldHeadersSchema },
    },
  }
}

const channelOfKey = (key: string, types: readonly EventType[]) => {
  const own = types.filter((type) => rowOf(type).key === key)
  const lastWord = own.map((type) => rowOf(type).lastWord).find((name) => name !== undefined)
  return {
    address: lastWord === undefined ? key : key.replace(/\*$/, `{${lastWord}}`),
    messages: messagesOf(own),
    ...(lastWord !== undefined && {
      parameters: { [lastWord]: { description: `The member ${lastWord} of the body.` } },
    }),
    bindings: {
      amqp: {
        is: 'routingKey',
        exchange: { name: exchanges.events, type: 'topic', durable: true, autoDelete: false },
        bindingVersion: BINDING_VERSION,
      },
    },
  }
}

const channelOfQueue = (queue: string, types: readonly EventType[]) => {
  const isOfActivity = queue.endsWith('*')
  return {
    address: isOfActivity ? queue.replace(/\*$/, '{activity}') : queue,
    messages: messagesOf(types),
    ...(isOfActivity && { parameters: { activity: { description: 'The name of the activity.' } } }),
    bindings: {
      amqp: {
        is: 'queue',
        queue: {
          name: isOfActivity ? queue.replace(/\*$/, '{activity}') : queue,
          durable: true,
          exclusive: false,
          autoDelete: false,
        },
        bindingVersion: BINDING_VERSION,
      },
    },
  }
}

const messageOf = (type: EventType) => {
  const { key, about, perAttempt, direct, meaning } = rowOf(type)
  return {
    name: type,
    title: type,
    summary: meaning,
    contentType: 'application/json',
    headers: { $ref: '#/components/schemas/headers' },
    payload: bodySchema(type),
    bindings: { amqp: { contentEncoding: 'utf-8', messageType: type, bindingVersion: BINDING_VERSION } },
    examples: [{ payload: exampleOf(type) }],
    ...(about && { 'x-ebs-about': { kind: about[0], idAt: about[1] } }),
    ...(perAttempt && { 'x-ebs-per-attempt': true }),
    ...(direct && { 'x-ebs-direct': key }),
  }
}

const messagesOf = (types: readonly EventType[]) =>
  Object.fromEntries(types.map((type) => [type, { $ref: `#/components/messages/${type}` }]))

const wordsOf = (name: string) => name.replace('.*', '')
const keyChannel = (key: string) => `key.${wordsOf(key)}`
const queueChannel = (queue: string) => `queue.${wordsOf(queue)}`
const operationOf = (queue: string) => `hear.${wordsOf(queue)}`
