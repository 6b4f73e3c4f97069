import type {
  Broker,
  BrokerState,
  Browse,
  BrowseOptions,
  ConsumeOptions,
  Consumer,
  Delivery,
  Follower,
  Listener,
  Message,
  Received,
} from '../../shared/bus/broker.ts'
import type { Plan } from '../../shared/topology.ts'

/** Where a process may be struck; the broker's part of it. */
export type BrokerPoint = 'before publish' | 'after publish' | 'before ack' | 'after ack'

export type BrokerAround = {
  readonly isAlive: () => boolean
  /** Comes to this point; the process may be dead when it returns. */
  readonly onPoint: (point: BrokerPoint) => void
  /** It is handed over to the broker in this very turn of the event loop. */
  readonly onPublish: (message: Message) => void
  /** Hands a delivery on: now, later, twice, or never. */
  readonly onDelivery: (queue: string, message: Received, handOn: () => void, drop: () => void) => void
  readonly onDeclared: (plan: Plan) => void
}

/** A process that is dead waits for ever. */
const never = <T>() => new Promise<T>(() => undefined)

/** A process's connection: as dead as the process, and struck on the way. */
export class MortalBroker implements Broker {
  readonly version = 'simulated'
  readonly #link: Broker
  readonly #around: BrokerAround

  constructor(link: Broker, around: BrokerAround) {
    this.#link = link
    this.#around = around
  }

  get state(): BrokerState {
    return this.#around.isAlive() ? this.#link.state : 'closed'
  }

  get saturated(): boolean {
    return this.#link.saturated
  }

  ready(): Promise<void> {
    return this.#alive(() => this.#link.ready())
  }

  onState(listener: (state: BrokerState) => void): () => void {
    return this.#link.onState((state) => {
      if (this.#around.isAlive()) listener(state)
    })
  }

  publish(message: Message): Promise<void> {
    return this.#alive(async () => {
      this.#around.onPoint('before publish')
      if (!this.#around.isAlive()) return never()
      const published = this.#link.publish(message)
      this.#around.onPublish(message)
      await published
      this.#around.onPoint('after publish')
    })
  }

  consume(queue: string, options: ConsumeOptions, onDelivery: (delivery: Delivery) => void): Promise<Consumer> {
    return this.#alive(() =>
      this.#link.consume(queue, options, (delivery) => {
        const handOn = () => {
          if (this.#around.isAlive() && !delivery.lost) onDelivery(new MortalDelivery(delivery, this.#around))
        }
        const drop = () => {
          if (this.#around.isAlive()) delivery.ack()
        }
        if (this.#around.isAlive()) this.#around.onDelivery(queue, delivery.message, handOn, drop)
      }),
    )
  }

  listen(queue: string, onMessage: (message: Received) => void): Promise<Listener> {
    return this.#alive(() => this.#link.listen(queue, this.#while(onMessage)))
  }

  follow(stream: string, onMessage: (message: Received) => void, onBegin?: () => void): Promise<Follower> {
    return this.#alive(() => this.#link.follow(stream, this.#while(onMessage), onBegin))
  }

  browse(queue: string, options?: BrowseOptions): Promise<Browse | undefined> {
    return this.#alive(() => this.#link.browse(queue, options))
  }

  declare(queue: Plan['queues'][number]): Promise<void> {
    this.#around.onDeclared({ exchanges: [], queues: [queue], bindings: [] })
    return this.#alive(() => this.#link.declare(queue))
  }

  extend(plan: Plan): Promise<void> {
    this.#around.onDeclared(plan)
    return this.#alive(() => this.#link.extend(plan))
  }

  removeEmpty(queue: string): Promise<boolean> {
    return this.#alive(() => this.#link.removeEmpty(queue))
  }

  inspect(queue: string): Promise<{ messages: number; consumers: number } | undefined> {
    return this.#alive(() => this.#link.inspect(queue))
  }

  close(drainMs?: number): Promise<void> {
    return this.#link.close(drainMs)
  }

  /** What a dead process asks for, and what it is told after its death, comes to nothing. */
  async #alive<T>(work: () => Promise<T>): Promise<T> {
    if (!this.#around.isAlive()) return never()
    try {
      const given = await work()
      return this.#around.isAlive() ? given : await never<T>()
    } catch (error) {
      if (this.#around.isAlive()) throw error
      return never()
    }
  }

  #while(onMessage: (message: Received) => void) {
    return (message: Received) => {
      if (this.#around.isAlive()) onMessage(message)
    }
  }
}

class MortalDelivery implements Delivery {
  readonly message: Received
  readonly redelivered: boolean
  readonly returns: number
  readonly #delivery: Delivery
  readonly #around: BrokerAround

  constructor(delivery: Delivery, around: BrokerAround) {
    this.message = delivery.message
    this.redelivered = delivery.redelivered
    this.returns = delivery.returns
    this.#delivery = delivery
    this.#around = around
  }

  get lost(): boolean {
    return this.#delivery.lost
  }

  ack(): void {
    this.#around.onPoint('before ack')
    if (!this.#around.isAlive()) return
    this.#delivery.ack()
    this.#around.onPoint('after ack')
  }

  requeue(): void {
    if (this.#around.isAlive()) this.#delivery.requeue()
  }
}
