import type { TestVhost } from './vhost.ts'

/** Patterns of the exchanges that may be published to; the default exchange is `amq.default` here. */
export const EVERYTHING = '.*'
export const NOT_THE_EVENTS = '^(?!ebs$).*'
export const NOT_STRAIGHT_TO_QUEUES = '^(?!(?:amq\\.default|ebs\\.direct)$).*'

/** Has the broker refuse, on new connections, whatever is published to an exchange that the pattern does not match. */
export async function permitWrites({ management, name, url }: TestVhost, pattern: string): Promise<void> {
  const permissions = { configure: '.*', write: pattern, read: '.*' }
  await management('PUT', `/api/permissions/${name}/${new URL(url).username}`, permissions)
}
