import type { Bus } from '../../../../shared/bus/bus.ts'
import { publish } from '../../../../shared/bus/bus.ts'
import { toMessage } from '../../../../shared/bus/envelope.ts'
import { newId } from '../../../../shared/bus/ids.ts'
import { MemoryBroker } from '../../../../shared/bus/memory-broker.ts'
import { noRules, noWatcher } from '../../../../shared/bus/rules.ts'
import { VirtualClock } from '../../../../shared/clock.ts'
import type { Body } from '../../../../shared/events.ts'
import type { Rule } from '../../../../shared/operation-events.ts'
import { createLog } from '../../../../shared/service/log.ts'
import { silentRecorder } from '../../../../shared/service/recorder.ts'
import { controlStream, topologyPlan } from '../../../../shared/topology.ts'
import { ControlLog } from '../control-log.ts'
import type { QueueConsumers } from '../queue-consumers.ts'

export const START_MS = Date.UTC(2026, 0, 1)

/** The hub's side of the stream of rules, on a broker in memory with a clock of its own; the test is the consumers. */
export async function controlSite() {
  const clock = new VirtualClock(START_MS)
  const memory = new MemoryBroker({ clock })
  const queues = { process_consume: { hears: [] }, distributor_consume: { hears: [] }, hub_work: { hears: [] } }
  const broker = memory.connect({ service: 'hub', plan: topologyPlan('quorum', { queues, withLadder: false }) })
  const log = createLog({ service: 'hub', level: 'silent' })
  const common = { service: 'hub', clock, log, recorder: silentRecorder }
  const bus: Bus = { ...common, broker, rules: noRules, outcomes: noWatcher }
  const control = new ControlLog(bus)
  await clock.advance(0)
  await broker.ready()
  await control.start()
  const there = new Map<string, QueueConsumers>()
  const heard: Body[] = []
  return {
    clock,
    memory,
    bus,
    control,
    /** These consume a queue, as the broker tells; or so many. */
    consume(queue: string, by: readonly string[] | number) {
      const count = typeof by === 'number' ? by : by.filter((tag) => !tag.endsWith('.replay')).length
      there.set(queue, { count, tags: typeof by === 'number' ? undefined : by })
    },
    there,
    consumers: async (queue: string) => there.get(queue) ?? { count: 0, tags: undefined },
    heard,
    /** Writes a record, as a consumer would. */
    say: (body: Body) => sayTo(bus, body),
    async [Symbol.asyncDispose]() {
      await control.stop()
      const closing = broker.close()
      await clock.advance(10_000)
      await closing
    },
  }
}

export async function sayTo(bus: Bus, body: Body): Promise<void> {
  const atMs = bus.clock.now()
  const id = newId(atMs)
  const message = toMessage(body, { id, service: 'test', correlationId: id, atMs })
  await publish(bus, { ...message, exchange: '', key: controlStream, mandatory: true })
}

export const rule = (fields: Partial<Rule> = {}): Rule => ({
  id: 'r1',
  episode: 1,
  revision: 1,
  phase: 'park',
  filter: 'tenant == "acme"',
  queues: ['process_consume'],
  actor: 'ann',
  reason: 'db down',
  since: '2026-01-01T00:00:00.000Z',
  ...fields,
})

export const applied = (fields: Partial<Body<'SIDELINE_APPLIED'>> = {}): Body<'SIDELINE_APPLIED'> => ({
  type: 'SIDELINE_APPLIED',
  id: 'r1',
  revision: 5,
  queue: 'process_consume',
  consumer: 'processor-1',
  ...fields,
})
