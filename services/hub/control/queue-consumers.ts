import { z } from 'zod'
import type { Broker } from '../../../shared/bus/broker.ts'
import type { Logger } from '../../../shared/service/log.ts'

/** Consumers of a queue: how many there are now, and, when the broker tells, their tags as they were a few seconds ago. */
export type QueueConsumers = { readonly count: number; readonly tags: readonly string[] | undefined }
export type ListConsumers = (queue: string) => Promise<QueueConsumers>

const ANSWER_MS_MAX = 2_000

/**
 * How to learn who consumes a queue. The broker itself counts, at once; the management API, if there is one, names them, but gathers its
 * numbers every five seconds. While it does not answer, they are only counted.
 */
export function consumersBy(
  broker: Pick<Broker, 'inspect'>,
  {
    managementUrl,
    amqpUrl,
    log,
  }: { readonly managementUrl: string | undefined; readonly amqpUrl: string; readonly log: Logger },
): ListConsumers {
  const vhost = vhostOf(amqpUrl)
  const tagsOf = async (queue: string) => {
    try {
      return managementUrl === undefined ? undefined : await fetchTags(managementUrl, vhost, queue)
    } catch (error) {
      log.warn({ err: error, queue }, 'the management API does not tell who consumes; consumers are counted instead')
      return undefined
    }
  }
  return async (queue) => {
    const [found, tags] = await Promise.all([broker.inspect(queue), tagsOf(queue)])
    return { count: found?.consumers ?? 0, tags }
  }
}

/** Those that are asked to say something: a consumer's lane for replays has a tag of its own, and says nothing. */
export const isAsked = (tag: string) => !tag.endsWith('.replay')

/** Consumers of which nothing was heard, as a person would call them. */
export function silentOf(
  queue: string,
  { count, tags = [] }: QueueConsumers,
  heard: readonly string[],
): readonly string[] {
  const named = tags.filter((tag) => isAsked(tag) && !heard.includes(tag))
  // One that has just started is counted, and not listed yet.
  const unnamed = count - named.length - heard.length
  return unnamed > 0 ? [...named, `${unnamed} of ${count} consumers of ${queue}`] : named
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
