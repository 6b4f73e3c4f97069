import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { connectAmqp } from '../../shared/bus/amqp-broker.ts'
import { NackedError } from '../../shared/bus/broker.ts'
import { createLine, doneLine } from './collector.ts'
import { startLoad } from './load.ts'
import type { System } from './system.ts'

/** Little enough that two processors of a small machine do three copies of everything besides. */
const EVERY_MS = 500
const ACCEPTED = 202
const UNAVAILABLE = 503

type Counts = { readonly objects: number; readonly flows: number; readonly groups: number }

export type MixedLoad = AsyncDisposable & {
  /** So far. */
  readonly accepted: Counts
  /** Answers of 503, to requests that were repeated. */
  readonly refusals: number
  /** Ends it; gives how many of each were accepted. */
  stop(): Promise<Counts>
}

const nothing = { exchanges: [], queues: [], bindings: [] }

/** Clients that make objects, flows and groups, one after the other, and insist on each until it is accepted. */
export function startMixedLoad(system: System, amqpUrl: string): MixedLoad {
  const objects = startLoad(system, ['default'], EVERY_MS)
  const broker = connectAmqp(amqpUrl, { service: 'load', plan: nothing })
  const counts = { flows: 0, groups: 0 }
  let refusals = 0
  let isOver = false
  const again = async (kind: keyof typeof counts, make: () => Promise<void>) => {
    while (!isOver) {
      await make()
      counts[kind] += 1
      await pause(EVERY_MS)
    }
  }
  const running = Promise.all([
    again('flows', () =>
      insistOnFlow(system, () => {
        refusals += 1
      }),
    ),
    again('groups', async () => {
      const id = randomUUID()
      const lines = [createLine(id, ['a', 'b'], { ttl: 600 }), doneLine(id, 'a'), doneLine(id, 'b')]
      for (const body of lines) await insist(() => broker.publish({ ...toCollector, body: Buffer.from(body) }))
    }),
  ])
  // Whoever stops it gets the failure; until then Node must not take it for unhandled.
  running.catch(() => undefined)
  const stop = async () => {
    isOver = true
    const made = await objects.stop()
    await running
    await broker.close()
    return { objects: made, ...counts }
  }
  return {
    get accepted() {
      return { objects: objects.accepted, ...counts }
    },
    get refusals() {
      return refusals
    },
    stop,
    async [Symbol.asyncDispose]() {
      isOver = true
      await broker.close()
      await Promise.allSettled([running, objects.stop()])
    },
  }
}

const toCollector = { exchange: 'ebs', key: 'eventbus-collector', properties: {}, mandatory: false }

async function insistOnFlow(system: System, onRefusal: () => void): Promise<void> {
  const json = { flowId: randomUUID(), length: 2 }
  for (;;) {
    const { status } = await system.ask('gateway', '/api/flows', { json })
    if (status === ACCEPTED) return
    if (status !== UNAVAILABLE) throw new Error(`The gateway answered ${status}.`)
    onRefusal()
    await pause(EVERY_MS)
  }
}

/** A queue without a leader refuses for seconds: the same again is the same event. */
async function insist(publish: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await publish()
    } catch (error) {
      if (!(error instanceof NackedError)) throw error
    }
  }
}
