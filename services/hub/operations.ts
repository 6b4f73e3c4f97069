import { z } from 'zod'
import type { Asker } from '../../shared/bus/ask.ts'
import type { Broker } from '../../shared/bus/broker.ts'
import type { Clock } from '../../shared/clock.ts'
import type { AnyKind } from '../../shared/flow/any-kind.ts'
import type { Kernel } from '../../shared/flow/kernel.ts'
import type { SidelineTerms } from '../../shared/flow/sideline-commands.ts'
import { HttpProblem } from '../../shared/service/errors.ts'
import { type ConversationStore, InvalidCursorError, type Page } from '../../shared/store/conversations.ts'
import type { HeldOperations } from './held-operations.ts'
import type { JourneyOperations } from './journeys/journey-operations.ts'

/** What the operations API works on. */
export type Operations = HeldOperations & {
  readonly store: ConversationStore
  readonly kernel: Kernel
  readonly kinds: readonly AnyKind[]
  readonly clock: Clock
  /** Queues that sideline rules may be about. */
  readonly sidelineTerms: SidelineTerms
  readonly journeys: JourneyOperations
  readonly broker: Pick<Broker, 'inspect' | 'state'>
  /** Asks other services over the bus; undefined until the broker was there for the first time. */
  readonly findAsker: () => Pick<Asker, 'ask'> | undefined
  /** Aborted when the service is told to stop: what only waits is answered then. */
  readonly stopping: AbortSignal
}

/** Kinds that are operators' own work: they have routes of their own, and are nobody's conversation. */
export const SIDELINE = 'sideline'
export const REPLAY = 'replay'
export const REMEDIATION_JOB = 'remediation-job'
const OPERATORS: readonly string[] = [SIDELINE, REPLAY, REMEDIATION_JOB]

/** The kind whose conversations have types of their own, which users register. */
export const JOURNEY = 'journey'

/** The kinds that the system's users know. */
export const usersKinds = ({ kinds }: Pick<Operations, 'kinds'>) =>
  kinds.filter(({ name }) => !OPERATORS.includes(name))

/** A kind by its name. Throws when the hub does not decide it. */
export function kindNamed({ kinds }: Pick<Operations, 'kinds'>, name: string): AnyKind {
  const kind = kinds.find((one) => one.name === name)
  if (!kind) throw new Error(`Nobody decides conversations of the kind ${name}.`)
  return kind
}

const PAGE_MAX = 1_000
const CURSOR_CHARS_MAX = 1_024

/** Query of every list. */
export const paging = {
  limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(100),
  cursor: z.string().min(1).max(CURSOR_CHARS_MAX).optional(),
}

/** In a query, where everything is text. */
export const yesOrNo = z.enum(['true', 'false']).transform((word) => word === 'true')

/** The answer of a list. */
export const pageSchema = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), next: z.string().optional() })

/** Reads such an answer. Throws HttpProblem 400 for a cursor that is none of its own. */
export async function pageOf<Row, Item>(list: () => Page<Row> | Promise<Page<Row>>, toItem: (row: Row) => Item) {
  try {
    const { items, next } = await list()
    return { items: items.map(toItem), ...(next !== undefined && { next }) }
  } catch (error) {
    if (error instanceof InvalidCursorError) throw new HttpProblem(400, { detail: error.message, cause: error })
    throw error
  }
}

/** Body of every act: it stands in the history. */
export const acting = {
  actor: z.string().trim().min(1).max(128),
  reason: z.string().trim().min(1).max(1_024),
}

/** The body of an act as it stands in the history: who is known by a token cannot act in another's name. */
export const actBy = <B extends { readonly actor: string }>(request: {
  readonly actor: string | undefined
  readonly body: B
}): B => ({ ...request.body, actor: request.actor ?? request.body.actor })

/** A time as the API shows it. */
export const isoOf = (ms: number) => new Date(ms).toISOString()
export const isoOrNull = (ms: number | null) => (ms === null ? null : isoOf(ms))
