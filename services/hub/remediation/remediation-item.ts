import { z } from 'zod'
import { legalActs } from '../../../shared/flow/journey/legal-acts.ts'
import { attentionOf, remediationOf } from '../../../shared/flow/journey/remediation-item.ts'
import { hasEnded, type JourneyState, journeyStateSchema } from '../../../shared/flow/journey/state.ts'
import { remediationActs } from '../../../shared/journey-events.ts'
import { HttpProblem } from '../../../shared/service/errors.ts'
import type { Conversation } from '../../../shared/store/conversations.ts'
import { isoOf, JOURNEY, type Operations } from '../operations.ts'

/** Why a person should look at a journey. */
export const attentions = ['remediation', 'overdue', 'unknown-type'] as const

/** What a person has to know of a journey to decide about it. Of one that needs nobody, what it says of the need is missing. */
export const itemSchema = z.object({
  id: z.string(),
  type: z.string(),
  /** Of its definition; 0 when that is not known. */
  version: z.int(),
  status: z.string(),
  tenant: z.string(),
  attention: z.enum(attentions).nullable(),
  cause: z.string().optional(),
  error: z.string().optional(),
  /** Those that it is about. */
  steps: z.array(z.string()),
  since: z.string().optional(),
  ageMs: z.number().optional(),
  /** What may be decided now. */
  acts: z.array(z.enum(remediationActs)),
  ticket: z.string().optional(),
  /** An act that names it does nothing when the journey has changed meanwhile. */
  revision: z.int(),
})

export type Item = z.infer<typeof itemSchema>

/** A journey as it is stored, read; and what it asks of a person. */
export type Seen = { readonly state: JourneyState; readonly item: Item }

export function seen({ state: text }: Pick<Conversation, 'state'>, nowMs: number): Seen {
  const state = journeyStateSchema.parse(JSON.parse(text))
  return { state, item: itemOf(state, nowMs) }
}

/** The cause of one that nobody can decide about before it is mended. */
export const UNREADABLE = 'unreadable'
const unreadableText = (key: string) =>
  `What is stored of the journey ${key} cannot be read: another version may have written it, or somebody by hand`

/** A journey as lists show it. One that cannot be read, which keeps nobody from the others, is shown as such. */
export function listed(row: Conversation, nowMs: number): Item {
  try {
    return seen(row, nowMs).item
  } catch {
    const { key, label, version, status, tenant, attention, changedAtMs } = row
    return {
      ...{ id: key, type: label ?? '', version: 0, status, tenant: tenant ?? '' },
      attention: attentions.find((one) => one === attention) ?? null,
      ...{ cause: UNREADABLE, error: `${unreadableText(key)}.`, steps: [], acts: [], revision: version },
      ...{ since: isoOf(changedAtMs), ageMs: Math.max(0, nowMs - changedAtMs) },
    }
  }
}

function itemOf(state: JourneyState, nowMs: number): Item {
  const { id, type, version, status, tenant, ticket, revision } = state
  const need = remediationOf(state)
  return {
    ...{ id, type, version, status, tenant, attention: attentionOf(state) ?? null },
    ...(need && { cause: need.cause, error: need.error }),
    steps: [...(need?.steps ?? [])],
    ...(need && { since: isoOf(need.sinceMs), ageMs: Math.max(0, nowMs - need.sinceMs) }),
    acts: [...legalActs(state)],
    ...(ticket !== undefined && { ticket }),
    revision,
  }
}

type Looking = Pick<Operations, 'store' | 'clock'>

/** A journey by its id; undefined when there is none. Throws when it cannot be read. */
export async function findSeen({ store, clock }: Looking, key: string): Promise<Seen | undefined> {
  const found = await store.reader.findConversation({ kind: JOURNEY, key })
  return found && seen(found, clock.now())
}

/** The same, as it is listed. */
export async function findItem({ store, clock }: Looking, key: string): Promise<Item | undefined> {
  const found = await store.reader.findConversation({ kind: JOURNEY, key })
  return found && listed(found, clock.now())
}

/** The same. Throws HttpProblem 404, or 500 when what is stored of it cannot be read. */
export async function seenBy({ store, clock }: Looking, key: string): Promise<Seen> {
  const found = (await store.reader.findConversation({ kind: JOURNEY, key })) ?? unknownJourney(key)
  try {
    return seen(found, clock.now())
  } catch (cause) {
    throw new HttpProblem(500, {
      title: 'Unreadable',
      detail: `${unreadableText(key)}, and nothing was changed.`,
      cause,
    })
  }
}

/** Throws HttpProblem 404. */
export function unknownJourney(key: string): never {
  throw new HttpProblem(404, {
    detail: `There is no journey ${key}. GET /api/remediation lists those that need a person.`,
  })
}

/** Why nothing was done about a journey, with how it stands. */
export function notNow({ state, item }: Seen, detail: string): HttpProblem {
  const { id, status, revision, acts } = item
  const endedAt = state.endedMs === undefined ? null : isoOf(state.endedMs)
  return new HttpProblem(409, {
    title: hasEnded(state) ? 'Already ended' : 'Not now',
    detail,
    extensions: { journey: { id, status, revision, acts, endedAt } },
  })
}
