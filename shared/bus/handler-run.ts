import type { Logger } from 'pino'
import type { Body, EventType } from '../events.ts'
import { traceFields } from '../tracing/log-fields.ts'
import { type Bus, messageFor, type Outgoing, publish } from './bus.ts'
import type { Follows, HandlerContext, Handlers } from './consumer.ts'
import type { Event } from './envelope.ts'

/** Runs the handler of an event and publishes what follows, each as soon as it is there; rejects as the handler does. */
export async function runHandler(
  bus: Bus,
  { queue, handlers, event }: { queue: string; handlers: Handlers; event: Event },
  outgoing: Outgoing,
): Promise<void> {
  let position = 0
  const emit = (body: Body) =>
    outgoing.add(publish(bus, messageFor(bus, { meta: event.meta, queue }, body, position++)))
  const follows = dispatch(handlers, event, new Context(bus.log, event))
  if (Symbol.asyncIterator in follows) for await (const body of follows) emit(body)
  else for (const body of await follows) emit(body)
}

class Context implements HandlerContext {
  readonly attempt: number
  readonly #log: Logger
  readonly #event: Event

  constructor(log: Logger, event: Event) {
    this.attempt = event.meta.attempt
    this.#log = log
    this.#event = event
  }

  /** Made when it is asked for: most handlers log nothing. */
  get log(): Logger {
    const { correlationId, id: messageId, traceparent } = this.#event.meta
    return this.#log.child({ correlationId, messageId, ...traceFields(traceparent) })
  }
}

/** Generic in the type, so that the compiler sees that handler and event belong together. */
function dispatch<T extends EventType>(handlers: Handlers, event: Event<T>, context: HandlerContext): Follows {
  const handler = handlers[event.type]
  // `take` lets only those pass that have one.
  if (!handler) throw new TypeError(`There is no handler for ${event.type}.`)
  return handler(event, context)
}
