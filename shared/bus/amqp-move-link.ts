import type { Channel, ChannelModel } from 'amqplib'
import type { TlsFiles } from '../service/tls-settings.ts'
import type { Plan } from '../topology.ts'
import { blockedFor } from './amqp-blocked.ts'
import { checkVersion, exchangeOptions, parseDrift } from './amqp-declare.ts'
import { closeChannel } from './amqp-ended.ts'
import { closeConnection } from './amqp-goodbye.ts'
import { connectToAny } from './amqp-link.ts'
import { type Moved, type Moving, moveMessages } from './amqp-move.ts'
import { AmqpNodes } from './amqp-nodes.ts'
import { inspectQueue, removeEmptyQueue } from './amqp-queue.ts'
import { socketOf } from './amqp-socket.ts'
import { TopologyDriftError } from './broker.ts'

type Binding = Plan['bindings'][number] & { readonly arguments?: Readonly<Record<string, unknown>> }

export const lockArguments = { holder: 'x-ebs-holder', nonce: 'x-ebs-nonce' } as const

/** A connection that changes what is declared, one thing at a time. Whatever it begins, it can be cut off and begun again. */
export class AmqpMoveLink {
  readonly #model: ChannelModel
  /** Product and version. */
  readonly broker: string

  private constructor(model: ChannelModel) {
    this.#model = model
    this.broker = checkVersion(model.connection.serverProperties)
  }

  /** Of several urls the first one that answers. Rejects when none does, or with UnsupportedBrokerError. `name` is what operators see. */
  static async open(urls: string, name: string, tls?: TlsFiles): Promise<AmqpMoveLink> {
    const model = await connectToAny(new AmqpNodes(urls, tls), name)
    try {
      return new AmqpMoveLink(model)
    } catch (error) {
      await closeConnection(model)
      throw error
    }
  }

  /**
   * Holds a queue of this name for as long as this connection lives; false when somebody else does. `holder`, for people, and `nonce`, by
   * which one knows one's own, stand in its arguments.
   */
  async lock(queue: string, holder: string, nonce: string): Promise<boolean> {
    try {
      await this.#once((channel) =>
        channel.assertQueue(queue, {
          exclusive: true,
          durable: false,
          arguments: { 'x-queue-type': 'classic', [lockArguments.holder]: holder, [lockArguments.nonce]: nonce },
        }),
      )
      return true
    } catch (error) {
      if (error instanceof Error && error.message.includes('RESOURCE_LOCKED')) return false
      throw error
    }
  }

  /** Throws TopologyDriftError when it is there with another type or other arguments. */
  async declareExchange(row: Plan['exchanges'][number]): Promise<void> {
    await this.#declare((channel) => channel.assertExchange(row.name, row.type, exchangeOptions(row)))
  }

  /** Throws TopologyDriftError when it is there with other arguments. */
  async declareQueue({ name, arguments: args }: Plan['queues'][number]): Promise<void> {
    await this.#declare((channel) => channel.assertQueue(name, { durable: true, arguments: args }))
  }

  bind(bindings: readonly Binding[]): Promise<void> {
    return this.#once(async (channel) => {
      for (const { source, destination, to, key, arguments: args = {} } of bindings)
        await (to === 'queue'
          ? channel.bindQueue(destination, source, key, args)
          : channel.bindExchange(destination, source, key, args))
    })
  }

  unbind(bindings: readonly Binding[]): Promise<void> {
    return this.#once(async (channel) => {
      for (const { source, destination, to, key, arguments: args = {} } of bindings)
        await (to === 'queue'
          ? channel.unbindQueue(destination, source, key, args)
          : channel.unbindExchange(destination, source, key, args))
    })
  }

  /**
   * Messages ready, and consumers; undefined when there is no such queue. A quorum queue counts as a consumer whoever holds a message of
   * it, a classic queue only who still consumes.
   */
  count(queue: string): Promise<{ readonly messages: number; readonly consumers: number } | undefined> {
    return inspectQueue(this.#model, queue)
  }

  /** See `moveMessages`. */
  move(moving: Moving): Promise<Moved> {
    return moveMessages(this.#model, moving)
  }

  /**
   * Deletes a queue that has no messages and, unless `evenUsed`, no consumers; false when it has. Of a classic queue the broker decides
   * in the same step; of a quorum queue, which knows no such condition, this looks right before.
   */
  async remove(queue: string, { isQuorum, evenUsed }: { isQuorum: boolean; evenUsed: boolean }): Promise<boolean> {
    if (isQuorum && !evenUsed) return removeEmptyQueue(this.#model, queue)
    if (isQuorum && ((await this.count(queue))?.messages ?? 0) > 0) return false
    const conditions = isQuorum ? {} : { ifEmpty: true, ifUnused: !evenUsed }
    try {
      await this.#once((channel) => channel.deleteQueue(queue, conditions))
      return true
    } catch (error) {
      if (error instanceof Error && error.message.includes('PRECONDITION_FAILED')) return false
      throw error
    }
  }

  /** Rejects, and ends the connection, when the broker has taken nothing for so long because of an alarm; see `blockedFor`. */
  blockedFor(msMax: number, say: (text: string) => void): Promise<never> {
    const blocked = blockedFor(this.#model, msMax, say)
    // Such a broker reads no goodbye either, and the open socket would keep this process.
    blocked.catch(() => socketOf(this.#model)?.destroy())
    return blocked
  }

  close(): Promise<void> {
    return closeConnection(this.#model)
  }

  async #declare(declare: (channel: Channel) => Promise<unknown>): Promise<void> {
    try {
      await this.#once(declare)
    } catch (error) {
      const drift = error instanceof Error ? parseDrift(error.message) : undefined
      throw drift ? new TopologyDriftError([drift]) : error
    }
  }

  /** A refused call closes its channel: so one that lives for this call only. */
  async #once(call: (channel: Channel) => Promise<unknown>): Promise<void> {
    const channel = await this.#model.createChannel()
    // The failed call rejects with the same error; without a listener Node would end the process.
    channel.on('error', () => undefined)
    await call(channel)
    await closeChannel(channel)
  }
}
