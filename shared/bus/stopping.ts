import type { Broker } from './broker.ts'
import type { Bus } from './bus.ts'

/**
 * Gives the work of a stop its time. Ends early when the broker is away or goes: nothing in flight can be confirmed or acked then, it comes
 * back to its queue, and waiting for it would only use up the time to stop. Never rejects: what fails on the way out is logged.
 */
export async function finishWithin(bus: Bus, withinMs: number, work: () => Promise<void>): Promise<void> {
  let cancelTimer: () => void = () => undefined
  const expired = new Promise<void>((resolve) => {
    cancelTimer = bus.clock.after(withinMs, resolve)
  })
  const away = watchAway(bus.broker)
  const finished = work().catch((error: unknown) =>
    bus.log.warn({ err: error }, 'could not stop a consumer in order; the broker takes back what it held'),
  )
  await Promise.race([finished, away.begun, expired])
  away.end()
  cancelTimer()
}

function watchAway(broker: Broker): { readonly begun: Promise<void>; readonly end: () => void } {
  let end: () => void = () => undefined
  const begun = new Promise<void>((resolve) => {
    const look = () => {
      if (broker.state !== 'up') resolve()
    }
    end = broker.onState(look)
    // At the start deliveries come before the connection for publishing is there: such a broker is about to be up, and not away.
    broker.ready().then(look, resolve)
  })
  return { begun, end }
}
