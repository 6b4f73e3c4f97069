import type { Forced } from '../config.ts'

/**
 * The ways to a broker, in the order in which they are tried: told by url; a private node that outlived its supervisor; one
 * that answers on 127.0.0.1:5672 as guest; a `rabbitmq-server` program; a Docker engine; Debian's package manager.
 */
export const ways = ['url', 'leftover', 'running', 'local', 'docker', 'apt'] as const

export type Way = (typeof ways)[number]

/** What a broker is wanted for: `test` wants one of its own, so it never takes one that somebody else may use. */
export type Purpose = 'start' | 'test'

const waysFor: Readonly<Record<Purpose, readonly Way[]>> = {
  start: ways,
  test: ['local', 'docker', 'apt'],
}

const forcedWays: Readonly<Record<Exclude<Forced, 'memory'>, readonly Way[]>> = {
  url: ['url'],
  local: ['leftover', 'local', 'apt'],
  docker: ['docker'],
}

/** The ways to try, best first. */
export function waysToTry(purpose: Purpose, forced: Exclude<Forced, 'memory'> | undefined): readonly Way[] {
  if (forced === undefined) return waysFor[purpose]
  return forcedWays[forced].filter((way) => way === 'url' || waysFor[purpose].includes(way))
}

/** One way: whether it is open here, and how to take it. */
export type WayIn<T> = {
  isOpen(): boolean | Promise<boolean>
  /** Rejects when it did not work out; then the next way is tried. Undefined: it turned out to be closed. */
  take(): Promise<T | undefined>
}

/** No way led to a broker. The message lists what was tried and what can be done. */
export class NoBrokerError extends Error {
  override readonly name = 'NoBrokerError'
}

/** Takes the first way that is open and works. `onFailure` hears of one that was open and did not work. */
export async function takeFirst<T>(
  order: readonly Way[],
  waysIn: Readonly<Record<Way, WayIn<T>>>,
  onFailure: (way: Way, error: unknown) => void,
): Promise<T> {
  for (const way of order) {
    if (!(await waysIn[way].isOpen())) continue
    try {
      const taken = await waysIn[way].take()
      if (taken !== undefined) return taken
    } catch (error) {
      onFailure(way, error)
    }
  }
  throw new NoBrokerError(adviceAfter(order))
}

const advice: Readonly<Record<Way, string | undefined>> = {
  url: 'EBS_AMQP_URL=amqp://user:password@host:5672 names one that runs somewhere (or QUEUE_URL=host:5672)',
  leftover: undefined,
  running: 'one that listens on 127.0.0.1:5672 and lets guest/guest in is used as it is',
  local: 'a rabbitmq-server program (Debian: apt-get install rabbitmq-server) is run as a private node under .ebs/',
  docker: 'a Docker engine that answers (docker.sock or DOCKER_HOST) runs rabbitmq:4.3.6-management',
  apt: 'as root or with passwordless sudo on Debian, rabbitmq-server is installed for you',
}

const adviceAfter = (order: readonly Way[]) =>
  [
    'Found no RabbitMQ and could not provide one. Any of these helps:',
    ...order.flatMap((way) => (advice[way] === undefined ? [] : [`  - ${advice[way]}`])),
    ...(order.includes('running')
      ? ['  - EBS_BROKER=memory npm start runs everything in one process without a broker']
      : []),
  ].join('\n')
