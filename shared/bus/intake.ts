import { beginDelivery, endDelivery } from '../tracing/delivery-span.ts'
import { findTracer } from '../tracing/tracer.ts'
import type { Delivery } from './broker.ts'
import type { Bus } from './bus.ts'
import { type Event, metaOf, type Parsed, parseEvent, type Stranger } from './envelope.ts'
import { settleFailure } from './failure.ts'
import { tellReplayed } from './replay-outcome.ts'
import { Unrecoverable } from './retry.ts'

/**
 * A message that came back this often from consumers that died is taken for the one that kills them, and is dead-lettered by
 * us, well before the queue's own limit. Classic queues do not count: there a message that kills its consumer does so for ever.
 */
export const CRASHES_MAX = 12

/** From this many crashes on a message may be the one that crashes its consumer, and is handled alone. */
export const SUSPECT_CRASHES = 2

/** Ids of which a return was seen; the oldest is forgotten. Many more than a consumer holds at once. */
const SURVIVED_MAX = 10_000

/**
 * Returns that were no crash: the connection ended, or RabbitMQ took back what was held for half an hour, while this process lived. Without
 * it a disk that is full over a weekend would condemn every message that waited for it.
 */
export class Survived {
  readonly #returns = new Map<string, number>()

  /** Done with a delivery: if it was lost meanwhile, it comes back, and we are still here. */
  note({ lost, message }: Delivery): void {
    if (!lost) return
    const messageId = metaOf(message).id
    const seen = this.#returns.get(messageId) ?? 0
    this.#returns.delete(messageId)
    this.#returns.set(messageId, seen + 1)
    const [oldest] = this.#returns.keys()
    if (oldest !== undefined && this.#returns.size > SURVIVED_MAX) this.#returns.delete(oldest)
  }

  /** How often a delivery came back from consumers that may have died of it. */
  crashesOf({ returns, message }: Delivery): number {
    return returns === 0 ? 0 : Math.max(0, returns - (this.#returns.get(metaOf(message).id) ?? 0))
  }
}

/**
 * Takes a suspect out, at random: in the order of the queue, a culprit at its front would end each process before anything else
 * is done. So after a few rounds only the culprit is left to be counted.
 */
export const takeAny = <T>(suspects: T[]): T | undefined =>
  suspects.splice(Math.floor(Math.random() * suspects.length), 1)[0]

/**
 * Reads a message in a format of its own; undefined ignores it (acked and counted). Begin with `metaOf(message)`: attempts are
 * counted in it, and a decoder that made up its own would be retried for ever.
 */
export type Decoder = (message: Delivery['message']) => Parsed | undefined

export type Intake = {
  readonly queue: string
  readonly decode?: Decoder | undefined
  /** Takes types that the catalogue does not have, too; elsewhere they are poison. */
  readonly takesStrangers?: boolean | undefined
  readonly accepts: (event: Event) => boolean
}

/** What a consumer has to do with a delivery: handle it, or put it away. */
export type Taken =
  | { readonly kind: 'event'; readonly event: Event }
  | { readonly kind: 'stranger'; readonly stranger: Stranger }
  | { readonly kind: 'ignore' }
  | { readonly kind: 'poison'; readonly reason: string; readonly type: string | undefined }
  | { readonly kind: 'crashed'; readonly event: Event }

/** First step of the consume loop: bytes and properties to something that can be handled. `crashes` is how often it may have ended its
 * consumer. Never throws. */
export function take(delivery: Delivery, crashes: number, intake: Intake): Taken {
  const taken = read(delivery, crashes, intake)
  return findTracer() ? traced(taken, delivery, intake.queue) : taken
}

/** Last step of the loop: done with a message, whatever became of it. */
export function settle(delivery: Delivery): void {
  delivery.ack()
  endDelivery(delivery)
}

/** Begins the span of a delivery, from which follows all that is sent because of it. */
function traced(taken: Taken, delivery: Delivery, queue: string): Taken {
  if (taken.kind === 'event' || taken.kind === 'crashed') {
    const { event } = taken
    return { ...taken, event: { ...event, meta: beginDelivery(queue, delivery, event.type, event.meta) } }
  }
  if (taken.kind === 'stranger') {
    const { stranger, meta } = taken.stranger
    return { ...taken, stranger: { stranger, meta: beginDelivery(queue, delivery, stranger, meta) } }
  }
  if (taken.kind === 'poison') beginDelivery(queue, delivery, taken.type, metaOf(delivery.message))
  return taken
}

function read(
  delivery: Delivery,
  crashes: number,
  { queue, decode = parseEvent, takesStrangers, accepts }: Intake,
): Taken {
  const parsed = decoded(delivery.message, decode)
  if (parsed === undefined) return { kind: 'ignore' }
  if ('poison' in parsed) return { kind: 'poison', reason: parsed.poison, type: parsed.type }
  if ('stranger' in parsed) {
    if (takesStrangers) return { kind: 'stranger', stranger: parsed }
    return { kind: 'poison', reason: `type: '${parsed.stranger}' is not in the catalogue`, type: parsed.stranger }
  }
  if (!accepts(parsed))
    return { kind: 'poison', reason: `type: ${queue} does not handle ${parsed.type}`, type: parsed.type }
  return crashes >= CRASHES_MAX ? { kind: 'crashed', event: parsed } : { kind: 'event', event: parsed }
}

/** A message that a decoder stumbles over is poison, as one that it refuses. */
function decoded(message: Delivery['message'], decode: Decoder): Parsed | undefined {
  try {
    return decode(message)
  } catch (error) {
    const reason = `body: the decoder failed (${error instanceof Error ? error.message : String(error)})`
    return { poison: reason, type: message.properties.type }
  }
}

/** Puts away what cannot be handled; resolves when that is confirmed, and acks. */
export async function putAway(
  bus: Bus,
  delivery: Delivery,
  queue: string,
  taken: Extract<Taken, { kind: 'ignore' | 'poison' }>,
): Promise<void> {
  if (taken.kind === 'ignore') {
    bus.recorder.ignored(queue)
    await tellReplayed(bus, { meta: metaOf(delivery.message), queue }, 'ignored')
  } else {
    const failed = {
      queue,
      delivery,
      event: undefined,
      type: taken.type,
      error: new Unrecoverable(taken.reason),
      durationMs: 0,
    }
    await settleFailure(bus, failed, { kind: 'dead', reason: 'poison' })
  }
  settle(delivery)
}

/** Says what happened to a message that takes its consumer down with it. */
export const crashError = (returns: number) =>
  new Unrecoverable(`its consumers died ${returns} times while holding it: handling it probably ends the process`)
