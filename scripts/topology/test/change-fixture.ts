import { type ChannelModel, type ConfirmChannel, type ConsumeMessage, connect } from 'amqplib'
import { AmqpMoveLink } from '../../../shared/bus/amqp-move-link.ts'
import { type QueueType, topologyPlan } from '../../../shared/topology.ts'
import { type TestVhost, testVhost } from '../../../test/support/vhost.ts'
import { type Applying, applyChange } from '../applying.ts'
import { planChange } from '../change.ts'
import { BrokerLook } from '../found.ts'

/** Work queues that hear their own names, without a ladder. */
export const planOf = (names: readonly string[], queueType: QueueType) => {
  const queues = Object.fromEntries(names.map((name) => [name, { hears: [name] }]))
  return topologyPlan(queueType, { queues, withLadder: false })
}
export type SmallPlan = ReturnType<typeof planOf>

/** A virtual host on which something is declared, a stranger's connection to it, and one that changes it. */
export type Rig = AsyncDisposable & {
  readonly vhost: TestVhost
  readonly model: ChannelModel
  readonly channel: ConfirmChannel
  readonly look: BrokerLook
  readonly link: AmqpMoveLink
  /** Declares all of a plan. */
  declare(plan: SmallPlan): Promise<void>
  /** Plans and applies. Nobody consumes, so it does not wait for the broker's statistics. */
  apply(
    plan: SmallPlan,
    options?: Partial<Applying> & Pick<Partial<Applying['link']>, 'declareQueue'>,
  ): ReturnType<typeof applyChange>
  /** Publishes ids on `ebs`, confirmed. */
  publish(key: string, ids: readonly string[]): Promise<void>
  /** Takes all messages out of a queue, in order. */
  takeAll(queue: string): Promise<ConsumeMessage[]>
}

export async function changeRig(): Promise<Rig> {
  const vhost = await testVhost()
  const model = await connect(vhost.url)
  model.on('error', () => undefined)
  const channel = await model.createConfirmChannel()
  const link = await AmqpMoveLink.open(vhost.url, 'ebs_topology_test')
  const look = new BrokerLook({ amqpUrl: vhost.url, managementUrl: vhost.managementUrl })
  return {
    ...{ vhost, model, channel, look },
    async declare(plan) {
      for (const { name, type, arguments: args } of plan.exchanges)
        await channel.assertExchange(name, type, { durable: true, arguments: args })
      for (const { name, arguments: args } of plan.queues)
        await channel.assertQueue(name, { durable: true, arguments: args })
      for (const { source, destination, to, key } of plan.bindings)
        await (to === 'queue'
          ? channel.bindQueue(destination, source, key)
          : channel.bindExchange(destination, source, key))
    },
    link,
    async apply(
      plan,
      { declareQueue = (queue: SmallPlan['queues'][number]) => link.declareQueue(queue), ...options } = {},
    ) {
      return applyChange(planChange(plan, await look.all()), {
        link: {
          declareQueue,
          declareExchange: (exchange) => link.declareExchange(exchange),
          bind: (bindings) => link.bind(bindings),
          unbind: (bindings) => link.unbind(bindings),
          count: (queue) => link.count(queue),
          move: (moving) => link.move(moving),
          remove: (queue, how) => link.remove(queue, how),
        },
        look: {
          unsettled: async () => 0,
          bindingsTo: (queue) => look.bindingsTo(queue),
          consumersOf: (queue) => look.consumersOf(queue),
          policyOf: (queue) => look.policyOf(queue),
        },
        ...{ waitMs: 20_000, isCutting: false, statsMs: 0, quietMs: 200 },
        ...{ onAct: () => undefined, say: () => undefined },
        ...options,
      })
    },
    async publish(key, ids) {
      for (const id of ids) channel.publish('ebs', key, Buffer.from(id), { messageId: id, persistent: true })
      await channel.waitForConfirms()
    },
    async takeAll(queue) {
      const { messageCount } = await channel.checkQueue(queue)
      const taken: ConsumeMessage[] = []
      if (messageCount === 0) return taken
      let tag = ''
      await new Promise<void>((resolve, reject) => {
        const take = (message: ConsumeMessage | null) => {
          if (message && taken.push(message) === messageCount) resolve()
        }
        channel.consume(queue, take, { noAck: true }).then(({ consumerTag }) => {
          tag = consumerTag
        }, reject)
      })
      await channel.cancel(tag)
      return taken
    },
    async [Symbol.asyncDispose]() {
      await link.close()
      await model.close().catch(() => undefined)
      await vhost[Symbol.asyncDispose]()
    },
  }
}

export const idsFrom = (first: number, count: number) => Array.from({ length: count }, (_, i) => `id-${first + i}`)
export const idsOf = (messages: readonly ConsumeMessage[]) =>
  messages.map(({ properties }) => String(properties.messageId))
