import { once, setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ChannelModel, type ConfirmChannel, type ConsumeMessage, connect } from 'amqplib'
import { exchanges } from '../../shared/topology.ts'

/** Hears everything that is published, and keeps it while nobody reads; it goes with the node. */
export const witnessQueue = 'chaos.witness'

const PREFETCH = 500
const HEARTBEAT_S = 10
const AGAIN_MS = 250
/** A broker that blocks publishers confirms nothing; then the message is sent again, with the same id. */
const CONFIRM_MS_MAX = 20_000
/** A witness must survive that it is cut off as often as anybody likes. */
const DELIVERIES_MAX = 1_000_000_000

export type Heard = { readonly id: string; readonly text: string }

/**
 * A stranger's connection to the bus, written without anything of ebs: what ebs promises is judged by what such a program sees. It comes
 * back by itself whenever it is cut off.
 */
export type Bus = {
  /** Publishes a body as any program would, again and again until the broker has confirmed it. Gives up only when the bus is closed. */
  publish(key: string, id: string, body: object): Promise<void>
  close(): Promise<void>
}

/** Connects and hears everything that is published on `ebs` from now on; what was heard is acked. */
export async function openBus(amqpUrl: string, hear: (message: Heard) => void): Promise<Bus> {
  const closing = new AbortController()
  // Every message that waits to be published listens to it, and to its channel: there is nothing suspicious about many.
  setMaxListeners(0, closing.signal)
  let model: ChannelModel | undefined
  let channel: ConfirmChannel | undefined
  const live = async (onUp: () => void) => {
    while (!closing.signal.aborted) {
      try {
        model = await connect(`${amqpUrl}?heartbeat=${HEARTBEAT_S}`, { clientProperties: { connection_name: 'chaos' } })
        const gone = once(model, 'close', { signal: closing.signal })
        // Told by `gone`, too.
        model.on('error', () => undefined)
        channel = await openChannel(model, hear)
        onUp()
        await gone
      } catch {
        // The broker is away, or we are: tried again, or not.
      }
      channel = undefined
      await pause(AGAIN_MS, closing.signal)
    }
  }
  let living: Promise<void> = Promise.resolve()
  await new Promise<void>((resolve) => {
    living = live(resolve)
  })
  return {
    async publish(key, id, body) {
      for (;;) {
        closing.signal.throwIfAborted()
        if (channel && (await isConfirmed(channel, key, id, body))) return
        await pause(AGAIN_MS, closing.signal)
      }
    },
    async close() {
      closing.abort()
      // A broker that is gone has nothing to say about it.
      await model?.close().catch(() => undefined)
      await living
    },
  }
}

async function openChannel(model: ChannelModel, hear: (message: Heard) => void): Promise<ConfirmChannel> {
  const channel = await model.createConfirmChannel()
  channel.setMaxListeners(0)
  // The connection is closed then, and opened again.
  channel.on('error', () => void model.close().catch(() => undefined))
  await channel.prefetch(PREFETCH)
  await channel.assertQueue(witnessQueue, {
    durable: true,
    arguments: { 'x-queue-type': 'quorum', 'x-delivery-limit': DELIVERIES_MAX },
  })
  await channel.bindQueue(witnessQueue, exchanges.events, '#')
  await channel.consume(witnessQueue, (message) => {
    if (!message) return void model.close().catch(() => undefined)
    hear(heardOf(message))
    channel.ack(message)
  })
  return channel
}

const heardOf = ({ properties, content }: ConsumeMessage): Heard => ({
  id: typeof properties.messageId === 'string' ? properties.messageId : '',
  text: content.toString(),
})

/** Whether the broker has confirmed it in time. */
function isConfirmed(channel: ConfirmChannel, key: string, id: string, body: object): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), CONFIRM_MS_MAX)
    const end = (isIt: boolean) => {
      clearTimeout(timer)
      channel.off('close', refused)
      resolve(isIt)
    }
    const refused = () => end(false)
    channel.once('close', refused)
    try {
      channel.publish(
        exchanges.events,
        key,
        Buffer.from(JSON.stringify(body)),
        { persistent: true, messageId: id },
        (error) => end(!error),
      )
    } catch {
      // The channel has just been closed.
      end(false)
    }
  })
}

/** Resolves after the time, or as soon as the signal says so. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await sleep(ms, undefined, { signal }).catch(() => undefined)
}
