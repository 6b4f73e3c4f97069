import type { ChannelModel } from 'amqplib'
import type { TlsFiles } from '../service/tls-settings.ts'
import type { Plan } from '../topology.ts'
import { AmqpBrowse } from './amqp-browse.ts'
import { AmqpConsumer } from './amqp-consumer.ts'
import { checkVersion } from './amqp-declare.ts'
import { AmqpFollower } from './amqp-follower.ts'
import { closeConnection } from './amqp-goodbye.ts'
import { type AmqpLink, connectAgain, type Setup } from './amqp-link.ts'
import { AmqpListener } from './amqp-listener.ts'
import { AmqpNodes } from './amqp-nodes.ts'
import { AmqpPlans, type PlansOptions } from './amqp-plans.ts'
import { openPublishing } from './amqp-publish-channel.ts'
import { AmqpPublisher } from './amqp-publisher.ts'
import { declareQueue, inspectQueue, removeEmptyQueue } from './amqp-queue.ts'
import { AmqpState, type LinkChange } from './amqp-state.ts'
import { tellTrouble } from './amqp-trouble.ts'
import {
  type Broker,
  type BrokerState,
  type Browse,
  type BrowseOptions,
  ClosedError,
  type ConnectOptions,
  type ConsumeOptions,
  type Consumer,
  type Delivery,
  type ExtendOptions,
  type Follower,
  isFinal,
  type Listener,
  type Message,
  type Received,
  ReturnedError,
} from './broker.ts'

const DRAIN_MS_DEFAULT = 5_000

/**
 * Connects a service to RabbitMQ, now or as soon as it is there, and again whenever it was lost. Several urls, with commas between
 * them, are those of the nodes of one cluster, which are tried in turn.
 */
export const connectAmqp = (url: string, options: AmqpOptions): Broker => new AmqpBroker(url, options)

type AmqpOptions = ConnectOptions & Omit<PlansOptions, 'plan'> & { readonly tls?: TlsFiles | undefined }

