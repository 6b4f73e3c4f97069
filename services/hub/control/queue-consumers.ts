import { z } from 'zod'
import type { Broker } from '../../../shared/bus/broker.ts'
import type { Logger } from '../../../shared/service/log.ts'

/** Consumers of a queue, as far as the broker tells: by their tags, or only how many there are. */
export type QueueConsumers =
  | { readonly tags: readonly string[]; readonly count?: undefined }
  | { readonly count: number; readonly tags?: undefined }
export type ListConsumers = (queue: string) => Promise<QueueConsumers>

const ANSWER_MS_MAX = 2_000

/**
 * How to learn who consumes a queue: from the management API when there is one, which knows the tags, else from the broker, which only
 * counts. While the API does not answer, it is counted.
 */
export function consumersBy(
  broker: Pick<Broker, 'inspect'>,
  {
    managementUrl,
    amqpUrl,
    log,
  }: { readonly managementUrl: string | undefined; readonly amqpUrl: string; readonly log: Logger },
): ListConsumers {
  const count: ListConsumers = async (queue) => ({ count: (await broker.inspect(queue))?.consumers ?? 0 })
  if (managementUrl === undefined) return count
  const vhost = vhostOf(amqpUrl)
  return async (queue) => {
    try {
      return { tags: await fetchTags(managementUrl, vhost, queue) }
    } catch (error) {
      log.warn({ err: error, queue }, 'the management API does not tell who consumes; consumers are counted instead')
      return count(queue)
    }
  }
}

const details = z.object({ consumer_details: z.array(z.object({ consumer_tag: z.string() })) })

async function fetchTags(managementUrl: string, vhost: string, queue: string): Promise<readonly string[]> {
  const { username, password, origin, pathname } = new URL(managementUrl)
  const path = `${pathname.replace(/\/$/, '')}/api/queues/${encodeURIComponent(vhost)}/${encodeURIComponent(queue)}`
  const credentials = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')
  const response = await fetch(`${origin}${path}`, {
    headers: { ...(username && { authorization: `Basic ${credentials}` }) },
    signal: AbortSignal.timeout(ANSWER_MS_MAX),
  })
  // Nobody consumes a queue that is not there.
  if (response.status === 404) return []
  if (!response.ok) throw new Error(`The management API answered ${response.status} for the queue ${queue}.`)
  const { consumer_details } = details.parse(await response.json())
  return consumer_details.map(({ consumer_tag }) => consumer_tag)
}

/** The path of the url, as RabbitMQ's clients read it: none is the vhost `/`. */
function vhostOf(amqpUrl: string): string {
  const { pathname } = new URL(amqpUrl)
  return pathname.length > 1 ? decodeURIComponent(pathname.slice(1)) : '/'
}
