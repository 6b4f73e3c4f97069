import { randomUUID } from 'node:crypto'
import { connect } from 'amqplib'

/** As deep as RabbitMQ's own shovel and the product's consumers. */
const PREFETCH = 500
/** What a task of the benchmark weighs: body and headers. */
const CONTENT_CHARS = 500
const headers = { 'x-ebs-tenant': 'default', 'x-ebs-causation': 'bench' }

/**
 * The fastest simple way from one durable queue to another: consume, publish, and ack what the broker has confirmed, many at once. Fills the
 * first queue with `count` messages and gives back the ms that moving them took.
 */
export async function moveBare(amqpUrl: string, queueType: string, count: number): Promise<number> {
  const connection = await connect(amqpUrl)
  const channel = await connection.createConfirmChannel()
  const [from, to] = ['bare-from', 'bare-to'] as const
  for (const queue of [from, to])
    await channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': queueType } })
  const body = Buffer.from(JSON.stringify({ content: 'x'.repeat(CONTENT_CHARS) }))
  const properties = {
    persistent: true,
    type: 'TASK_CREATED',
    contentType: 'application/json',
    appId: 'bench',
    headers,
  }
  for (let n = 0; n < count; n++)
    channel.sendToQueue(from, body, { ...properties, messageId: randomUUID(), correlationId: randomUUID() })
  await channel.waitForConfirms()

  await channel.prefetch(PREFETCH)
  const startMs = performance.now()
  await new Promise<void>((resolve, reject) => {
    let moved = 0
    const onMessage = (message: Parameters<Parameters<typeof channel.consume>[1]>[0]) => {
      if (!message) return reject(new Error(`The consumer of ${from} was cancelled.`))
      channel.sendToQueue(to, message.content, { ...message.properties, persistent: true }, (error: unknown) => {
        if (error) return reject(error)
        channel.ack(message)
        if (++moved === count) resolve()
      })
    }
    channel.consume(from, onMessage).catch(reject)
  })
  const tookMs = performance.now() - startMs
  for (const queue of [from, to]) await channel.deleteQueue(queue)
  await channel.close()
  await connection.close()
  return tookMs
}
