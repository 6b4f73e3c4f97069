import { subscribe } from '../../bus/consumer.ts'
import { listen, pasteInto, retryPolicy, virtualSite } from '../../bus/test/bus-fixture.ts'
import type { Body } from '../../events.ts'
import { activityPlan, activityQueueOf, topologyPlan } from '../../topology.ts'
import { type Activity, activityHandlers } from '../activity.ts'

const plan = topologyPlan('quorum', {
  withLadder: true,
  queues: { answers: { hears: ['activities.*'] }, dead: { hears: ['messages.dead'] } },
})

export const request = {
  callId: 's1.main:charge',
  sagaId: 's1.main',
  activity: 'charge',
  attempt: 1,
  idempotencyKey: 's1.main:charge',
  input: { amount: 1 },
}

/** An activity on a broker in memory, with a clock that the test turns. */
export async function serving(served: Activity) {
  const { clock, site, memory } = virtualSite(plan)
  const broker = site.connect('processor')
  const bus = site.bus(broker, { service: 'processor' })
  const queue = activityQueueOf(served.name)
  await broker.extend(activityPlan(served.name, 'quorum'))
  const subscribed = await subscribe(bus, { queue, handlers: activityHandlers(served, clock), retry: retryPolicy() })
  const heard = await listen(broker, 'answers')
  const deaths = await listen(broker, 'dead')
  return {
    clock,
    bus,
    queue,
    memory,
    heard,
    deaths,
    subscribed,
    answers: () => heard.map(({ body }): unknown => JSON.parse(body.toString())),
    /** Asks as the hub does, with a deadline in so many ms; each attempt is a message of its own. */
    ask: (change: Partial<Body<'ACTIVITY_REQUESTED'>> = {}, dueInMs = 5_000, headers = {}) =>
      broker.publish({
        ...pasteInto('', {
          type: 'ACTIVITY_REQUESTED',
          ...request,
          deadline: new Date(clock.now() + dueInMs).toISOString(),
          ...change,
        }),
        exchange: 'ebs',
        key: queue,
        properties: { messageId: `request-${change.attempt ?? 1}`, correlationId: 's1.main', headers },
      }),
    [Symbol.asyncDispose]: () => site[Symbol.asyncDispose](),
  }
}
