import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import { type Body, rowOf } from '../events.ts'
import type { Recorder } from '../service/recorder.ts'
import type { Broker, Message } from './broker.ts'
import { type Meta, toMessage } from './envelope.ts'
import { deriveId } from './ids.ts'

/** What every consumer and publisher of a service works with. */
export type Bus = {
  readonly broker: Broker
  readonly service: string
  readonly clock: Clock
  readonly log: Logger
  readonly recorder: Recorder
}

/** The delivery that an event follows from. */
export type Cause = { readonly meta: Meta; readonly queue: string }

/** The message for an event that follows from another: its id is the same whenever the cause is handled again. */
export function messageFor(bus: Bus, { meta, queue }: Cause, body: Body, position: number): Message {
  const attempt = rowOf(body.type).perAttempt && { attempt: meta.attempt }
  return toMessage(body, {
    id: deriveId({ cause: meta.id, queue, type: body.type, position, ...attempt }),
    service: bus.service,
    correlationId: meta.correlationId,
    causationId: meta.id,
    tenant: meta.tenant,
    traceparent: meta.traceparent,
    atMs: bus.clock.now(),
  })
}

/** Publishes and measures; resolves when confirmed. */
export async function publish(bus: Bus, message: Message): Promise<void> {
  const destination = message.exchange || message.key
  const startMs = performance.now()
  try {
    await bus.broker.publish(message)
    bus.recorder.published(destination, performance.now() - startMs)
  } catch (error) {
    bus.recorder.published(destination, performance.now() - startMs, error instanceof Error ? error.name : 'Error')
    throw error
  }
}

/** Publishes in flight at once that belong to one delivery; nothing of it is acked before all are confirmed. */
export class Outgoing {
  private readonly confirms: Promise<void>[] = []

  add(confirm: Promise<void>): void {
    // The failure is met in `confirmed`; until then Node must not take it for unhandled.
    confirm.catch(() => undefined)
    this.confirms.push(confirm)
  }

  /** Rejects with the first failure. */
  async confirmed(): Promise<void> {
    await Promise.all(this.confirms)
  }
}
