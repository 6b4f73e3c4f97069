import { type ChannelModel, connect, type RecoveringChannelModel } from 'amqplib'
import type { Logger } from 'pino'
import { AmqpConsumer } from './amqp-consumer.ts'
import { checkVersion, declarePlan, explainRefusal } from './amqp-declare.ts'
import { AmqpListener } from './amqp-listener.ts'
import { AmqpPublisher } from './amqp-publisher.ts'
import {
  type Broker,
  type BrokerState,
  ClosedError,
  type ConnectOptions,
  type ConsumeOptions,
  type Consumer,
  type Delivery,
  type Listener,
  type Message,
  type Received,
  ReturnedError,
  TopologyDriftError,
  UnsupportedBrokerError,
} from './broker.ts'
import { batchWrites } from './write-batching.ts'

/** A restarted broker is found again within this time, and a thousand clients do not come back at once. */
const RECOVERY = { initialDelay: 100, maxDelay: 5_000, jitter: 0.3 } as const
/** A peer that vanished without a word is noticed after two of these. */
const HEARTBEAT_S = 10
const CONNECT_MS_MAX = 10_000
const DRAIN_MS_DEFAULT = 5_000
/** Declaring takes some 50 ms of the broker: not for every message that finds its queue gone. */
const DECLARE_AGAIN_MS = 5_000

/** Connects a service to RabbitMQ, now or as soon as it is there, and again whenever it was lost. */
export const connectAmqp = (url: string, options: ConnectOptions & { readonly log?: Logger }): Broker =>
  new AmqpBroker(url, options)

type Links = { consume: boolean; publish: boolean; blocked: boolean }

