import type { Asker } from '../../shared/bus/ask.ts'
import type { Bus } from '../../shared/bus/bus.ts'
import type { Body } from '../../shared/events.ts'
import { unavailable } from '../../shared/service/errors.ts'

/** What asking takes: a bus, and the queue of this replica to which the answers come. */
export type Asking = { readonly bus: Bus; readonly asker: Asker }
/** A conversation: a flow or a group, by its id. */
export type Subject = Pick<Body<'CONVERSATION_ASKED'>, 'kind' | 'id'>
/** How a conversation stands, as the hub tells it. */
export type View = NonNullable<Body<'CONVERSATION_TOLD'>['view']>

/** For one answer: the hub looks into a local file, so a second is plenty even for a busy one. */
const ANSWER_MS_MAX = 1_000
/** A request that was just accepted may still be on its way to the hub; only after this time it is said that there is none. */
const UNKNOWN_MS = 2_000
/** A hub that is just being restarted is back by then; whoever polls need not learn of it. */
const SILENT_MS_MAX = 3_000
/** Between two questions: soon, then less often. */
const PAUSE_MS_MIN = 50
const PAUSE_MS_MAX = 400
const RETRY_AFTER_S = 2

/** Asks the hub once. Undefined when it has not answered in time, for whatever reason: a question can be asked again. */
export async function askHub(
  { bus, asker }: Asking,
  subject: Subject,
  withinMs = ANSWER_MS_MAX,
): Promise<Body<'CONVERSATION_TOLD'> | undefined> {
  try {
    const answer = await asker.ask('hub_ask', { type: 'CONVERSATION_ASKED', ...subject }, { withinMs })
    return answer?.type === 'CONVERSATION_TOLD' ? answer.data : undefined
  } catch (error) {
    bus.log.debug({ err: error, ...subject }, 'the hub could not be asked')
    return undefined
  }
}

/**
 * How a conversation stands; undefined when the hub still does not know it after two seconds. Throws HttpProblem 503 when nobody
 * tells for three.
 */
export async function findView(asking: Asking, subject: Subject): Promise<View | undefined> {
  const { clock, broker } = asking.bus
  const startMs = clock.now()
  for (let pauseMs = PAUSE_MS_MIN; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MS_MAX)) {
    if (broker.state !== 'up') throw unavailable('The message broker is away, and the hub with it.', RETRY_AFTER_S)
    const told = await askHub(asking, subject, Math.min(ANSWER_MS_MAX, startMs + SILENT_MS_MAX - clock.now()))
    if (told?.view) return told.view
    const tookMs = clock.now() - startMs
    if (told && tookMs >= UNKNOWN_MS) return undefined
    if (tookMs + pauseMs >= SILENT_MS_MAX)
      throw unavailable('The hub, which knows, does not answer just now.', RETRY_AFTER_S)
    const nextMs = told ? Math.min(pauseMs, UNKNOWN_MS - tookMs) : pauseMs
    await new Promise<void>((resolve) => clock.after(nextMs, resolve))
  }
}
