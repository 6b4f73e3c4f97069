import { randomUUID } from 'node:crypto'
import { type ConfirmChannel, connect } from 'amqplib'
import { paced } from './lateness.ts'

/** Confirms outstanding while a backlog is made. */
const WINDOW = 500

/** Publishes so many OBJECT_CREATED as fast as the broker confirms them. */
export async function publishBacklog(amqpUrl: string, count: number): Promise<void> {
  const connection = await connect(amqpUrl)
  const channel = await connection.createConfirmChannel()
  for (let sent = 0; sent < count; sent++) {
    publishObject(channel, randomUUID())
    if (sent % WINDOW === WINDOW - 1) await channel.waitForConfirms()
  }
  await channel.waitForConfirms()
  await connection.close()
}

/** Publishes objects at an even rate (1/s); tells the id of each just before it is sent. */
export async function publishPaced(
  amqpUrl: string,
  load: { readonly rate: number; readonly count: number },
  onSend: (objectId: string) => void,
): Promise<void> {
  const connection = await connect(amqpUrl)
  const channel = await connection.createConfirmChannel()
  await paced(load.rate, load.count, () => {
    const id = randomUUID()
    onSend(id)
    publishObject(channel, id)
  })
  await channel.waitForConfirms()
  await connection.close()
}

function publishObject(channel: ConfirmChannel, id: string): void {
  const object = {
    id,
    tenant: 'default',
    name: `object ${id.slice(0, 8)}`,
    content: 'x'.repeat(64),
    createdAt: new Date().toISOString(),
  }
  channel.publish('ebs', 'objects', Buffer.from(JSON.stringify({ type: 'OBJECT_CREATED', object })), {
    persistent: true,
    messageId: randomUUID(),
    type: 'OBJECT_CREATED',
    correlationId: id,
    timestamp: Math.floor(Date.now() / 1_000),
    appId: 'bench',
    contentType: 'application/json',
    headers: { 'x-ebs-tenant': object.tenant, 'x-ebs-causation': id },
  })
}
