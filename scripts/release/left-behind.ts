import { z } from 'zod'
import type { Broker, Received } from '../../shared/bus/broker.ts'
import { controlStream } from '../../shared/topology.ts'
import { type Management, readDefinitions } from '../backup/definitions.ts'
import { parseTopology, type RecordedMessage, type RecordedTopology } from './recorded.ts'

/** What the broker writes into messages that it has moved or delivered: it will again. */
const DELIVERED = /^x-(?:delivery-count|acquired-count|opt-.*)$/
const MARKER_TYPE = 'ebs.marker'
/** Rungs first: what waits there moves on. */
const isRung = (queue: string) => queue.startsWith('ebs.delay.')

/** Exchanges, queues and bindings of the virtual host, by name. */
export async function recordTopology(management: Management): Promise<RecordedTopology> {
  const { exchanges, queues, bindings } = parseTopology(await readDefinitions(management))
  const byText = <T>(rows: readonly T[]) =>
    rows.toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b), 'en'))
  return { exchanges: byText(exchanges), queues: byText(queues), bindings: byText(bindings) }
}

/** Takes all messages out of all queues, and copies the control stream. */
export async function takeMessages(broker: Broker, { queues }: RecordedTopology): Promise<readonly RecordedMessage[]> {
  const taken: RecordedMessage[] = []
  const names = queues.map(({ name }) => name).filter((name) => name !== controlStream)
  for (const queue of [...names.filter(isRung), ...names.filter((name) => !isRung(name))]) {
    const { messages = 0 } = (await broker.inspect(queue)) ?? {}
    if (messages === 0) continue
    const browse = await broker.browse(queue)
    if (!browse) continue
    for await (const browsed of browse) {
      taken.push(lineOf(queue, browsed.message))
      browsed.remove()
    }
    await browse.close()
  }
  const follower = await broker.follow(controlStream, (message) => {
    if (message.properties.type !== MARKER_TYPE) taken.push(lineOf(controlStream, message))
  })
  await follower.stop()
  return taken
}

const json = z.json()

/** Tables and times in headers stay as amqplib has them, which is what it takes, too. */
function lineOf(queue: string, { key, body, properties }: Received): RecordedMessage {
  const headers = Object.entries(properties.headers).filter(([name]) => !DELIVERED.test(name))
  return {
    ...{ queue, key, body: body.toString() },
    properties: { ...properties, headers: z.record(z.string(), json).parse(Object.fromEntries(headers)) },
  }
}
