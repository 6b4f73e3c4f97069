import { randomUUID } from 'node:crypto'
import { type Channel, type ConfirmChannel, type ConsumeMessage, connect } from 'amqplib'

/** Deep enough that neither side waits for the other; more brought nothing. */
const PREFETCH = 300

/** Starts one process of the floor: consumes a queue, publishes on a connection of its own, ends on SIGTERM. */
export async function startFloor(
  options: { readonly amqpUrl: string; readonly service: string; readonly queue: string },
  handle: (delivery: ConsumeMessage, publish: Publish, acks: Acks) => void,
): Promise<void> {
  const consuming = await connect(options.amqpUrl, {
    clientProperties: { connection_name: `${options.service}_consume` },
  })
  const publishing = await connect(options.amqpUrl, {
    clientProperties: { connection_name: `${options.service}_publish` },
  })
  const channel = await consuming.createChannel()
  const publisher = await publishing.createConfirmChannel()
  const acks = inOrder(channel)
  const publish = publishWith(publisher, options.service)
  await channel.prefetch(PREFETCH)
  await channel.consume(options.queue, (delivery) => {
    if (delivery) handle(delivery, publish, acks)
  })
  process.once('SIGTERM', async () => {
    await publisher.waitForConfirms()
    await channel.close()
    await consuming.close()
    await publishing.close()
  })
}

export type Cause = { readonly correlationId: string; readonly tenant: string; readonly causationId: string }

type Body = Readonly<Record<string, unknown>> & { readonly type: string }

/** Publishes an event to the exchange `ebs` and calls back once the broker has confirmed it. */
export type Publish = (key: string, body: Body, cause: Cause, confirmed: () => void) => void

function publishWith(channel: ConfirmChannel, service: string): Publish {
  return (key, body, cause, confirmed) => {
    const options = {
      persistent: true,
      messageId: randomUUID(),
      type: body.type,
      correlationId: cause.correlationId,
      timestamp: Math.floor(Date.now() / 1_000),
      appId: service,
      contentType: 'application/json',
      headers: { 'x-ebs-tenant': cause.tenant, 'x-ebs-causation': cause.causationId },
    }
    channel.publish('ebs', key, Buffer.from(JSON.stringify(body)), options, (error) => {
      if (error) throw error
      confirmed()
    })
  }
}

export type Acks = {
  /** Names a delivery as taken; the function it gives back names it as done. */
  taken(delivery: ConsumeMessage): () => void
}

/** Acks in the order of delivery, so that one multiple ack settles all that were done in the same turn. */
function inOrder(channel: Channel): Acks {
  const open: { delivery: ConsumeMessage; done: boolean }[] = []
  let scheduled = false
  const settle = () => {
    scheduled = false
    const firstOpen = open.findIndex(({ done }) => !done)
    const settled = open.splice(0, firstOpen === -1 ? open.length : firstOpen).at(-1)
    if (settled) channel.ack(settled.delivery, true)
  }
  return {
    taken: (delivery) => {
      const entry = { delivery, done: false }
      open.push(entry)
      return () => {
        entry.done = true
        if (scheduled) return
        scheduled = true
        setImmediate(settle)
      }
    },
  }
}

/** Calls `then` after it was called `n` times itself. */
export function afterCalls(n: number, then: () => void): () => void {
  let left = n
  return () => {
    left -= 1
    if (left === 0) then()
  }
}

/** Correlation, tenant and cause of what follows from a delivery. */
export const causeOf = (delivery: ConsumeMessage): Cause => ({
  correlationId: String(delivery.properties.correlationId),
  tenant: String(delivery.properties.headers?.['x-ebs-tenant']),
  causationId: String(delivery.properties.messageId),
})
