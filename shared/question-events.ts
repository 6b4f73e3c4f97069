import { z } from 'zod'
import { subjectKinds } from './subject.ts'

/**
 * The rows of the catalogue by which services ask each other, and the hub itself: none crosses the exchange `ebs`. A question lies in
 * `<service>_ask` for some seconds, its answer goes to the queue of whoever asked.
 */

const id = z.string().min(1).max(255)
/** Of a conversation, as in the catalogue: what nothing can have is not asked for. */
const conversationId = z
  .string()
  .min(1)
  .max(128)
  .refine((text) => !/\p{Surrogate}/u.test(text), 'half a surrogate pair is no text')

/** Kinds of conversations that users ask for. */
const conversation = z.enum(['group', 'flow', 'journey'])

/** Ids in one question: each is looked up, and both bodies stay far below what a message may have. */
export const STANDING_IDS_MAX = 1_000
const ids = z.array(id).max(STANDING_IDS_MAX)
const object = z.record(z.string(), z.json())

export const questionEvents = {
  TIMERS_DUE: {
    key: 'timers.due',
    meaning: 'A wake-up out of the delay ladder: the hub looks what has fallen due until `slotMs`.',
    body: z.object({ slotMs: z.int().min(0) }),
    direct: true,
  },
  CONVERSATION_ASKED: {
    key: 'conversations.asked',
    meaning: 'Asks the hub how a conversation stands; the answer goes to `reply_to`.',
    body: z.object({ kind: conversation, id: conversationId }),
    direct: true,
  },
  CONVERSATION_TOLD: {
    key: 'conversations.told',
    meaning: 'How a conversation stands; without `view` the hub does not know it.',
    body: z.object({ kind: conversation, id: conversationId, view: z.record(z.string(), z.json()).optional() }),
    direct: true,
  },
  STANDING_ASKED: {
    key: 'standing.asked',
    meaning: 'Asks the hub which of these conversations it holds.',
    body: z.object({ kind: conversation, ids }),
    direct: true,
  },
  STANDING_TOLD: {
    key: 'standing.told',
    meaning: 'Which of the conversations asked for are open, and which have ended; the hub does not know the others.',
    body: z.object({ kind: conversation, open: ids, ended: ids }),
    direct: true,
  },
  FACTS_ASKED: {
    key: 'facts.asked',
    meaning: 'Asks a service what it has stored about an id, of whatever kind.',
    body: z.object({ id }),
    direct: true,
  },
  FACTS_TOLD: {
    key: 'facts.told',
    meaning: 'What a service has stored about an id; `facts` is empty when it knows nothing.',
    body: z.object({ id, service: z.string().max(64), facts: object }),
    direct: true,
  },
  LEDGER_ASKED: {
    key: 'ledger.asked',
    meaning: 'Asks statistics for the ledger; of one kind, or one tenant, when it is named.',
    body: z.object({ kind: z.enum(subjectKinds).optional(), tenant: z.string().max(255).optional() }),
    direct: true,
  },
  LEDGER_TOLD: {
    key: 'ledger.told',
    meaning: 'The ledger as statistics has it: what was accepted, and where it is.',
    body: z.object({ ledger: object }),
    direct: true,
  },
} as const
