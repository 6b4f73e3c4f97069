import { type ConfirmChannel, connect } from 'amqplib'
import type { Plan } from '../../shared/topology.ts'
import { destination, type LadderDesign } from './ladder-designs.ts'
import { quantile } from './quantile.ts'

/** Short enough to send evenly, long enough for the timers of Node. */
const TICK_MS = 5
const PREFETCH = 500
/** A run that is this late has collapsed; it is cut here so that it cannot last for ever. */
const OVERDUE_MS_MAX = 20_000
const body = Buffer.from(JSON.stringify({ type: 'BENCH', filler: 'x'.repeat(460) }))

export type LatenessRun = {
  readonly p50: number
  readonly p99: number
  readonly max: number
  /** Messages that arrived before they were due. */
  readonly early: number
  readonly earlyMs: number
  readonly missing: number
}

/**
 * Sends delayed messages at a rate (1/s) for so many seconds and says how late (ms) they arrived at the destination.
 * The time counts from just before the publish, so the way to the broker is part of the lateness.
 */
export async function measureLateness(
  amqpUrl: string,
  design: LadderDesign,
  load: { readonly rate: number; readonly seconds: number; delayMs(index: number): number },
): Promise<LatenessRun> {
  const publishing = await connect(amqpUrl)
  const consuming = await connect(amqpUrl)
  const publisher = await publishing.createConfirmChannel()
  const consumer = await consuming.createChannel()
  await consumer.prefetch(PREFETCH)

  const total = load.rate * load.seconds
  const dueAt = new Float64Array(total)
  const late: number[] = []
  const arrived = new Promise<void>((resolve) => {
    void consumer.consume(destination, (message) => {
      if (!message) return
      late.push(performance.now() - (dueAt[Number(message.properties.messageId)] ?? Number.NaN))
      consumer.ack(message)
      if (late.length === total) resolve()
    })
  })

  let delayMsMax = 0
  await paced(load.rate, total, (index) => {
    const delayMs = load.delayMs(index)
    delayMsMax = Math.max(delayMsMax, delayMs)
    dueAt[index] = performance.now() + delayMs
    send(publisher, design.route(delayMs), index)
  })
  await publisher.waitForConfirms()
  const stop = new AbortController()
  await Promise.race([arrived, afterMs(delayMsMax + OVERDUE_MS_MAX, stop.signal)])
  stop.abort()

  // Channels first: closing only the connection loses the last acks.
  await consumer.close()
  await publisher.close()
  await consuming.close()
  await publishing.close()
  return {
    p50: quantile(late, 0.5),
    p99: quantile(late, 0.99),
    max: quantile(late, 1),
    early: late.filter((ms) => ms < 0).length,
    earlyMs: Math.max(0, -quantile(late, 0)),
    missing: total - late.length,
  }
}

function send(channel: ConfirmChannel, route: { exchange: string; key: string }, index: number) {
  channel.publish(route.exchange, route.key, body, {
    messageId: String(index),
    persistent: true,
    contentType: 'application/json',
    type: 'BENCH',
  })
}

/** Calls `each` for 0 to total - 1 at an even rate (1/s), catching up after a slow tick. */
export function paced(rate: number, total: number, each: (index: number) => void): Promise<void> {
  const startedAt = performance.now()
  let next = 0
  return new Promise((resolve, reject) => {
    const timer = setInterval(() => {
      try {
        const due = Math.min(total, Math.floor(((performance.now() - startedAt) / 1_000) * rate) + 1)
        for (; next < due; next++) each(next)
        if (next < total) return
        clearInterval(timer)
        resolve()
      } catch (error) {
        clearInterval(timer)
        reject(error)
      }
    }, TICK_MS)
  })
}

/** Resolves after a time, or at once when it is aborted. */
export function afterMs(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}

/** Declares a plan, spread over channels (amqplib has one call in flight per channel); gives back the milliseconds it took. */
export async function declarePlan(amqpUrl: string, plan: Plan, channels: number): Promise<number> {
  const connection = await connect(amqpUrl)
  const open = await Promise.all(Array.from({ length: channels }, () => connection.createChannel()))
  const startedAt = performance.now()
  const spread = async <T>(rows: readonly T[], job: (channel: (typeof open)[number], row: T) => Promise<unknown>) => {
    await Promise.all(
      open.map(async (channel, lane) => {
        for (const row of rows.filter((_, index) => index % channels === lane)) await job(channel, row)
      }),
    )
  }
  await spread(plan.exchanges, (channel, row) =>
    channel.assertExchange(row.name, row.type, { durable: true, arguments: row.arguments }),
  )
  await spread(plan.queues, (channel, row) =>
    channel.assertQueue(row.name, { durable: true, arguments: row.arguments }),
  )
  await spread(plan.bindings, (channel, row) =>
    row.to === 'queue'
      ? channel.bindQueue(row.destination, row.source, row.key)
      : channel.bindExchange(row.destination, row.source, row.key),
  )
  const tookMs = performance.now() - startedAt
  await connection.close()
  return tookMs
}
