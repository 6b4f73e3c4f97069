import type { ConversationTransaction } from '../store/conversations.ts'
import type { FrozenTimer } from '../store/frozen-timers.ts'
import { Turn, type TurnOptions } from './turn.ts'

/** A thread, and when something became of its messages. */
type Moment = { readonly correlationId: string; readonly atMs: number }

/**
 * Stops the timers of a thread's conversations, of those kinds that have it so. What a conversation arms later runs: a message that is
 * set aside must not hold up the retries of the others. Notes the thread for conversations that open meanwhile. How many timers stopped.
 */
export async function freezeThread(
  options: TurnOptions,
  tx: ConversationTransaction,
  { correlationId, atMs }: Moment,
): Promise<number> {
  const kinds = [...(options.frozenWhileParked ?? [])]
  if (kinds.length === 0) return 0
  await tx.frozen.noteParked(correlationId, atMs)
  const frozen = await tx.frozen.freeze(await tx.frozen.findOpenOf(correlationId, kinds), atMs)
  const turn = new Turn(options, tx)
  for (const timers of byConversation(frozen))
    await turn.note(timers[0], {
      what: 'timers frozen',
      detail: `a message of its thread is set aside; ${timers.map(({ name, leftMs }) => `${name}: ${leftMs} ms left`).join(', ')}`,
    })
  await turn.flush()
  return frozen.length
}

/** Lets the timers of a thread go on, whatever their kind's policy is by now. How many did. */
export async function thawThread(
  options: TurnOptions,
  tx: ConversationTransaction,
  { correlationId, atMs }: Moment,
): Promise<number> {
  if (!(await tx.frozen.forgetParked(correlationId))) return 0
  const frozen = await tx.frozen.take(await tx.frozen.findOpenOf(correlationId))
  const turn = new Turn(options, tx)
  for (const timers of byConversation(frozen)) {
    for (const timer of timers) await turn.arm(timer, dueOf(timer, atMs))
    await turn.note(timers[0], {
      what: 'timers go on',
      detail: timers.map((timer) => `${timer.name}: due ${new Date(dueOf(timer, atMs)).toISOString()}`).join(', '),
    })
  }
  await turn.flush()
  return frozen.length
}

/** Who set the message aside may have another clock than who let it go: no timer falls due earlier than it would have. */
const dueOf = ({ leftMs, sinceMs }: FrozenTimer, atMs: number) => Math.max(atMs, sinceMs) + leftMs

function byConversation(timers: readonly FrozenTimer[]): readonly (readonly [FrozenTimer, ...FrozenTimer[]])[] {
  const all = new Map<string, [FrozenTimer, ...FrozenTimer[]]>()
  for (const timer of timers) {
    const id = JSON.stringify([timer.kind, timer.key])
    const known = all.get(id)
    if (known) known.push(timer)
    else all.set(id, [timer])
  }
  return [...all.values()]
}
