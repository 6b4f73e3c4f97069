import type { ConversationId } from './conversations.ts'
import { pull, type Source } from './failover-moves.ts'
import type { FailoverSite } from './failover-site.ts'
import { ignoreAway } from './failover-transaction.ts'
import type { HeldContent } from './held-messages.ts'
import type { MovableTransaction } from './movable-store.ts'

/** Documents in memory at once: each may have half a megabyte. */
const CONVERSATIONS_PER_SLICE = 50
/** Ids noted in one transaction: some 10 ms of work, so that deliveries hardly wait for it. */
const INBOX_PER_SLICE = 2_000
const ROWS_PER_SLICE = 500

export type DrainOptions = {
  readonly source: Source
  /** A transaction of the store that leads; rejects when it leads no more. */
  readonly write: <T>(job: (tx: MovableTransaction) => T | Promise<T>) => Promise<T>
  /** Also conversations that have ended; and nothing is left behind. */
  readonly isAll: boolean
  readonly isStopped: () => boolean
  readonly now: () => number
}

/**
 * Moves everything out of the store that does not lead, a slice at a time with other work in between: what waits first, then what was
 * handled, so that no message counts twice. True when nothing is left. Rejects when either store fails: what has moved has moved.
 */
export async function drain(options: DrainOptions): Promise<boolean> {
  await copyDefinitions(options)
  await moveOutbox(options)
  await moveConversations(options)
  await copyHeld(options)
  await copyInbox(options)
  await moveEarly(options)
  return options.isAll && !options.isStopped()
}

/** Both ways: definitions are never changed, so both stores may have all. */
export async function copyDefinitions({ source, write }: Pick<DrainOptions, 'source' | 'write'>): Promise<void> {
  for (let seq = 0; ; ) {
    const rows = source.site.read(({ moving }) => moving.definitionsAfter(seq, ROWS_PER_SLICE))
    if (rows.length === 0) break
    await write(async ({ definitions }) => {
      for (const row of rows) await definitions.insert(row)
    })
    seq = rows.at(-1)?.seq ?? seq
  }
  for (let seq = 0; ; ) {
    const rows = await write(({ definitions }) => definitions.since(seq, ROWS_PER_SLICE))
    if (rows.length === 0) return
    await source.site
      .write(async ({ definitions }) => {
        for (const row of rows) await definitions.insert(row)
      })
      .catch(ignoreAway)
    seq = rows.at(-1)?.seq ?? seq
  }
}

/** In order. What cannot be removed there is published once more when that store leads again, which consumers can bear. */
export async function moveOutbox({ source, write }: Pick<DrainOptions, 'source' | 'write'>): Promise<void> {
  for (let seq = 0; ; ) {
    const rows = await source.site.read((store) => store.readPending(seq, ROWS_PER_SLICE))
    if (rows.length === 0) return
    await write((tx) => tx.enqueue(rows))
    const seqs = rows.map((row) => row.seq)
    await source.site.read((store) => store.removePublished(seqs)).catch(ignoreAway)
    seq = seqs.at(-1) ?? seq
  }
}

async function moveConversations({ source, write, isAll, isStopped, now }: DrainOptions): Promise<void> {
  for (let seq = 0; !isStopped(); ) {
    const placed = source.site.read(({ moving }) => moving.conversationsAfter(seq, CONVERSATIONS_PER_SLICE))
    if (placed.length === 0) return
    seq = placed.at(-1)?.seq ?? seq
    const wanted = placed.filter(({ isOpen }) => isAll || isOpen)
    if (wanted.length === 0) continue
    await write(async (tx) => {
      const here = new Map((await tx.findConversations(wanted.map(({ id }) => id))).map((one) => [textOf(one), one]))
      const newer = wanted.filter(({ id, version }) => version > (here.get(textOf(id))?.version ?? 0))
      const ids = newer.map(({ id }) => id)
      if (ids.length > 0) await pull(tx, source, ids, now())
    })
    await removeLeft(
      source.site,
      wanted.map(({ id }) => id),
      isAll,
    )
  }
}

/** What has moved is gone where it was, if that store can be written; it had better be when nothing may be left. */
async function removeLeft(site: FailoverSite, ids: readonly ConversationId[], isNeeded: boolean): Promise<void> {
  const removing = site.write(({ moving }) => {
    // It leads again meanwhile, by another process: then these are the true ones.
    if (!moving.lead().leads) moving.remove(ids)
  })
  await (isNeeded ? removing : removing.catch(ignoreAway))
}

async function copyHeld({ source, write, isStopped }: DrainOptions): Promise<void> {
  for (let cursor: string | undefined; !isStopped(); ) {
    const page = await source.site.read(({ held }) => held.listHeld({}, { limit: ROWS_PER_SLICE, cursor }))
    const contents: (HeldContent | undefined)[] = []
    for (const { id } of page.items) contents.push(await source.site.read(({ held }) => held.findContent(id)))
    await write(async ({ held }) => {
      await held.addHeld(page.items)
      await held.keepContents(contents.filter((content) => content !== undefined))
    })
    cursor = page.next
    if (cursor === undefined) return
  }
}

/** What came before its conversation. It is kept once, wherever a crash falls; what cannot be removed there gets too old. */
async function moveEarly({ source, write, isAll, isStopped }: DrainOptions): Promise<void> {
  for (let seq = 0; !isStopped(); ) {
    const rows = source.site.read(({ moving }) => moving.earlyAfter(seq, ROWS_PER_SLICE))
    if (rows.length === 0) return
    await write(({ moving }) => moving.keepEarly(rows))
    const removing = source.site.write(({ moving }) => moving.removeEarly(rows.map((row) => row.seq)))
    await (isAll ? removing : removing.catch(ignoreAway))
    seq = rows.at(-1)?.seq ?? seq
  }
}

/** The newest first, until all of a slice is known: a message that comes twice mostly does so soon. */
async function copyInbox({ source, write, isStopped }: DrainOptions): Promise<void> {
  for (let seq = Number.MAX_SAFE_INTEGER; !isStopped(); ) {
    const rows = source.site.read(({ moving }) => moving.seenBelow(seq, INBOX_PER_SLICE))
    if (rows.length === 0) return
    const added = await write(({ moving }) => moving.recordSeen(rows))
    if (added === 0) return
    seq = rows.at(-1)?.seq ?? 0
  }
}

/**
 * Removes from a store that is to lead again what is older there than in the one that leads, `after` a place of that one. Gives back how
 * far it came.
 */
export async function reconcile(returning: FailoverSite, leader: FailoverSite, after = 0): Promise<number> {
  for (let seq = after; ; ) {
    const placed = leader.read(({ moving }) => moving.conversationsAfter(seq, ROWS_PER_SLICE))
    const last = placed.at(-1)
    if (!last) return seq
    await returning.write(async (tx) => {
      const ids = placed.map(({ id }) => id)
      const here = new Map((await tx.findConversations(ids)).map((one) => [textOf(one), one.version]))
      const stale = placed.filter(({ id, version }) => (here.get(textOf(id)) ?? version) < version)
      tx.moving.remove(stale.map(({ id }) => id))
    })
    seq = last.seq
  }
}

const textOf = ({ kind, key }: ConversationId) => JSON.stringify([kind, key])
