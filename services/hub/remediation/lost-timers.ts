import { timersOf } from '../../../shared/flow/journey/overdue.ts'
import { journeyStateSchema } from '../../../shared/flow/journey/state.ts'
import type { Conversation, ConversationReader } from '../../../shared/store/conversations.ts'

/** A timer that fired has its journey changed within seconds, on a busy hub too. */
const LATE_MS = 60_000

/**
 * Names of the timers that a journey waits for since they should have fired, and that are not there: nobody else will wake it. One whose
 * timers stand still lacks none.
 */
export async function findLostTimers(
  reader: Pick<ConversationReader, 'timersOf' | 'frozenTimersOf'>,
  { kind, key, state }: Conversation,
  nowMs: number,
): Promise<readonly string[]> {
  const passed = timersOf(journeyStateSchema.parse(JSON.parse(state))).filter(
    ({ dueMs = 0 }) => dueMs < nowMs - LATE_MS,
  )
  if (passed.length === 0 || (await reader.frozenTimersOf({ kind, key })).length > 0) return []
  const there = new Set((await reader.timersOf({ kind, key })).map(({ name }) => name))
  return passed.map(({ name }) => name).filter((name) => !there.has(name))
}
