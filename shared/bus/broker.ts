import { release } from '../release.ts'
import type { Plan } from '../topology.ts'

/**
 * What the bus needs of a broker. `amqp-broker.ts` gives it over RabbitMQ, `memory-broker.ts` inside one process, and one
 * contract suite (`test/broker-contract.test.ts`) holds both to the same promises.
 */
export interface Broker {
  /** Product and version, such as `RabbitMQ 3.10.8`; known once `ready` has resolved. */
  readonly version: string
  readonly state: BrokerState
  /** Why it does not come up, and what to do, when that is known and waiting alone will not help. */
  readonly trouble?: string | undefined
  /** Resolves when connected for the first time and the topology is declared; rejects with TopologyDriftError, NewerTopologyError or UnsupportedBrokerError. */
  ready(): Promise<void>
  /** Calls back on every change of state; returns the function that ends it. */
  onState(listener: (state: BrokerState) => void): () => void
  /**
   * Resolves when the broker has confirmed the message. Sends again, in order, after a reconnect. Rejects with ReturnedError
   * (mandatory and no queue), NackedError, BufferFullError (far too many wait for a confirm already) or ClosedError.
   */
  publish(message: Message): Promise<void>
  /** Many publishes wait, or the broker is away or blocks publishers: an HTTP edge answers 503 instead of adding to them. */
  readonly saturated: boolean
  /** Consumes until cancelled, across reconnects. Deliveries come one by one, as many unsettled at once as `prefetch` says. */
  consume(queue: string, options: ConsumeOptions, onDelivery: (delivery: Delivery) => void): Promise<Consumer>
  /**
   * Makes a queue that belongs to this connection alone and hears what is sent straight to it, for answers: not durable, never acked,
   * gone when the connection ends, and declared again by each reconnect; what was sent meanwhile is lost. While another connection
   * holds a queue of this name, this waits. Resolves when the queue is there for the first time.
   */
  listen(queue: string, onMessage: (message: Received) => void): Promise<Listener>
  /**
   * Reads a stream from its first message, and follows it. Resolves when everything that was in it has been given to `onMessage`. On each
   * new connection it is read from the first message again, to its end, before any consumer of this side gets a delivery there: a stream
   * that cannot be read keeps the connection from coming up. So call it before `consume`, and expect to see messages again. `onBegin` is
   * called before the first message of each reading: what was read before may be in the stream no more.
   */
  follow(stream: string, onMessage: (message: Received) => void, onBegin?: () => void): Promise<Follower>
  /**
   * Looks through a queue from its front, as far as it reached when this was called: what is not removed goes back to its place when the
   * browse is closed, and no other consumer sees it meanwhile. Undefined when there is no such queue. With `inOrder` what goes back keeps
   * its order, also when the connection is lost; then no more than `IN_ORDER_MAX` may be kept at once.
   */
  browse(queue: string, options?: BrowseOptions): Promise<Browse | undefined>
  /** Declares a queue that comes and goes. Nothing happens when it is there. Throws TopologyDriftError when it is there with other arguments. */
  declare(queue: Plan['queues'][number]): Promise<void>
  /**
   * Declares more exchanges, queues and bindings than this side's own plan has, now and after each reconnect. Resolves when they are there;
   * saying it again is harmless. Throws TopologyDriftError, and then forgets it. A side that only looks for its topology waits for them.
   */
  extend(plan: Plan, options?: ExtendOptions): Promise<void>
  /** Deletes a queue that holds no message, ready or unsettled; false when it holds some. True also when there is no such queue. */
  removeEmpty(queue: string): Promise<boolean>
  /**
   * Messages ready and consumers of a queue, or undefined when there is no such queue, or only one of another connection's own. `unsettled`
   * are delivered and not yet settled; missing where the broker does not say, as RabbitMQ's protocol does not.
   */
  inspect(queue: string): Promise<Inspected | undefined>
  /** Waits for outstanding confirms (bounded by `drainMs`), closes channels before connections. */
  close(drainMs?: number): Promise<void>
}

/** `comesAndGoes`: declared also by a side that only looks for what is fixed: nobody else would. */
export type ExtendOptions = { readonly comesAndGoes?: boolean }

export type Inspected = { readonly messages: number; readonly consumers: number; readonly unsettled?: number }

/** `blocked`: connected, but the broker takes no publishes because of a memory or disk alarm. */
export type BrokerState = 'connecting' | 'up' | 'blocked' | 'closed'

export type HeaderValue = string | number | boolean
export type Headers = Readonly<Record<string, HeaderValue>>

/** A message on its way to a broker. Always persistent. */
export type Message = {
  /** `''` is the default exchange: the key names a queue. */
  readonly exchange: string
  readonly key: string
  readonly body: Buffer
  readonly properties: Properties
  /** Reject with ReturnedError when no queue takes it. Helps on the default exchange only. */
  readonly mandatory?: boolean
}

export type Properties = {
  readonly messageId?: string
  readonly type?: string
  readonly correlationId?: string
  /** Queue of whoever waits for the answer. */
  readonly replyTo?: string
  /** Seconds since 1970, as AMQP has it. */
  readonly timestamp?: number
  readonly appId?: string
  readonly contentType?: string
  readonly contentEncoding?: string
  readonly headers?: Headers
}

