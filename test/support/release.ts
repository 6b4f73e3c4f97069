import { join } from 'node:path'
import { connect, type Options } from 'amqplib'
import type { Recorded, RecordedMessage } from '../../scripts/release/recorded.ts'
import { buildStore } from '../../shared/store/sql-dump.ts'
import type { TestVhost } from './vhost.ts'

/** Puts back what a release left behind: stores into a folder, topology and messages into a virtual host. */
export async function putBackRelease(recorded: Recorded, dataDir: string, vhost: TestVhost): Promise<void> {
  for (const [name, sql] of Object.entries(recorded.dumps)) buildStore(join(dataDir, name), sql)
  await declareRecorded(recorded, vhost)
  await publishRecorded(recorded, vhost)
}

async function declareRecorded({ topology }: Recorded, vhost: TestVhost): Promise<void> {
  await vhost.management('POST', `/api/definitions/${vhost.name}`, {
    exchanges: topology.exchanges.map((one) => ({ ...one, durable: true, auto_delete: false })),
    queues: topology.queues.map((one) => ({ ...one, durable: true, auto_delete: false })),
    bindings: topology.bindings.map((one) => ({ ...one, arguments: {} })),
  })
}

/**
 * Each message into its one queue, under the key that it had: by an exchange that leads there and nowhere else, because the default exchange
 * would put the queue's name into the place of the key.
 */
async function publishRecorded({ messages }: Recorded, vhost: TestVhost): Promise<void> {
  const connection = await connect(vhost.url)
  try {
    const channel = await connection.createConfirmChannel()
    for (const queue of new Set(messages.map((message) => message.queue))) {
      const exchange = `release.${queue}`
      await channel.assertExchange(exchange, 'fanout', { durable: false })
      await channel.bindQueue(queue, exchange, '')
      for (const { key, body, properties } of messages.filter((message) => message.queue === queue))
        channel.publish(exchange, key, Buffer.from(body), optionsOf(properties))
      await channel.waitForConfirms()
      await channel.deleteExchange(exchange)
    }
  } finally {
    await connection.close()
  }
}

const optionsOf = ({ timestamp, ...properties }: RecordedMessage['properties']): Options.Publish => ({
  ...properties,
  ...(timestamp !== undefined && { timestamp }),
  persistent: true,
})
