import { pino } from 'pino'
import { onTestFinished } from 'vitest'
import { type ActivityName, table } from '../../services/processor/activities/table.ts'
import { systems } from '../../services/processor/test/systems-fixture.ts'
import { connectAmqp } from '../../shared/bus/amqp-broker.ts'
import type { Delivery } from '../../shared/bus/broker.ts'
import { type Event, parseEvent } from '../../shared/bus/envelope.ts'
import { Unrecoverable } from '../../shared/bus/retry.ts'
import { activityQueueOf, topologyPlan } from '../../shared/topology.ts'
import type { System } from './system.ts'

/** Activities in the hands of a test, as a program of somebody else's that does what the processor would, in the same shop. */
export type ActivityGate = {
  /** Call ids of the requests that wait. */
  held(): readonly string[]
  /**
   * Does what these calls ask for, and answers straight into the queue of the hub; resolves when the broker has the answers. What comes
   * of them again is done again at once, as by a worker that remembers nothing.
   */
  let(callIds: readonly string[]): Promise<void>
}

type Held = { readonly request: Event<'ACTIVITY_REQUESTED'>['data']; readonly delivery: Delivery }
const REFUSED = 400

/** Takes all requests for these activities, whose queues must be there; lets go of them when the test ends. */
export async function activityGate({ dataDir, vhost }: System, names: readonly ActivityName[]): Promise<ActivityGate> {
  const others = systems({ dataDir })
  const plan = topologyPlan('quorum', { withLadder: false, queues: {} })
  const broker = connectAmqp(vhost.url, { service: 'gate', plan })
  onTestFinished(() => broker.close())
  const log = pino({ enabled: false })
  const waiting = new Map<string, Held>()
  const passed = new Set<string>()

  const answerTo = async (name: ActivityName, { callId, attempt, ...request }: Held['request']) => {
    const context = { ...request, callId, attempt, tenant: 'default', signal: new AbortController().signal, log }
    try {
      return {
        type: 'ACTIVITY_SUCCEEDED',
        callId,
        attempt,
        output: await table[name](others).run(request.input, context),
      }
    } catch (error) {
      if (!(error instanceof Unrecoverable)) throw error
      return { type: 'ACTIVITY_FAILED', callId, attempt, status: REFUSED, error: error.message }
    }
  }
  const nameOf = ({ activity }: Held['request']) => {
    const name = names.find((one) => one === activity)
    if (!name) throw new Error(`Nobody has asked for ${activity} here.`)
    return name
  }
  const pass = async ({ request, delivery }: Held) => {
    const body = Buffer.from(JSON.stringify(await answerTo(nameOf(request), request)))
    await broker.publish({ exchange: '', key: 'hub_consume', body, properties: {}, mandatory: true })
    delivery.ack()
  }
  const take = (delivery: Delivery) => {
    const event = parseEvent(delivery.message)
    if (!('data' in event) || event.data.type !== 'ACTIVITY_REQUESTED') throw new Error('This is no request.')
    const held = { request: event.data, delivery }
    const { callId } = event.data
    if (passed.has(callId)) void pass(held)
    else {
      // Published again, by a hub that was killed before it could note that it had: one of them is enough.
      waiting.get(callId)?.delivery.ack()
      waiting.set(callId, held)
    }
  }
  for (const name of names) await broker.consume(activityQueueOf(name), { prefetch: 100 }, take)

  return {
    held: () => [...waiting.keys()],
    async let(callIds) {
      for (const callId of callIds) {
        const held = waiting.get(callId)
        if (!held) throw new Error(`No request of ${callId} waits.`)
        waiting.delete(callId)
        passed.add(callId)
        await pass(held)
      }
    },
  }
}
