import { randomUUID } from 'node:crypto'
import { connect } from 'amqplib'
import type { z } from 'zod'
import { type Body, keyOf } from '../../shared/events.ts'
import { exchanges } from '../../shared/topology.ts'

/** As deep as what is heard may come in one go. */
const PREFETCH = 1_000

/** The benchmark's own connections to the bus, one to publish and one to hear. */
export type BusClient = {
  /** Publishes an event; `confirmed` waits for the broker. */
  publish(body: Body, correlationId?: string): void
  /** Publishes any body under any key. */
  send(key: string, body: Readonly<Record<string, unknown>>): void
  /** Resolves when everything published so far is confirmed. */
  confirmed(): Promise<void>
  /** Hears what is published under these keys, by a queue that ends with the client and costs the broker little. */
  hear<T>(keys: readonly string[], schema: z.ZodType<T>, take: (body: T) => void): Promise<void>
  /** Consumes a durable queue, acking each message. */
  consume<T>(queue: string, schema: z.ZodType<T>, take: (body: T) => void): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export async function openBusClient(amqpUrl: string): Promise<BusClient> {
  const publishing = await connect(amqpUrl)
  const consuming = await connect(amqpUrl)
  const publisher = await publishing.createConfirmChannel()
  const consumer = await consuming.createChannel()
  await consumer.prefetch(PREFETCH)
  const send = (key: string, body: Readonly<Record<string, unknown>>, correlationId: string = randomUUID()) => {
    publisher.publish(exchanges.events, key, Buffer.from(JSON.stringify(body)), {
      persistent: true,
      messageId: randomUUID(),
      type: String(body.type),
      correlationId,
      timestamp: Math.floor(Date.now() / 1_000),
      appId: 'bench',
      contentType: 'application/json',
      headers: { 'x-ebs-tenant': 'default', 'x-ebs-causation': correlationId },
    })
  }
  const parse = <T>(schema: z.ZodType<T>, content: Buffer) => schema.parse(JSON.parse(content.toString()))
  return {
    publish: (body, correlationId) => send(keyOf(body), body, correlationId),
    send: (key, body) => send(key, body),
    confirmed: () => publisher.waitForConfirms(),
    hear: async (keys, schema, take) => {
      const { queue } = await consumer.assertQueue('', { exclusive: true, durable: false })
      for (const key of keys) await consumer.bindQueue(queue, exchanges.events, key)
      await consumer.consume(queue, (message) => message && take(parse(schema, message.content)), { noAck: true })
    },
    consume: async (queue, schema, take) => {
      await consumer.consume(queue, (message) => {
        if (!message) return
        take(parse(schema, message.content))
        consumer.ack(message)
      })
    },
    // Channels first: closing only the connection loses the last acks.
    [Symbol.asyncDispose]: async () => {
      await consumer.close()
      await publisher.close()
      await consuming.close()
      await publishing.close()
    },
  }
}
