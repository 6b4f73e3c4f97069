import { z } from 'zod'
import type { TestVhost } from './vhost.ts'

/** More than any story sends between two looks. */
const LOOK_MAX = 20_000
/** As the management API sends properties: without any, an empty list. */
const properties = z.preprocess(
  (value) => (Array.isArray(value) ? {} : value),
  z.looseObject({ message_id: z.string().optional(), headers: z.record(z.string(), z.unknown()).optional() }),
)
const message = z.object({ routing_key: z.string(), payload: z.string(), properties })

/** A message that an onlooker heard. */
export type HeardMessage = {
  readonly key: string
  readonly id: string | undefined
  /** As it went over the wire. */
  readonly text: string
  /** The text as JSON; empty when that is no object. */
  readonly body: Readonly<Record<string, unknown>>
  readonly headers: Readonly<Record<string, unknown>>
}

/** A queue of the test's own that hears some keys of the exchange `ebs`, as any other program could. */
export type Onlooker = {
  /** All that it has heard so far, in order. */
  heard(): Promise<readonly HeardMessage[]>
}

/** Binds a queue of its own to keys of `ebs`; what was published before is not in it. The exchange must be there. */
export async function onlooker(vhost: TestVhost, ...keys: readonly string[]): Promise<Onlooker> {
  const name = `onlooker-${keys.join('-')}`.replaceAll(/[^\w.-]/g, '_')
  await vhost.management('PUT', `/api/queues/${vhost.name}/${name}`, { durable: true })
  for (const routing_key of keys)
    await vhost.management('POST', `/api/bindings/${vhost.name}/e/ebs/q/${name}`, { routing_key })
  const all: HeardMessage[] = []
  return {
    async heard() {
      all.push(...(await take(vhost, name)))
      return all
    },
  }
}

const json = z.record(z.string(), z.unknown()).catch({})

async function take(vhost: TestVhost, queue: string): Promise<HeardMessage[]> {
  const how = { count: LOOK_MAX, ackmode: 'ack_requeue_false', encoding: 'auto' }
  const answer = await vhost.management('POST', `/api/queues/${vhost.name}/${queue}/get`, how)
  return z
    .array(message)
    .parse(answer)
    .map(({ routing_key: key, payload: text, properties: { message_id: id, headers = {} } }) => ({
      key,
      id,
      text,
      body: json.parse(JSON.parse(text)),
      headers,
    }))
}

/** Each message once, however often it came: what is published again after a crash keeps its id (D3). */
export const distinct = (heard: readonly HeardMessage[]): readonly HeardMessage[] => [
  ...new Map(heard.map((one) => [one.id, one])).values(),
]
