import { setTimeout as pause } from 'node:timers/promises'
import { AmqpMoveLink } from '../../shared/bus/amqp-move-link.ts'
import { redactUrl } from '../../shared/service/redact.ts'
import type { TlsFiles } from '../../shared/service/tls-settings.ts'
import type { QueueName } from '../../shared/topology.ts'
import { say } from '../progress.ts'

/** Those of services with a database of their own: of what another one takes from these, it never hears. */
const OWNED = ['hub_consume', 'datagen_consume', 'statistics'] as const satisfies readonly QueueName[]
/** Services that are told to stop, or lose the process that started them, cancel their consumers first. */
const LEAVING_MS_MAX = 5_000
const LOOK_AGAIN_MS = 250
/** A queue that is silent is asked for 5 s; a broker that answers nothing at all is no reason to wait for longer. */
const ANSWER_MS_MAX = 10_000

/** Consumers of a queue; undefined when there is no such queue. */
type Count = (queue: string) => Promise<{ readonly consumers: number } | undefined>
type Looking = { readonly signal: AbortSignal; readonly leavingMsMax?: number }

/**
 * Queues of which only one system may be the consumer, and which somebody consumes who does not leave within seconds. Changes nothing on
 * the broker. Empty, too, when the broker does not tell, which is said. Rejects when the signal comes.
 */
export async function findOtherSystem({
  amqpUrl,
  tls,
  ...looking
}: Looking & { readonly amqpUrl: string; readonly tls?: TlsFiles | undefined }): Promise<readonly string[]> {
  let link: AmqpMoveLink
  try {
    link = await AmqpMoveLink.open(amqpUrl, 'ebs_start', tls)
  } catch (error) {
    sayUnknown(error)
    return []
  }
  try {
    return await queuesInUse((queue) => link.count(queue), looking)
  } finally {
    await link.close()
  }
}

/** The same, with whatever counts. */
export async function queuesInUse(
  count: Count,
  { signal, leavingMsMax = LEAVING_MS_MAX }: Looking,
): Promise<readonly string[]> {
  const untilMs = performance.now() + leavingMsMax
  for (let isTold = false; ; isTold = true) {
    const used = await look(count, signal)
    if (used.length === 0 || performance.now() > untilMs) return used
    if (!isTold) say(`${used.join(', ')} ${haveConsumers(used)}: waiting a moment for another ebs that may be stopping`)
    await pause(LOOK_AGAIN_MS, undefined, { signal })
  }
}

/** What a person is to know, and to do. */
export const saysOtherSystem = (amqpUrl: string, used: readonly string[]): string =>
  [
    `Another ebs is at work on the broker at ${redactUrl(amqpUrl)}: ${used.join(', ')} ${haveConsumers(used)}. Nothing was started.`,
    'Beside it each of the two would take messages that are for the other, into databases that the other does not know: work would fail at its deadline, or never end. Any of these helps:',
    '  - stop the other one (`npm start` in another folder, or of somebody else who uses this broker)',
    '  - a broker of its own for this one: EBS_BROKER=local npm start, or EBS_BROKER=docker npm start',
    '  - a virtual host of its own on this broker: make it (rabbitmqctl add_vhost other), then EBS_AMQP_URL=amqp://user:password@host:5672/other npm start',
    '  - to help the other one with its work, start single services that may be doubled: npm run service -- processor',
  ].join('\n')

const haveConsumers = (used: readonly string[]) => (used.length === 1 ? 'has consumers' : 'have consumers')

async function look(count: Count, signal: AbortSignal): Promise<readonly string[]> {
  const counts = Promise.allSettled(OWNED.map(async (queue) => ({ queue, consumers: (await count(queue))?.consumers })))
  const answered = new AbortController()
  const late = pause(ANSWER_MS_MAX, undefined, { signal: AbortSignal.any([signal, answered.signal]) })
  const found = await Promise.race([counts, late])
  answered.abort()
  if (!found) {
    sayUnknown(`it has not answered within ${ANSWER_MS_MAX / 1_000} s`)
    return []
  }
  const used = found.flatMap((one) => (one.status === 'fulfilled' && one.value.consumers ? one.value.queue : []))
  const refused = found.find(({ status }) => status === 'rejected')
  if (used.length === 0 && refused?.status === 'rejected') sayUnknown(refused.reason)
  return used
}

function sayUnknown(why: unknown): void {
  const text = why instanceof Error ? why.message : String(why)
  say(`the broker does not tell whether another ebs is at work on it (${redactUrl(text)}): make sure that none is`)
}