class AmqpBroker implements Broker {
  version = 'unknown'
  state: BrokerState = 'connecting'
  readonly #options: ConnectOptions & { readonly log?: Logger }
  readonly #publisher = new AmqpPublisher()
  /** Attached to each new connection. */
  readonly #consumers = new Set<AmqpConsumer | AmqpListener>()
  readonly #listeners = new Set<(state: BrokerState) => void>()
  readonly #links: RecoveringChannelModel[] = []
  readonly #up: Links = { consume: false, publish: false, blocked: false }
  #model: ChannelModel | undefined
  #declaredAtMs = Number.NEGATIVE_INFINITY
  #isReady: () => void = () => undefined
  #isFatal: (error: Error) => void = () => undefined
  readonly #readiness = new Promise<void>((resolve, reject) => {
    this.#isReady = resolve
    this.#isFatal = reject
  })

  constructor(url: string, options: ConnectOptions & { readonly log?: Logger }) {
    this.#options = options
    // Whoever awaits ready() gets the failure; without this an early one would end the process.
    this.#readiness.catch(() => undefined)
    this.#open(url).catch((error: Error) => this.#isFatal(error))
  }

  get saturated(): boolean {
    return this.#publisher.saturated
  }

  ready(): Promise<void> {
    return this.#readiness
  }

  onState(listener: (state: BrokerState) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async publish(message: Message): Promise<void> {
    try {
      await this.#publisher.publish(message)
    } catch (error) {
      if (error instanceof ReturnedError) this.#declareAgain()
      throw error
    }
  }

  async consume(
    queue: string,
    { prefetch }: ConsumeOptions,
    onDelivery: (delivery: Delivery) => void,
  ): Promise<Consumer> {
    this.#assertOpen()
    const consumer = new AmqpConsumer(queue, prefetch, onDelivery)
    this.#consumers.add(consumer)
    const model = this.#model
    // When this fails the connection is on its way out, and the next one attaches every consumer.
    if (model)
      await consumer
        .attach(model, (reason) => this.#abandon(model, reason))
        .catch((error: Error) => this.#abandon(model, error.message))
    await consumer.attached
    return consumer
  }

  async listen(queue: string, onMessage: (message: Received) => void): Promise<Listener> {
    this.#assertOpen()
    const listener = new AmqpListener({
      queue,
      onMessage,
      log: this.#options.log,
      onStopped: (stopped) => this.#consumers.delete(stopped),
    })
    this.#consumers.add(listener)
    if (this.#model) await listener.attach(this.#model)
    await listener.attached
    return listener
  }

  async inspect(queue: string): Promise<{ messages: number; consumers: number } | undefined> {
    const model = await this.#connected()
    const channel = await model.createChannel()
    channel.on('error', () => undefined)
    try {
      const { messageCount, consumerCount } = await channel.checkQueue(queue)
      await channel.close()
      return { messages: messageCount, consumers: consumerCount }
    } catch (error) {
      if (error instanceof Error && /NOT_FOUND|RESOURCE_LOCKED/.test(error.message)) return undefined
      throw error
    }
  }

  async close(drainMs = DRAIN_MS_DEFAULT): Promise<void> {
    if (this.state === 'closed') return
    // Confirms come only from a broker that is there: while it is away or blocks, waiting would use up the time to stop.
    if (this.state === 'up') await this.#publisher.drain(drainMs)
    this.#publisher.close()
    for (const consumer of this.#consumers) {
      try {
        await consumer.close()
      } catch (error) {
        this.#options.log?.debug(
          { err: error },
          'a channel was gone before it could be closed; the broker redelivers what it held',
        )
      }
    }
    this.#setState('closed')
    for (const link of this.#links) await link.close()
    this.#isFatal(new ClosedError('The bus was closed before it was connected.'))
  }

  async #open(url: string): Promise<void> {
    await this.#link(url, 'consume', async (model) => {
      this.version = checkVersion(model.connection.serverProperties)
      await declarePlan(model, this.#options.plan)
      for (const consumer of this.#consumers) await consumer.attach(model, (reason) => this.#abandon(model, reason))
      this.#model = model
    })
    // Publishing starts when the exchanges are there; before that, what is published waits in the buffer.
    if (this.state === 'closed') return
    await this.#link(url, 'publish', async (model) => {
      const channel = await model.createConfirmChannel()
      channel.on('error', (error) => {
        const [, exchange] = /NOT_FOUND - no exchange '([^']*)'/.exec(error.message) ?? []
        if (exchange !== undefined) {
          this.#publisher.refuseExchange(exchange)
          this.#declareAgain()
        }
        this.#abandon(model, error.message)
      })
      channel.on('close', () => this.#publisher.detach(channel))
      this.#publisher.attach(channel, batchWrites(model))
    })
    this.#isReady()
  }

  /** One recovering connection; resolves when it is up for the first time. */
  async #link(url: string, role: 'consume' | 'publish', setup: (model: ChannelModel) => Promise<void>): Promise<void> {
    const { log, service } = this.#options
    const link = await connect(withHeartbeat(url), {
      noDelay: true,
      timeout: CONNECT_MS_MAX,
      clientProperties: { connection_name: `${service}_${role}` },
      recovery: { ...RECOVERY, waitForConnect: false, setup: (model: ChannelModel) => this.#prepare(model, setup) },
    })
    if (this.state === 'closed') return link.close()
    this.#links.push(link)
    const mark = (change: Partial<Links>) => {
      Object.assign(this.#up, change)
      this.#publisher.hold(this.#up.blocked)
      this.#setState(!this.#up.consume || !this.#up.publish ? 'connecting' : this.#up.blocked ? 'blocked' : 'up')
    }
    link.on('connect', () => mark({ [role]: true }))
    link.on('disconnect', (error) => {
      if (role === 'consume') this.#model = undefined
      mark(role === 'publish' ? { publish: false, blocked: false } : { consume: false })
      log?.warn({ role, reason: error.message }, 'lost the broker; connecting again')
    })
    link.on('blocked', (reason) => {
      log?.warn({ reason }, 'the broker blocks publishers; publishing waits')
      mark({ blocked: true })
    })
    link.on('unblocked', () => mark({ blocked: false }))
    link.on('error', (error) => log?.debug({ role, err: error }, 'connection error'))
    link.on('connect-failed', (error) => {
      if (error instanceof TopologyDriftError || error instanceof UnsupportedBrokerError) this.#isFatal(error)
      log?.warn({ role, reason: error.message }, 'no broker yet; trying again')
    })
    await link.waitForConnect()
  }

  /** Runs the setup of one connection; a connection that ends meanwhile is a failed attempt, which amqplib would not notice. */
  async #prepare(model: ChannelModel, setup: (model: ChannelModel) => Promise<void>): Promise<void> {
    let ended: Error | undefined
    model.on('error', (error) => {
      ended = error
    })
    model.on('close', () => {
      ended ??= new Error('the connection ended while it was being set up')
    })
    try {
      await setup(model)
    } catch (error) {
      // Drift and an old broker explain themselves; anything else is explained by why the connection ended, if it did.
      throw error instanceof TopologyDriftError || error instanceof UnsupportedBrokerError
        ? error
        : explainRefusal(ended ?? error)
    }
    if (ended) throw explainRefusal(ended)
  }

  /** Something of the topology was deleted under us: it is put back, once in a while. */
  #declareAgain(): void {
    const model = this.#model
    if (!model || performance.now() - this.#declaredAtMs < DECLARE_AGAIN_MS) return
    this.#declaredAtMs = performance.now()
    declarePlan(model, this.#options.plan).then(
      () => this.#options.log?.warn('a queue or exchange was gone; the topology was declared again'),
      (error: Error) =>
        this.#options.log?.warn({ reason: error.message }, 'a queue or exchange is gone and could not be declared'),
    )
  }

  /** A channel that ended unasked takes its connection with it, and recovery makes everything anew. */
  #abandon(model: ChannelModel, reason: string): void {
    if (this.state === 'closed') return
    this.#options.log?.warn({ reason }, 'a channel was closed; connecting again')
    model.close().catch((error: Error) => this.#options.log?.debug({ err: error }, 'the connection was closed already'))
  }

  async #connected(): Promise<ChannelModel> {
    await this.#readiness
    if (this.#model) return this.#model
    await new Promise<void>((resolve) => {
      const end = this.onState((state) => {
        if (state === 'connecting') return
        end()
        resolve()
      })
    })
    return this.#connected()
  }

  /** Nothing is attached any more once it is closed: whoever consumed then would wait for ever. */
  #assertOpen(): void {
    if (this.state === 'closed') throw new ClosedError('The bus is closed.')
  }

  #setState(state: BrokerState): void {
    if (this.state === state || this.state === 'closed') return
    this.state = state
    for (const listener of this.#listeners) listener(state)
  }
}

/** amqplib takes the heartbeat from the url only; one that is given stays. */
function withHeartbeat(url: string): string {
  const parsed = new URL(url)
  if (!parsed.searchParams.has('heartbeat')) parsed.searchParams.set('heartbeat', String(HEARTBEAT_S))
  return parsed.href
}
