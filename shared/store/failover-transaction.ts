import type {
  Conversation,
  ConversationChange,
  ConversationId,
  EarlyBounds,
  EarlyEvent,
  EndedBefore,
  IgnoredCount,
  Timer,
  TimerId,
} from './conversations.ts'
import type { DefinitionRow, DefinitionTransaction } from './definitions.ts'
import { consult, pull } from './failover-moves.ts'
import { findDoubt, type Pair } from './failover-pair.ts'
import { ownSeq, seqOf } from './failover-seqs.ts'
import type { FailoverSite } from './failover-site.ts'
import type { HubTransaction } from './hub-store.ts'
import type { MovableTransaction } from './movable-store.ts'
import { type OutboxRow, StoreUnavailableError } from './store.ts'

type NewDefinition = Omit<DefinitionRow, 'seq'>

/**
 * A transaction of the store that leads. What lies in the other one moves here when it is asked for, before anything changes; so all that
 * a transaction changes is in one store, and becomes durable together.
 */
export class FailoverTransaction implements HubTransaction {
  /** Registered by it: for the other store, once they are durable here. */
  readonly registered: NewDefinition[] = []
  readonly held
  readonly frozen
  readonly audit
  readonly definitions: DefinitionTransaction
  readonly #tx: MovableTransaction
  readonly #pair: Pair

  constructor(tx: MovableTransaction, pair: Pair) {
    this.#tx = tx
    this.#pair = pair
    this.held = tx.held
    this.frozen = tx.frozen
    this.audit = tx.audit
    this.definitions = this.#definitionsOf(tx)
  }

  async recordFirstSeen(queue: string, ids: readonly string[], atMs: number): Promise<ReadonlySet<string>> {
    const fresh = await this.#tx.recordFirstSeen(queue, ids, atMs)
    const { source } = this.#pair
    if (!source || fresh.size === 0) return fresh
    const seen = await consult(source.site, ({ moving }) => moving.seen(queue, [...fresh]))
    return new Set([...fresh].filter((id) => !seen.has(id)))
  }

  async forget(queue: string, ids: readonly string[]): Promise<void> {
    await this.#tx.forget(queue, ids)
    const { source } = this.#pair
    if (!source) return
    const seen = await consult(source.site, ({ moving }) => moving.seen(queue, ids))
    if (seen.size > 0) await source.site.write((tx) => tx.forget(queue, [...seen])).catch(ignoreAway)
  }

  enqueue(rows: readonly OutboxRow[]) {
    return this.#tx.enqueue(rows)
  }

  /** Throws PartlyUnavailableError when one of them may lie in the store that is lost. */
  async findConversations(ids: readonly ConversationId[]): Promise<readonly Conversation[]> {
    const found = await this.#tx.findConversations(ids)
    const { source, lost, nowMs } = this.#pair
    if (!source && !lost) return found
    const versions = new Map(found.map((one) => [textOf(one), one.version]))
    if (!source) {
      const left = new Set(this.#tx.moving.leftBehind(ids).map(textOf))
      for (const id of ids) {
        const isHere = versions.has(textOf(id))
        const doubt = isHere && !left.has(textOf(id)) ? undefined : findDoubt(this.#pair, id, isHere)
        if (doubt) throw doubt
      }
      return found
    }
    const newer: ConversationId[] = []
    for (const id of ids) {
      const theirs = await consult(source.site, ({ reader }) => reader.findConversation(id))
      if (theirs && theirs.version > (versions.get(textOf(id)) ?? 0)) newer.push(id)
    }
    if (newer.length === 0) return found
    await pull(this.#tx, source, newer, nowMs)
    return this.#tx.findConversations(ids)
  }

  countOpen(kind: string) {
    return this.#tx.countOpen(kind)
  }

  saveConversations(changes: readonly ConversationChange[]) {
    return this.#tx.saveConversations(changes)
  }

  armTimers(timers: readonly (TimerId & { readonly dueMs: number })[]) {
    return this.#tx.armTimers(timers)
  }

  cancelTimers(ids: readonly TimerId[]) {
    return this.#tx.cancelTimers(ids)
  }

  cancelTimersOf(ids: readonly ConversationId[]) {
    return this.#tx.cancelTimersOf(ids)
  }

  /** While the other store is lost, without those of which only a copy was left here: they would hold up all others. */
  takeDueTimers(nowMs: number, limit: number) {
    if (this.#pair.lost) return this.#tx.moving.takeDueTimers(nowMs, limit)
    return this.#tx.takeDueTimers(nowMs, limit)
  }

  async takeTimer(id: TimerId, token?: number): Promise<Timer | undefined> {
    await this.findConversations([id])
    return this.#tx.takeTimer(id, token)
  }

  nextTimerDue() {
    if (this.#pair.lost) return this.#tx.moving.nextTimerDue()
    return this.#tx.nextTimerDue()
  }

  addWakeups(slotsMs: readonly number[]) {
    return this.#tx.addWakeups(slotsMs)
  }

  removeWakeups(upToMs: number) {
    return this.#tx.removeWakeups(upToMs)
  }

  removeWakeup(slotMs: number) {
    return this.#tx.removeWakeup(slotMs)
  }

  keepEarly(events: readonly EarlyEvent[], bounds: EarlyBounds) {
    return this.#tx.keepEarly(events, bounds)
  }

  /** Of the other store they are read only: a conversation opens once, and what is left of them is too old by the time it may open again. */
  async takeEarly(id: ConversationId, sinceMs: number): Promise<readonly EarlyEvent[]> {
    const { source } = this.#pair
    const theirs = source ? await consult(source.site, ({ moving }) => moving.earlyOf(id, sinceMs)) : []
    const mine = await this.#tx.takeEarly(id, sinceMs)
    const isMoved = (event: EarlyEvent) => mine.some((one) => one.atMs === event.atMs && one.event === event.event)
    return [...theirs.filter((event) => !isMoved(event)), ...mine]
  }

  expireEarly(beforeMs: number, limit: number) {
    return this.#tx.expireEarly(beforeMs, limit)
  }

  countIgnored(counts: readonly IgnoredCount[]) {
    return this.#tx.countIgnored(counts)
  }

  /** What may have an older copy in the other store is not forgotten: that copy would rise again. */
  removeEnded(before: EndedBefore, limit: number) {
    const { source, lost } = this.#pair
    if (lost) return 0
    if (source) return this.#tx.moving.removeEnded(before, limit, (id) => mayKnow(source.site, id))
    return this.#tx.removeEnded(before, limit)
  }

  #definitionsOf({ definitions }: MovableTransaction): DefinitionTransaction {
    const { epoch } = this.#pair
    const numbered = (row: DefinitionRow) => ({ ...row, seq: seqOf(epoch, row.seq) })
    return {
      insert: async (row) => {
        const isNew = await definitions.insert(row)
        if (isNew) this.registered.push(row)
        return isNew
      },
      last: async () => {
        const last = await definitions.last()
        return last === 0 ? 0 : seqOf(epoch, last)
      },
      since: async (seq, limit) => (await definitions.since(ownSeq(epoch, seq), limit)).map(numbered),
      find: async (type, version) => {
        const row = await definitions.find(type, version)
        return row && numbered(row)
      },
    }
  }
}

const textOf = ({ kind, key }: ConversationId) => JSON.stringify([kind, key])

function mayKnow(site: FailoverSite, id: ConversationId): boolean {
  try {
    return site.read(({ moving }) => moving.knows(id))
  } catch (error) {
    ignoreAway(error)
    return true
  }
}

export function ignoreAway(error: unknown): void {
  if (!(error instanceof StoreUnavailableError)) throw error
}