class AmqpBroker implements Broker {
  version = 'unknown'
  readonly #url: string
  /** What is read is marked at the node that it is read from: another one may be gone, or behind. */
  readonly #consumeNodes: AmqpNodes
  readonly #options: AmqpOptions
  readonly #publisher = new AmqpPublisher()
  /** Attached to each new connection. */
  readonly #consumers = new Set<AmqpConsumer | AmqpListener>()
  /** Attached before those. */
  readonly #followers = new Set<AmqpFollower>()
  readonly #browses = new Set<AmqpBrowse>()
  readonly #plans: AmqpPlans
  readonly #links: AmqpLink[] = []
  readonly #state = new AmqpState((isBlocked) => this.#publisher.hold(isBlocked))
  #model: ChannelModel | undefined
  /** Why the last connection could not be made, when somebody has to do something about it. */
  #refused: string | undefined
  #closing: Promise<void> | undefined
  #isReady: () => void = () => undefined
  #isFatal: (error: Error) => void = () => undefined
  readonly #readiness = new Promise<void>((resolve, reject) => {
    this.#isReady = resolve
    this.#isFatal = reject
  })

  constructor(url: string, options: AmqpOptions) {
    this.#url = url
    this.#consumeNodes = new AmqpNodes(url, options.tls)
    this.#options = options
    this.#plans = new AmqpPlans(options)
    // Whoever awaits ready() gets the failure; without this an early one would end the process.
    this.#readiness.catch(() => undefined)
    this.#open().catch((error: Error) => this.#isFatal(this.#closing ? closedEarly() : error))
  }

  get state(): BrokerState {
    return this.#state.current
  }

  get trouble(): string | undefined {
    return this.state === 'connecting' ? (this.#plans.trouble ?? this.#refused) : undefined
  }

  get saturated(): boolean {
    return this.#publisher.saturated
  }

  ready(): Promise<void> {
    return this.#readiness
  }

  onState(listener: (state: BrokerState) => void): () => void {
    return this.#state.onChange(listener)
  }

  async publish(message: Message): Promise<void> {
    try {
      await this.#publisher.publish(message)
    } catch (error) {
      if (error instanceof ReturnedError) this.#plans.declareAgain(this.#model)
      throw error
    }
  }

  async consume(queue: string, options: ConsumeOptions, onDelivery: (delivery: Delivery) => void): Promise<Consumer> {
    this.#assertOpen()
    const consumer = new AmqpConsumer(queue, options, onDelivery)
    this.#consumers.add(consumer)
    await this.#attach(consumer)
    return consumer
  }

  async follow(stream: string, onMessage: (message: Received) => void, onBegin?: () => void): Promise<Follower> {
    this.#assertOpen()
    const follower = new AmqpFollower({
      stream,
      onMessage,
      onBegin,
      mark: (end) => end.mark(this.#consumeNodes, `${this.#options.service}_mark`),
      onStopped: (stopped) => this.#followers.delete(stopped),
    })
    this.#followers.add(follower)
    await this.#attach(follower)
    return follower
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

  async browse(queue: string, { inOrder = false }: BrowseOptions = {}): Promise<Browse | undefined> {
    const onEnded = (ended: AmqpBrowse) => this.#browses.delete(ended)
    const browse = await AmqpBrowse.open(await this.#connected(), queue, { inOrder, onEnded })
    if (browse) this.#browses.add(browse)
    return browse
  }

  async declare(queue: Plan['queues'][number]): Promise<void> {
    await declareQueue(await this.#connected(), queue)
  }

  async extend(plan: Plan, options?: ExtendOptions): Promise<void> {
    await this.#plans.extend(plan, () => this.#connected(), options)
  }

  async removeEmpty(queue: string): Promise<boolean> {
    if ([...this.#browses].some((browse) => browse.queue === queue)) return false
    return removeEmptyQueue(await this.#connected(), queue)
  }

  async inspect(queue: string): Promise<{ messages: number; consumers: number } | undefined> {
    return inspectQueue(await this.#connected(), queue)
  }

  /** Said again while it closes, it is the same close: amqplib never answers the second close of a channel. */
  close(drainMs = DRAIN_MS_DEFAULT): Promise<void> {
    this.#closing ??= this.#close(drainMs)
    return this.#closing
  }

  async #close(drainMs: number): Promise<void> {
    // Confirms come only from a broker that is there: while it is away or blocks, waiting would use up the time to stop.
    if (this.state === 'up')
      await Promise.race([this.#publisher.drain(drainMs), this.#state.turnsTo((state) => state !== 'up')])
    this.#publisher.close()
    const closed = new ClosedError('The bus was closed.')
    for (const each of [...this.#browses, ...this.#consumers, ...this.#followers]) {
      try {
        await each.close(closed)
      } catch (error) {
        this.#options.log?.debug(
          { err: error },
          'a channel was gone before it could be closed; the broker redelivers what it held',
        )
      }
    }
    this.#state.close()
    await Promise.all(this.#links.map((link) => link.close()))
    this.#isFatal(closedEarly())
  }

  async #open(): Promise<void> {
    await this.#link('consume', async (model, answered) => {
      this.version = checkVersion(model.connection.serverProperties)
      await this.#plans.declare(model, answered)
      let isOver = false
      model.once('close', () => {
        isOver = true
      })
      await this.#attachAll(model)
      // Who needs one waits for the next.
      if (!isOver) this.#model = model
    })
    // Publishing starts when the exchanges are there; before that, what is published waits in the buffer.
    if (this.state === 'closed') return
    await this.#link('publish', async (model) => {
      const onMissing = () => this.#plans.declareAgain(this.#model)
      const onLost = (reason: string) => this.#abandon(model, reason)
      return openPublishing(model, { publisher: this.#publisher, log: this.#options.log, onMissing, onLost })
    })
    this.#isReady()
  }

  /** One recovering connection; resolves when it is up for the first time. */
  async #link(role: 'consume' | 'publish', setup: Setup): Promise<void> {
    const { log, service } = this.#options
    const nodes = role === 'consume' ? this.#consumeNodes : new AmqpNodes(this.#url, this.#options.tls)
    const link = await connectAgain(nodes, { name: `${service}_${role}`, setup })
    if (this.state === 'closed') return link.close()
    this.#links.push(link)
    const { connection } = link
    const mark = (change: LinkChange) => {
      this.#refused = undefined
      this.#state.change(change)
    }
    connection.on('connect', () => mark({ [role]: true }))
    connection.on('disconnect', (error) => {
      if (role === 'consume') this.#model = undefined
      mark({ [role]: false })
      log?.warn({ role, reason: error.message }, 'lost the broker; connecting again')
    })
    connection.on('blocked', (reason) => {
      log?.warn({ reason }, 'the broker blocks publishers; publishing waits')
      mark({ isBlocked: true })
    })
    connection.on('unblocked', () => mark({ isBlocked: false }))
    connection.on('error', (error) => log?.debug({ role, err: error }, 'connection error'))
    connection.on('connect-failed', (error) => {
      if (this.state === 'closed') return
      if (isFinal(error)) this.#isFatal(error)
      this.#refused = tellTrouble(log, { role, error, tls: nodes.tls.problem })
    })
    await connection.waitForConnect()
  }

  /** Followers first, also those that come while others are attached: what they read decides about what is consumed. */
  async #attachAll(model: ChannelModel): Promise<void> {
    const attached = new Set<AmqpFollower | AmqpConsumer | AmqpListener>()
    const next = () => [...this.#followers, ...this.#consumers].find((each) => !attached.has(each))
    for (let each = next(); each; each = next()) {
      attached.add(each)
      await each.attach(model, (reason) => this.#abandon(model, reason))
    }
  }

  /** At once when there is a connection; resolves when it was attached for the first time. */
  async #attach(each: AmqpFollower | AmqpConsumer): Promise<void> {
    const model = this.#model
    // When this fails the connection is on its way out, and the next one attaches everybody.
    if (model)
      await each
        .attach(model, (reason) => this.#abandon(model, reason))
        .catch((error: Error) => this.#abandon(model, error.message))
    await each.attached
  }

  /** A channel that ended unasked takes its connection with it, and recovery makes everything anew. */
  #abandon(model: ChannelModel, reason: string): void {
    if (this.state === 'closed') return
    this.#options.log?.warn({ reason }, 'a channel was closed; connecting again')
    void closeConnection(model)
  }

  async #connected(): Promise<ChannelModel> {
    await this.#readiness
    this.#assertOpen()
    if (this.#model) return this.#model
    await this.#state.turnsTo((state) => state !== 'connecting')
    return this.#connected()
  }

  /** Nothing is attached any more once it is closed: whoever consumed then would wait for ever. */
  #assertOpen(): void {
    if (this.state === 'closed') throw new ClosedError('The bus is closed.')
  }
}

const closedEarly = () => new ClosedError('The bus was closed before it was connected.')
