import { createReadStream, createWriteStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import type { Broker, Received } from '../../shared/bus/broker.ts'
import { againProperties } from '../../shared/bus/envelope.ts'
import { storedProperties } from '../../shared/bus/outbox-message.ts'
import { deadQueueOf, exchanges, parkingQueue, type QueueType, queues, unroutedQueue } from '../../shared/topology.ts'

/** Queues that hold messages for people. */
const HOLDS = /^ebs\.sideline\.|\.dead$/

/** Those of the topology, and of the names that are given: parking queues, and dead queues of activities. */
export const heldQueues = (names: Iterable<string>): readonly string[] => [
  ...new Set([
    unroutedQueue,
    ...Object.keys(queues).map(deadQueueOf),
    ...[...names].filter((name) => HOLDS.test(name)),
  ]),
]

const line = z.object({
  queue: z.string(),
  key: z.string(),
  properties: storedProperties,
  /** Base64. */
  body: z.base64(),
})
type Line = z.infer<typeof line>

/** Copies what these queues hold into a file, a line of JSON per message; it stays where it is. Gives the number by queue. */
export async function saveHeld(
  broker: Broker,
  names: readonly string[],
  path: string,
): Promise<Record<string, number>> {
  const saved: Record<string, number> = {}
  await pipeline(
    async function* () {
      for (const queue of names)
        for await (const message of messagesIn(broker, queue)) {
          saved[queue] = (saved[queue] ?? 0) + 1
          yield `${JSON.stringify(lineOf(queue, message))}\n`
        }
    },
    createWriteStream(path, { mode: 0o600 }),
  )
  return saved
}

/** Sends saved messages to the queues that held them, but those that are still there. Gives how many were sent, by queue. */
export async function putBackHeld(broker: Broker, path: string, queueType: QueueType): Promise<Record<string, number>> {
  const sent: Record<string, number> = {}
  let [queue, there] = ['', new Set<string>()]
  for await (const text of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    const saved = line.parse(JSON.parse(text))
    if (saved.queue !== queue) {
      queue = saved.queue
      // All queues that hold are alike.
      await broker.declare({ ...parkingQueue('any', 'any', queueType), name: queue })
      there = await idsIn(broker, queue)
    }
    if (there.has(identityOf(saved))) continue
    // A stray keeps its key, which says where it was on its way to: it goes through the exchange that caught it.
    const isStray = queue === unroutedQueue
    await broker.publish({
      exchange: isStray ? exchanges.unrouted : '',
      key: isStray ? saved.key : queue,
      body: Buffer.from(saved.body, 'base64'),
      properties: saved.properties,
      mandatory: true,
    })
    sent[queue] = (sent[queue] ?? 0) + 1
  }
  return sent
}

const lineOf = (queue: string, message: Received): Line => ({
  queue,
  key: message.key,
  properties: againProperties(message, message.properties.type, {}),
  body: message.body.toString('base64'),
})

/** One message may be held several times in a queue, each time under another id of the catalogue. */
const identityOf = ({ properties }: Line) => `${properties.messageId} ${properties.headers?.['x-ebs-held'] ?? ''}`

async function idsIn(broker: Broker, queue: string): Promise<Set<string>> {
  const ids = new Set<string>()
  for await (const message of messagesIn(broker, queue)) ids.add(identityOf(lineOf(queue, message)))
  return ids
}

async function* messagesIn(broker: Broker, queue: string): AsyncGenerator<Received> {
  const browse = await broker.browse(queue)
  if (!browse) return
  try {
    for await (const { message } of browse) yield message
  } finally {
    await browse.close()
  }
}