/** A message as a consumer gets it. Its headers may hold what a stranger or the broker put there (x-death tables). */
export type Received = {
  readonly exchange: string
  readonly key: string
  readonly body: Buffer
  readonly properties: Omit<Properties, 'headers'> & { readonly headers: Readonly<Record<string, unknown>> }
}

/** Settle each delivery exactly once; after its connection is gone settling does nothing, because the broker redelivers. */
export interface Delivery {
  readonly message: Received
  readonly redelivered: boolean
  /**
   * How often it came back unsettled from a consumer that was lost; RabbitMQ before 4.3 counts a requeue as well. 0 where the
   * broker does not count (classic queues).
   */
  readonly returns: number
  /** Its connection is gone: the broker delivers it again, and settling it does nothing. */
  readonly lost: boolean
  ack(): void
  /** Back to the queue, near its front. */
  requeue(): void
}

export type ConsumeOptions = {
  /** Unsettled deliveries at once. */
  readonly prefetch: number
  /** The consumer's tag, by which the broker's operators know it; missing: the broker names it. */
  readonly tag?: string
}

/** Reads a stream until it is stopped. */
export interface Follower {
  stop(): Promise<void>
}

export type BrowseOptions = { readonly inOrder?: boolean }
/** One consumer gets them, whose prefetch this is: of several consumers a broker gives back one after the other. */
export const IN_ORDER_MAX = 256

/** A look through a queue. Ends after those messages that were there when it began, or when nothing comes for a while. */
export interface Browse extends AsyncIterable<Browsed> {
  /** Messages that were ready when it began. */
  readonly count: number
  /** What was not removed goes back to its place. */
  close(): Promise<void>
}

export interface Browsed {
  readonly message: Received
  /** Takes it out of the queue for good. Does nothing once the browse is closed or its connection lost: then it is still there. */
  remove(): void
}

export interface Consumer {
  /** Stops new deliveries; those not yet settled stay so until they are settled or the broker is closed. */
  cancel(): Promise<void>
  /** Changes the number of unsettled deliveries at once. On a queue with a single active consumer RabbitMQ hands the role to a stand-by. */
  setPrefetch(prefetch: number): Promise<void>
}

/** A queue of one connection's own. */
export interface Listener {
  /** The queue is there: what is sent to it now is heard. */
  readonly isUp: boolean
  /** Hears nothing more; the queue is gone. */
  stop(): Promise<void>
}

/** How a service reaches a broker; `connectAmqp` and `MemoryBroker.connect` are made from it. */
export type ConnectOptions = {
  /** Names the connections `<service>_consume` and `<service>_publish`. */
  readonly service: string
  /** Declared on every connect, before anything is consumed. */
  readonly plan: Plan
}

/** The broker took the message but no queue did: it would have been lost. Create the queue or correct its name. */
export class ReturnedError extends Error {
  override readonly name = 'ReturnedError'
}

/** The broker refused the message (a full queue that rejects, or a fault of its own): it is not stored. */
export class NackedError extends Error {
  override readonly name = 'NackedError'
}

/** Whether a publish failed because the broker, though it is there, does not want this message: it will want another one. */
export const isRefused = (error: unknown): boolean => error instanceof NackedError

/** More publishes wait for a confirm than memory should hold: the message was not taken; try again when the broker is back. */
export class BufferFullError extends Error {
  override readonly name = 'BufferFullError'
}

/** This side was closed before the broker confirmed: the message may or may not be stored. */
export class ClosedError extends Error {
  override readonly name = 'ClosedError'
}

/** The broker is too old or lacks a feature that the delay ladder or the queues need. */
export class UnsupportedBrokerError extends Error {
  override readonly name = 'UnsupportedBrokerError'
}

/** The broker was made for a newer ebs, which this program might harm: nothing was declared. The message says what to do. */
export class NewerTopologyError extends Error {
  override readonly name = 'NewerTopologyError'

  constructor({ found, known }: { readonly found: number; readonly known: number }) {
    super(
      `The broker holds topology ${found}, this program (ebs ${release}) knows ${known}: a newer ebs has declared it. ` +
        'Start that one; to go back, use another virtual host, or restore a backup that was made before (docs/upgrading.md).',
    )
  }
}

/** A difference between a queue or exchange that is there and the one that we would declare. */
export type Drift = {
  readonly kind: 'queue' | 'exchange'
  readonly name: string
  readonly argument: string
  readonly wanted: string
  readonly found: string
}

/** Queues or exchanges exist with other arguments: they were left as they are, and the message says what to do. */
export class TopologyDriftError extends Error {
  override readonly name = 'TopologyDriftError'
  readonly drifts: readonly Drift[]

  constructor(drifts: readonly Drift[]) {
    const lines = drifts.map(
      (d) => `  ${d.kind} ${d.name}: ${d.argument} is ${d.found}, this version of ebs wants ${d.wanted}`,
    )
    super(
      ['The broker holds a different topology:', ...lines].join('\n') +
        '\nSet EBS_QUEUE_TYPE to what is there, or change what is there without losing a message: `ebs topology plan` says how.',
    )
    this.drifts = drifts
  }
}

/** What no waiting puts right: `ready` rejects with it, and the service ends. */
export const isFinal = (error: unknown): error is Error =>
  error instanceof TopologyDriftError || error instanceof UnsupportedBrokerError || error instanceof NewerTopologyError
