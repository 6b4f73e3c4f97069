import type { Attributes } from '@opentelemetry/api'

/** What OpenTelemetry's conventions for RabbitMQ ask of a span about a message; `semconv` 1.36. */
export type AboutMessage = {
  readonly operation: 'publish' | 'process'
  readonly exchange: string
  readonly key: string
  /** Of a consumer. */
  readonly queue?: string
  /** Of few values: the exchange, or the queue, without what makes each asker's its own. */
  readonly template: string
  readonly messageId: string | undefined
  readonly correlationId: string | undefined
  readonly type: string | undefined
  readonly tenant: string | undefined
}

const TYPES = { publish: 'send', process: 'process' } as const

/** `publish ebs`, `process hub_consume`. */
export const nameOf = ({ operation, template }: AboutMessage) => `${operation} ${template}`

export function attributesOf(about: AboutMessage): Attributes {
  const { operation, exchange, key, queue, template } = about
  return {
    'messaging.system': 'rabbitmq',
    'messaging.operation.name': operation,
    'messaging.operation.type': TYPES[operation],
    'messaging.destination.name': destinationOf(exchange, key, queue),
    'messaging.destination.template': template,
    'messaging.rabbitmq.destination.routing_key': key || undefined,
    'messaging.message.id': about.messageId,
    'messaging.message.conversation_id': about.correlationId,
    'ebs.event.type': about.type,
    'ebs.tenant': about.tenant,
  }
}

/** Exchange, routing key and queue, without those that are empty or said twice. */
const destinationOf = (exchange: string, key: string, queue: string | undefined) =>
  [...new Set([exchange, key, queue])].filter(Boolean).join(':') || 'amq.default'
