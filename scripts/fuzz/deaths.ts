import type { Message, Received } from '../../shared/bus/broker.ts'
import { parseEvent } from '../../shared/bus/envelope.ts'
import { topicMatches } from '../../shared/bus/topic-match.ts'
import { isEventType, rowOf } from '../../shared/events.ts'
import { activityQueueOf, type QueueName, queues } from '../../shared/topology.ts'

/** A message in a dead queue: which, why, and what it says of itself. */
export type Death = {
  readonly queue: string
  readonly reason: string
  readonly error: string
  readonly message: Received
}

const OBSERVER: QueueName = 'statistics'
/** Work queues of activities that the processor does; those of others nobody consumes. */
export const ACTIVITIES = ['digest'] as const

/** All of them, with what they hear. */
export const heard: readonly (readonly [queue: string, patterns: readonly string[]])[] = [
  ...Object.entries(queues).map(([queue, { hears }]): [string, readonly string[]] => [queue, hears]),
  ...ACTIVITIES.map((name): [string, readonly string[]] => [activityQueueOf(name), [activityQueueOf(name)]]),
]

/** The queues that a message comes to. */
export const queuesOf = ({ exchange, key }: Pick<Message, 'exchange' | 'key'>): readonly string[] =>
  exchange === ''
    ? [key]
    : heard.filter(([, patterns]) => patterns.some((one) => topicMatches(one, key))).map(([queue]) => queue)

/** What workers may refuse although the schema takes it: what they are asked for must be something that they can do, with what it needs. */
const REFUSALS: readonly RegExp[] = [
  /^Unrecoverable: There is no call '/,
  /^Unrecoverable: The input of /,
  /^Unrecoverable: What .* has mistakes: /,
  /^Unrecoverable: Here .* is done, and the request is for /,
]
/**
 * The hub refuses what does not fit to what there is (G8, H5, J2, S4: another group with this id, no such rule), always by a decision
 * with a sentence. Anything else that fails is tried again, and would die as exhausted.
 */
export const isDecision = ({ queue, reason, error }: Death) =>
  queue === 'hub_consume' && reason === 'unrecoverable' && /^Unrecoverable: \S+ /.test(error) && !BUG.test(error)
const BUG = /\b(?:TypeError|RangeError|ReferenceError|SQLITE|Cannot read|is not a function|is not iterable)\b/

/** What is wrong with what became of one message; undefined when nothing is. */
export function complaintAboutDeaths(
  message: Received,
  deaths: readonly Death[],
  consumed: ReadonlySet<string>,
): string | undefined {
  const parsed = parseEvent(message)
  for (const queue of queuesOf(message)) {
    if (!consumed.has(queue)) continue
    const here = deaths.filter((death) => death.queue === queue)
    if (here.length > 1) return `died ${here.length} times in ${queue}: ${here.map(({ error }) => error).join(' | ')}`
    const [death] = here
    const mustDie = 'poison' in parsed || ('stranger' in parsed && queue !== OBSERVER)
    if (mustDie && !death) return `should have died in ${queue}: ${'poison' in parsed ? parsed.poison : 'a stranger'}`
    if (mustDie && death && death.reason !== 'poison')
      return `died in ${queue} as ${death.reason}, and is poison: ${death.error}`
    if (mustDie && death && !NAMES_A_FIELD.test(death.error))
      return `died in ${queue} without a reason that names the field: ${death.error}`
    if (!mustDie && death) {
      const unexplained = unexplainedDeath(parsed, death)
      if (unexplained) return unexplained
    }
  }
  const elsewhere = deaths.find(({ queue }) => !queuesOf(message).includes(queue))
  return elsewhere && `died in ${elsewhere.queue}, where it was not sent: ${elsewhere.error}`
}

const NAMES_A_FIELD = /^Unrecoverable: (?:body|type|content_type|content_encoding|[^:]{1,300}): ./s

function unexplainedDeath(parsed: ReturnType<typeof parseEvent>, death: Death): string | undefined {
  const { queue, reason, error } = death
  const type = 'type' in parsed ? parsed.type : undefined
  if (reason === 'poison' && type !== undefined && error === `Unrecoverable: type: ${queue} does not handle ${type}`)
    return isMeantFor(type, queue) ? `${queue} hears ${type} and does not handle it` : undefined
  return isDecision(death) || (reason === 'unrecoverable' && REFUSALS.some((one) => one.test(error)))
    ? undefined
    : `died in ${queue} as ${reason} for no reason that we know: ${error}`
}

function isMeantFor(type: string, queue: string): boolean {
  if (!isEventType(type)) return false
  const { key, direct } = rowOf(type)
  const [, patterns = []] = heard.find(([name]) => name === queue) ?? []
  return !direct && patterns.some((pattern) => topicMatches(pattern, key))
}
