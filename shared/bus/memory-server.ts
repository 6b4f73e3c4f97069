import type { Clock } from '../clock.ts'
import type { ConnectOptions, Message } from './broker.ts'
import type { MemoryLink } from './memory-link.ts'
import type { MemoryQueue } from './memory-queue.ts'
import type { MemoryStream } from './memory-stream.ts'

/** The side of the in-memory broker that its connections see. */
export type Server = {
  readonly clock: Clock
  readonly status: { readonly running: boolean; readonly blocked: boolean }
  /** @throws TopologyDriftError, or for whoever starts NewerTopologyError, and then nothing was changed */
  declare(plan: ConnectOptions['plan'], isStart: boolean): void
  /** Stores a message; gives the number of queues that took it, or undefined when there is no such exchange. */
  accept(message: Message): number | undefined
  /** A queue that this link may use, or a stream. */
  findQueue(name: string, link: MemoryLink): MemoryQueue | MemoryStream | undefined
  /** Makes a queue for this link alone; undefined when there is one of this name. */
  declareOwn(name: string, owner: MemoryLink): MemoryQueue | undefined
  deleteQueue(name: string): void
  /** The link is closed and wants no more news. */
  forget(link: MemoryLink): void
}
