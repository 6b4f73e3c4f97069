import { z } from 'zod'
import type { Broker } from '../../../shared/bus/broker.ts'
import { askQueues, type ManagementApi } from '../../../shared/bus/management.ts'
import type { Logger } from '../../../shared/service/log.ts'

/** Consumers of a queue: how many there are now, and, when the broker tells, their tags as they were a few seconds ago. */
export type QueueConsumers = { readonly count: number; readonly tags: readonly string[] | undefined }
export type ListConsumers = (queue: string) => Promise<QueueConsumers>

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
  const tagsOf = async (queue: string) => {
    try {
      return managementUrl === undefined ? undefined : await fetchTags({ managementUrl, amqpUrl }, queue)
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

async function fetchTags(api: ManagementApi, queue: string): Promise<readonly string[]> {
  const answer = await askQueues(api, `/${encodeURIComponent(queue)}`)
  // Nobody consumes a queue that is not there.
  return answer === undefined ? [] : details.parse(answer).consumer_details.map(({ consumer_tag }) => consumer_tag)
}
