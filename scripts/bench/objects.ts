import { randomUUID } from 'node:crypto'
import { type BusClient, openBusClient } from './bus-client.ts'
import { paced } from './lateness.ts'

/** Confirms outstanding while a backlog is made. */
const WINDOW = 500

/** Publishes so many OBJECT_CREATED as fast as the broker confirms them. */
export async function publishBacklog(amqpUrl: string, count: number): Promise<void> {
  await using client = await openBusClient(amqpUrl)
  await publishAll(client, count, () => publishObject(client, randomUUID()))
}

/** Calls `publish` for 0 to count - 1, as fast as the broker confirms what it publishes. */
export async function publishAll(client: BusClient, count: number, publish: (index: number) => void): Promise<void> {
  for (let index = 0; index < count; index++) {
    publish(index)
    if (index % WINDOW === WINDOW - 1) await client.confirmed()
  }
  await client.confirmed()
}

/** Publishes objects at an even rate (1/s); tells the id of each just before it is sent. */
export async function publishPaced(
  amqpUrl: string,
  load: { readonly rate: number; readonly count: number },
  onSend: (objectId: string) => void,
): Promise<void> {
  await using client = await openBusClient(amqpUrl)
  await paced(load.rate, load.count, () => {
    const id = randomUUID()
    onSend(id)
    publishObject(client, id)
  })
  await client.confirmed()
}

function publishObject(client: BusClient, id: string): void {
  const object = {
    id,
    tenant: 'default',
    name: `object ${id.slice(0, 8)}`,
    content: 'x'.repeat(64),
    createdAt: new Date().toISOString(),
  }
  client.publish({ type: 'OBJECT_CREATED', object }, id)
}
