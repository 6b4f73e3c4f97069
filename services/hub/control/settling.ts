import type { Clock } from '../../../shared/clock.ts'
import type { Body } from '../../../shared/events.ts'
import type { Confirmation } from './confirmations.ts'
import type { ControlLog } from './control-log.ts'
import { type ListConsumers, type QueueConsumers, silentOf } from './queue-consumers.ts'

export type SettlingOptions = {
  readonly control: Pick<ControlLog, 'confirmations' | 'onNews' | 'askAgain'>
  readonly consumers: ListConsumers
  readonly clock: Clock
  /** Consumers that the broker does not list may be on their way back to it; missing: they never are. */
  readonly isReturning?: () => boolean
}

/** Most consumers confirm within milliseconds. After this those that are missing are named, and the rule decides whether to wait again. */
export const SETTLE_MS_MAX = 2_000
/** Who has not confirmed by then may have done so long ago. */
const ASK_AGAIN_MS = 1_000
const LOOK_EVERY_MS = 50
/** Consumers come and go without a word: so often the broker is asked who they are. */
const LIST_EVERY_MS = 500
const RETURNING = 'consumers whose connections were lost a moment ago'
/** Bounds of the catalogue. */
const MISSING_MAX = 100
const MISSING_CHARS_MAX = 255

type Asked = Pick<Body<'SIDELINE_ERRAND'>, 'id' | 'revision' | 'queues'>
type Stand = { readonly confirmed: number; readonly missing: readonly string[] }

/** Waits until every consumer of these queues applies this revision of a rule, 2 s at most. */
export async function settle(options: SettlingOptions, asked: Asked): Promise<Body<'SIDELINE_SETTLED'>> {
  const { clock, control } = options
  const askMs = clock.now() + ASK_AGAIN_MS
  const untilMs = clock.now() + SETTLE_MS_MAX
  let listed = await list(options, asked.queues)
  let stand = standOf(options, asked, listed)
  while (stand.missing.length > 0 && clock.now() < untilMs) {
    await newsOrTime(options)
    if (clock.now() >= askMs) await control.askAgain(asked)
    if (clock.now() - listed.atMs >= LIST_EVERY_MS) listed = await list(options, asked.queues)
    stand = standOf(options, asked, listed)
  }
  const { id, revision } = asked
  const missing = stand.missing.slice(0, MISSING_MAX).map((text) => text.slice(0, MISSING_CHARS_MAX))
  return { type: 'SIDELINE_SETTLED', id, revision, confirmed: stand.confirmed, missing }
}

type Listed = { readonly atMs: number; readonly queues: readonly (readonly [string, QueueConsumers])[] }

async function list({ consumers, clock }: SettlingOptions, queues: readonly string[]): Promise<Listed> {
  const atMs = clock.now()
  return { atMs, queues: await Promise.all(queues.map(async (queue) => [queue, await consumers(queue)] as const)) }
}

function standOf({ control, isReturning }: SettlingOptions, { id, revision }: Asked, { queues }: Listed): Stand {
  const stands = queues.map(([queue, there]) => {
    const said = control.confirmations.of(id, revision, queue)
    const silent = silentOf(
      queue,
      there,
      said.map(({ consumer }) => consumer),
    )
    // Those that said something and are gone by now are not among those that are there.
    const present = said.filter(({ consumer }) => there.tags?.includes(consumer) ?? true)
    const problems = present.flatMap(problemOf)
    // Tags are told some seconds late, and those that have just confirmed may not be among them.
    const confirmed = Math.max(present.length, Math.min(said.length, there.count)) - problems.length
    return { confirmed, missing: [...silent, ...problems] }
  })
  return {
    confirmed: stands.reduce((sum, { confirmed }) => sum + confirmed, 0),
    missing: [...stands.flatMap(({ missing }) => missing), ...(isReturning?.() ? [RETURNING] : [])],
  }
}

/** Who cannot apply a rule has said so, and is missing all the same. */
const problemOf = ({ consumer, problem }: Confirmation): readonly string[] =>
  problem === undefined ? [] : [`${consumer}: ${problem}`]

/** Resolves with the next record of the stream, or after a moment. */
function newsOrTime({ control, clock }: SettlingOptions): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      cancel()
      end()
      resolve()
    }
    const cancel = clock.after(LOOK_EVERY_MS, done)
    const end = control.onNews(done)
  })
}
