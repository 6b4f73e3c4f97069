import { expect, vi } from 'vitest'
import { testVhost } from '../../../test/support/vhost.ts'
import {
  controlStream,
  directBinding,
  type Plan,
  type QueueType,
  replayQueueOf,
  type Tables,
  topologyPlan,
} from '../../topology.ts'
import { connectAmqp } from '../amqp-broker.ts'
import type { Broker, ConnectOptions, Delivery, Message } from '../broker.ts'
import { MemoryBroker } from '../memory-broker.ts'
import { wireTo } from './contract-wire.ts'
import { keepQueues } from './reduced-plans.ts'

/** A fresh broker for one test, seen alike whichever it is; disposal closes every connection that was made. */
export type Rig = AsyncDisposable & {
  connect(options: ConnectOptions): Broker
  /** Breaks the connections of a service that are there, as a failing network would. */
  cut(service: string): Promise<void>
  deleteQueue(name: string): Promise<void>
}

/** The brokers that keep the contract. */
export const brokers: readonly { readonly broker: string; readonly start: () => Promise<Rig> }[] = [
  { broker: 'in-memory', start: memoryRig },
  { broker: 'RabbitMQ', start: rabbitRig },
]

async function memoryRig(): Promise<Rig> {
  const memory = new MemoryBroker()
  return rigOf({
    connect: (options) => memory.connect(options),
    cut: async (service) => memory.cut(service),
    deleteQueue: async (name) => memory.deleteQueue(name),
    [Symbol.asyncDispose]: async () => memory.stop(),
  })
}

async function rabbitRig(): Promise<Rig> {
  const vhost = await testVhost()
  // One for each service; no test has more than two.
  const wires = [await wireTo(vhost.url), await wireTo(vhost.url)]
  const services: string[] = []
  const wireOf = (service: string) => {
    if (!services.includes(service)) services.push(service)
    const wire = wires[services.indexOf(service)]
    if (!wire) throw new Error(`There is no wire left for ${service}: make more of them.`)
    return wire
  }
  return rigOf({
    connect: (options) => connectAmqp(wireOf(options.service).url, options),
    cut: async (service) => wireOf(service).cut(),
    deleteQueue: (name) => vhost.deleteQueue(name),
    async [Symbol.asyncDispose]() {
      for (const wire of wires) await wire[Symbol.asyncDispose]()
      await vhost[Symbol.asyncDispose]()
    },
  })
}

/** Closes what was connected before the broker goes. */
function rigOf(rig: Rig): Rig {
  const connected: Broker[] = []
  return {
    ...rig,
    connect(options) {
      const bus = rig.connect(options)
      connected.push(bus)
      return bus
    },
    async [Symbol.asyncDispose]() {
      for (const bus of connected) await bus.close()
      await rig[Symbol.asyncDispose]()
    },
  }
}

/** Work queues with what the contract is about: the stream of rules and the lanes of what comes back are not. */
export function reducedPlan(queueType: QueueType, tables: Tables): Plan {
  const left = [controlStream, ...Object.keys(tables.queues).map(replayQueueOf)]
  return keepQueues(topologyPlan(queueType, tables), (name) => !left.includes(name))
}

/** Such a plan without the ladder, and what a test adds by hand. */
export function planOf(queueType: QueueType, queues: Tables['queues'], extra: Partial<Plan> = {}): Plan {
  const plan = reducedPlan(queueType, { queues, withLadder: false })
  return {
    exchanges: [...plan.exchanges, ...(extra.exchanges ?? [])],
    queues: [...plan.queues, ...(extra.queues ?? [])],
    bindings: [
      ...plan.bindings,
      ...(extra.queues ?? []).map(({ name }) => directBinding(name)),
      ...(extra.bindings ?? []),
    ],
  }
}

/** A message whose body is its text. */
export const messageOf = (to: { exchange?: string; key: string; mandatory?: boolean }, text: string): Message => ({
  exchange: '',
  ...to,
  body: Buffer.from(text),
  properties: { messageId: text },
})

export const textOf = ({ message }: Delivery) => message.body.toString()

/** Consumes a queue into a list; acks at once unless told to hold. */
export async function collect(bus: Broker, queue: string, { prefetch = 100, hold = false } = {}) {
  const deliveries: Delivery[] = []
  const consumer = await bus.consume(queue, { prefetch }, (delivery) => {
    deliveries.push(delivery)
    if (!hold) delivery.ack()
  })
  return { consumer, deliveries, texts: () => deliveries.map(textOf) }
}

/** Waits until a check passes, and shows its last failure when it never does. */
export const eventually = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 10_000, interval: 10 })

/** Waits until a queue has this many messages ready. */
export const untilReady = (bus: Broker, queue: string, messages: number) =>
  eventually(async () => expect(await bus.inspect(queue)).toMatchObject({ messages }))

/** Publishes one message after the other without waiting for confirms, then waits for all of them. */
export const publishAll = (bus: Broker, messages: readonly Message[]) =>
  Promise.all(messages.map((message) => bus.publish(message)))

export const numbers = (count: number, from = 1) => Array.from({ length: count }, (_, i) => String(from + i))
