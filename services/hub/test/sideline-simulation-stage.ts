import { setTimeout as pause } from 'node:timers/promises'
import { connectAmqp } from '../../../shared/bus/amqp-broker.ts'
import type { Broker } from '../../../shared/bus/broker.ts'
import { MemoryBroker } from '../../../shared/bus/memory-broker.ts'
import { type Wire, wireTo } from '../../../shared/bus/test/contract-wire.ts'
import { type Clock, systemClock, VirtualClock } from '../../../shared/clock.ts'
import { type Plan, queues, topologyPlan } from '../../../shared/topology.ts'
import { testVhost } from '../../../test/support/vhost.ts'

/** Where a simulation takes place: a broker, and its time. */
export type Stage = AsyncDisposable & {
  readonly clock: Clock
  connect(service: string): Promise<Broker>
  /** The connections of a service are lost, without a goodbye. */
  cut(service: string): void
  /** All are lost at once. */
  restart(): void
  /** Nobody can connect for so long. */
  stop(forMs: number): void
  /** Lets time pass, and what is to happen in it. */
  pass(ms: number): Promise<void>
}

const { process_consume, distributor_consume, hub_consume, hub_work } = queues
const ofSidelines = topologyPlan('quorum', {
  withLadder: true,
  queues: { process_consume, distributor_consume, hub_consume, hub_work },
})

/** While something is on its way, time passes in steps as small as these. */
const BUSY_STEP_MS = 10
const QUIET_STEP_MS = 250

/** In this process, with a clock of its own: the same every time. `plan` is what every service declares. */
export function memoryStage(plan: Plan = ofSidelines): Stage & { readonly memory: MemoryBroker } {
  const clock = new VirtualClock(Date.UTC(2026, 0, 1))
  const memory = new MemoryBroker({ clock })
  const connected: Broker[] = []
  return {
    clock,
    memory,
    connect: async (service) => {
      const broker = memory.connect({ service, plan })
      connected.push(broker)
      return broker
    },
    cut: (service) => memory.cut(service),
    restart: () => memory.restart(),
    stop(forMs) {
      memory.stop()
      clock.after(forMs, () => memory.start())
    },
    async pass(ms) {
      const endMs = clock.now() + ms
      while (clock.now() < endMs) {
        const stepMs = memory.isIdle() ? QUIET_STEP_MS : BUSY_STEP_MS
        await clock.advance(Math.min(stepMs, endMs - clock.now()))
      }
    },
    async [Symbol.asyncDispose]() {
      for (const broker of connected) await broker.close(0)
      memory.stop()
    },
  }
}

/** On the tests' RabbitMQ, in real time. */
export async function rabbitStage(): Promise<Stage> {
  const vhost = await testVhost()
  const wires = new Map<string, Wire>()
  const connected: Broker[] = []
  const cutAll = () => {
    for (const wire of wires.values()) wire.cut()
  }
  return {
    clock: systemClock,
    async connect(service) {
      const wire = wires.get(service) ?? (await wireTo(vhost.url))
      wires.set(service, wire)
      const broker = connectAmqp(wire.url, { service, plan: ofSidelines })
      connected.push(broker)
      return broker
    },
    cut: (service) => wires.get(service)?.cut(),
    restart: cutAll,
    stop: cutAll,
    pass: (ms) => pause(ms),
    async [Symbol.asyncDispose]() {
      for (const broker of connected) await broker.close(0)
      for (const wire of wires.values()) await wire[Symbol.asyncDispose]()
      await vhost[Symbol.asyncDispose]()
    },
  }
}
