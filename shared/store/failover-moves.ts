import type { Conversation, ConversationId, HistoryEntry, Timer } from './conversations.ts'
import type { FailoverSite } from './failover-site.ts'
import type { FrozenTimer } from './frozen-timers.ts'
import type { MovableHubStore, MovableTransaction } from './movable-store.ts'
import { PartlyUnavailableError, StoreUnavailableError } from './store.ts'

/**
 * The copy that is left behind stays older than the one that moved whatever becomes of it: a transaction whose commit failed may turn out
 * to be on the disk after all, and raises a version by some hundreds at most.
 */
export const MOVED_STEP = 1_000

/** Where a conversation is moved from. */
export type Source = {
  readonly site: FailoverSite
  /** `must`: what cannot be fenced there is not moved. `try`: it cannot lead again without a look at the other store, fence or not. */
  readonly fence: 'must' | 'try' | 'none'
}

/**
 * Moves conversations into the store of this transaction: document with its version raised, history, timers. The copy that is left is
 * fenced before, so that at no moment two are taken for the true one. Throws PartlyUnavailableError when that cannot be done.
 */
export async function pull(
  tx: MovableTransaction,
  source: Source,
  ids: readonly ConversationId[],
  nowMs: number,
): Promise<void> {
  const { site } = source
  await fence(source, ids)
  const bundles = []
  for (const id of ids) bundles.push(await consult(site, (store) => bundleOf(store, id)))
  const moved = bundles.filter((bundle) => bundle !== undefined)
  tx.moving.remove(ids)
  const line = { atMs: nowMs, what: 'moved', detail: `from the ${site.name} store` }
  await tx.saveConversations(
    moved.map(({ conversation, history }) => ({
      to: { ...conversation, version: conversation.version + MOVED_STEP },
      readVersion: 0,
      history: [...history, line],
    })),
  )
  for (const { conversation, frozen, timers } of moved) {
    for (const timer of frozen) await freezeAgain(tx, conversation, timer)
    await tx.armTimers(timers)
  }
}

/** Asks the store that does not lead. Throws PartlyUnavailableError: what lies there can wait, the rest goes on. */
export async function consult<T>(site: FailoverSite, look: (store: MovableHubStore) => T | Promise<T>): Promise<T> {
  try {
    return await site.read(look)
  } catch (error) {
    throw error instanceof StoreUnavailableError ? partly(site, error) : error
  }
}

export const partly = ({ name }: Pick<FailoverSite, 'name'>, cause?: unknown): PartlyUnavailableError =>
  new PartlyUnavailableError(`It may lie in the ${name} store, which is out of reach: try again later.`, { cause })

async function fence({ site, fence }: Source, ids: readonly ConversationId[]): Promise<void> {
  if (fence === 'none') return
  try {
    await site.write(({ moving }) => moving.leaveBehind(ids))
  } catch (error) {
    if (!(error instanceof StoreUnavailableError)) throw error
    if (fence === 'must') throw partly(site, error)
  }
}

type Bundle = {
  readonly conversation: Conversation
  readonly history: readonly HistoryEntry[]
  readonly timers: readonly Timer[]
  readonly frozen: readonly FrozenTimer[]
}

async function bundleOf({ reader }: MovableHubStore, id: ConversationId): Promise<Bundle | undefined> {
  const conversation = await reader.findConversation(id)
  return (
    conversation && {
      conversation,
      history: await reader.historyOf(id, Number.MAX_SAFE_INTEGER),
      timers: await reader.timersOf(id),
      frozen: await reader.frozenTimersOf(id),
    }
  )
}

/** One at a time, before others are armed: a freeze stops every timer of its conversation. */
async function freezeAgain(tx: MovableTransaction, id: ConversationId, timer: FrozenTimer): Promise<void> {
  await tx.armTimers([{ ...timer, dueMs: timer.sinceMs + timer.leftMs }])
  await tx.frozen.freeze([id], timer.sinceMs)
}
