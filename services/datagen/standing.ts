import { z } from 'zod'
import { type Asker, NobodyThereError, TooManyQuestionsError } from '../../shared/bus/ask.ts'
import { objectSchema } from '../../shared/events.ts'
import type { Found, Listed } from './store.ts'

/** An object as it is shown in a list: how it ended is what this service has heard. */
export const listedObject = objectSchema.extend({
  state: z.enum(['accepted', 'running', 'completed', 'failed']),
  endedAt: z.string().optional(),
  durationMs: z.number().optional(),
  error: z.string().optional(),
})
/** An object as it is shown alone; `missing` are the tasks that have not finished. */
export const shownObject = listedObject.extend({ missing: z.array(z.string()).optional() })

type ListedObject = z.infer<typeof listedObject>
type ShownObject = z.infer<typeof shownObject>

/** Asks the hub for its view of the group of an object; undefined when there is none, or no answer. */
export type AskGroup = (objectId: string) => Promise<unknown>

/** Nobody who looks at an object waits longer for the hub. */
const ASK_MS_MAX = 1_000

/** Asks over the bus, once that is there. */
export const groupAsker =
  (findAsker: () => Pick<Asker, 'ask'> | undefined): AskGroup =>
  async (id) => {
    const question = { type: 'CONVERSATION_ASKED' as const, kind: 'group' as const, id }
    try {
      const event = await findAsker()?.ask('hub_ask', question, { withinMs: ASK_MS_MAX })
      return event?.type === 'CONVERSATION_TOLD' ? event.data.view : undefined
    } catch (error) {
      // The object can be shown without: what is missing just now is only how far it is.
      if (error instanceof NobodyThereError || error instanceof TooManyQuestionsError) return undefined
      throw error
    }
  }

export function toListed({ seq: _, endedAt, durationMs, error, ...object }: Listed): ListedObject {
  return { ...object, ...known({ endedAt, durationMs, error }) }
}

/**
 * What is stored of an object, and as long as no end is, what the hub says: it knows first, and another replica of this service may
 * be the one that heard of the end.
 */
export async function show({ missing, ...listed }: Found, askGroup: AskGroup): Promise<ShownObject> {
  const object = toListed(listed)
  if (object.state !== 'accepted') return { ...object, ...(missing !== null && { missing: missingIds.parse(missing) }) }
  const view = groupView.safeParse(await askGroup(object.id))
  return view.success ? { ...object, ...standingOf(view.data, object.createdAt) } : object
}

const missingIds = z
  .string()
  .transform((json) => JSON.parse(json))
  .pipe(z.array(z.string()))

/** Of the hub's view. A group of another making may have the id of an object; only one that tasks complete is about it. */
const groupView = z.object({
  completedBy: z.literal('tasks'),
  status: z.enum(['open', 'success', 'failure']),
  missing: z.array(z.string()),
  resolved: z.iso.datetime().optional(),
  error: z.json().optional(),
})

function standingOf({ status, missing, resolved, error }: z.infer<typeof groupView>, createdAt: string) {
  if (status === 'open') return { state: 'running' as const, missing }
  const durationMs = resolved === undefined ? null : Math.max(0, Date.parse(resolved) - Date.parse(createdAt))
  const end = known({ endedAt: resolved ?? null, durationMs })
  if (status === 'success') return { state: 'completed' as const, ...end }
  const text = (typeof error === 'string' ? error : JSON.stringify(error))?.slice(0, ERROR_CHARS_MAX)
  return { state: 'failed' as const, ...end, ...(text !== undefined && { error: text }), missing }
}

/** As OBJECT_FAILED has it, which says the same a moment later. */
const ERROR_CHARS_MAX = 2_048

type Nulls = { readonly endedAt: string | null; readonly durationMs: number | null; readonly error?: string | null }

/** Only what is known: an answer has no nulls. */
const known = ({ endedAt, durationMs, error = null }: Nulls) => ({
  ...(endedAt !== null && { endedAt }),
  ...(durationMs !== null && { durationMs }),
  ...(error !== null && { error }),
})
