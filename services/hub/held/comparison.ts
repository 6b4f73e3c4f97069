import type { Browsed } from '../../../shared/bus/broker.ts'
import type { Bus } from '../../../shared/bus/bus.ts'
import type { Held } from '../../../shared/store/held-messages.ts'
import type { HubStore } from '../../../shared/store/hub-store.ts'
import { deadQueueOf, unroutedQueue } from '../../../shared/topology.ts'
import { adopt, findOrphan, type Orphan } from './adoption.ts'
import { heldByMessage } from './held-row.ts'
import type { ParkedThreads } from './parked-threads.ts'
import type { PlaceLocks } from './place-locks.ts'
import { findStay, stayOf } from './stays.ts'

export type ComparisonOptions = {
  readonly bus: Bus
  readonly store: Pick<HubStore, 'held' | 'write'>
  readonly locks: PlaceLocks
  /** Work queues: each has a dead queue beside it. */
  readonly queues: () => readonly string[]
  /** Parking queues of rules that are not over: the catalogue may have been lost. */
  readonly parking: () => Promise<readonly string[]>
  /** Told of messages that were not in the catalogue, and of those that are gone. */
  readonly threads: Pick<ParkedThreads, 'parked' | 'released'>
}

/** Messages noted in one transaction. */
const CHUNK = 500
/** Adopted in one look: their bodies are in memory until its end. */
const ORPHANS_MAX = 500
/** A row may be there a moment before its message. */
const GONE_AFTER_MS = 60_000
/** Whoever empties a parking queue by hand has more to do than to let deadlines run again. */
const GONE_LISTED_MAX = 10_000
/** A queue is looked through for a twentieth of the time at most, and one that stays different not more often than this. */
const REST_SHARE = 20
const SAME_AGAIN_MS = 300_000
/** Counts that move are those of messages that are just being set aside, or moved: their news is on its way. But not for ever. */
const MOVING_ROUNDS_MAX = 6

type Counts = { readonly messages: number; readonly rows: number }
/** In so many rounds since it was the same, or was looked through. */
type Difference = Counts & { readonly rounds: number }
type Look = Counts & { readonly atMs: number; readonly restMs: number }

/** Compares the catalogue with the queues, and looks through a queue whose count differs twice in a row, and the same. The queues are the truth. */
export class Comparison {
  readonly #options: ComparisonOptions
  readonly #differed = new Map<string, Difference>()
  readonly #looks = new Map<string, Look>()

  constructor(options: ComparisonOptions) {
    this.#options = options
  }

  async run(): Promise<void> {
    const { store, queues, parking } = this.#options
    const known = new Map((await store.held.countByPlace()).map(({ place, count }) => [place, count]))
    const places = new Set([unroutedQueue, ...queues().map(deadQueueOf), ...(await parking()), ...known.keys()])
    for (const place of places) await this.#compare(place, known.get(place) ?? 0)
  }

  async #compare(place: string, rows: number): Promise<void> {
    const { locks, bus } = this.#options
    // What somebody looks through is not counted by the broker.
    if (locks.isBusy(place)) return
    const messages = (await bus.broker.inspect(place))?.messages ?? 0
    if (messages === rows) {
      this.#differed.delete(place)
      this.#looks.delete(place)
      return
    }
    const before = this.#differed.get(place)
    const rounds = (before?.rounds ?? 0) + 1
    const isSame = before?.messages === messages && before.rows === rows
    const isDue = isSame || rounds > MOVING_ROUNDS_MAX
    this.#differed.set(place, { messages, rows, rounds: isDue ? 0 : rounds })
    if (isDue) await this.#lookUnlessJustDone(place, { messages, rows })
  }

  async #lookUnlessJustDone(place: string, counts: Counts): Promise<void> {
    const { locks, bus } = this.#options
    const last = this.#looks.get(place)
    const isSame = last?.messages === counts.messages && last.rows === counts.rows
    const restMs = last ? Math.max(last.restMs, isSame ? SAME_AGAIN_MS : 0) : 0
    const startMs = bus.clock.now()
    if (last && startMs - last.atMs < restMs) return
    await locks.exclusive(place, () => this.look(place))
    const atMs = bus.clock.now()
    this.#looks.set(place, { ...counts, atMs, restMs: (atMs - startMs) * REST_SHARE })
  }

  /** Looks through a queue: what the catalogue does not have is added, what the queue does not have is gone, what is an orphan is adopted. */
  async look(place: string): Promise<void> {
    const { bus } = this.#options
    const startMs = bus.clock.now()
    const browse = await bus.broker.browse(place)
    const orphans = new Orphans()
    let messages = 0
    if (browse)
      try {
        for await (const chunk of chunksOf(browse)) {
          messages += chunk.length
          orphans.seen(await this.#note(place, this.#sort(place, chunk, orphans)))
        }
        for (const orphan of orphans) await this.#take(place, orphan, orphans.isAdopted(orphan))
        // The connection was lost: what was not seen may be there.
        if (messages < browse.count) return
      } finally {
        await browse.close()
      }
    const gone = await this.#forget(place, startMs - GONE_AFTER_MS)
    bus.log.info({ place, messages, orphans: orphans.count, gone }, 'looked through a queue of held messages')
  }

  async #forget(place: string, beforeMs: number): Promise<number> {
    const { store, threads } = this.#options
    let gone = 0
    for (let count = CHUNK; count === CHUNK; gone += count)
      count = await store.write(({ held }) => held.markGone(place, beforeMs, CHUNK))
    if (gone > 0) {
      const { items } = await store.held.listHeld({ place, states: ['gone'] }, { limit: GONE_LISTED_MAX })
      await threads.released(items)
    }
    return gone
  }

  /** Those that are no orphans. */
  #sort(place: string, chunk: readonly Browsed[], orphans: Orphans): readonly Browsed[] {
    const queue = this.#options.queues().find((one) => deadQueueOf(one) === place)
    if (queue === undefined) return chunk
    return chunk.filter((browsed) => {
      const orphan = findOrphan(queue, browsed)
      if (orphan) orphans.add(orphan)
      return orphan === undefined
    })
  }

  /** Gives the ids that they carry. Copies of what was moved before are removed. */
  async #note(place: string, found: readonly Browsed[]): Promise<readonly string[]> {
    const { store, bus, threads } = this.#options
    const atMs = bus.clock.now()
    const stays = found.map(({ message }) => ({ message, stay: stayOf(place, message) }))
    const noted = await store.write(async (tx) => {
      const given = new Set(stays.map(({ stay }) => stay.given))
      const known = new Map((await tx.held.findHeld([...given])).map((row) => [row.id, row]))
      const find = async (id: string) => (given.has(id) ? known.get(id) : (await tx.held.findHeld([id]))[0])
      const added: Held[] = []
      const ids: (string | undefined)[] = []
      for (const { message, stay } of stays) {
        const { id, row, isOver } = await findStay(find, stay)
        if (!row) added.push({ ...heldByMessage(place, message, atMs), id })
        ids.push(isOver ? undefined : id)
      }
      if (added.length > 0) {
        const fresh = new Set(await tx.held.addHeld(added))
        const ofThreads = added.filter(({ id }) => fresh.has(id))
        await threads.parked(ofThreads, tx)
      }
      const seen = ids.flatMap((id) => id ?? [])
      await tx.held.markSeen(place, seen, atMs)
      return ids
    })
    for (const [i, browsed] of found.entries()) if (noted[i] === undefined) browsed.remove()
    return stays.map(({ stay }) => stay.given)
  }

  /** When it was published again before, in a look that was cut off, only the original has to go. */
  async #take(place: string, orphan: Orphan, isAdopted: boolean): Promise<void> {
    const { bus, store } = this.#options
    if (!isAdopted) {
      const adopted = await adopt(bus, place, orphan)
      const row = heldByMessage(place, adopted, bus.clock.now())
      await store.write(({ held }) => held.addHeld([row]))
      bus.log.warn({ place, messageId: row.messageId }, 'a message that the broker had dead-lettered was adopted')
    }
    orphan.browsed.remove()
  }
}

/** Orphans of one look. What was published again lies behind its original. */
class Orphans {
  readonly #found = new Map<string, Orphan[]>()
  readonly #adopted = new Set<string>()
  count = 0

  add(orphan: Orphan): void {
    if (this.count >= ORPHANS_MAX) return
    this.count++
    const same = this.#found.get(orphan.id)
    // The same death of the same message: one of them is enough.
    if (same) same.push(orphan)
    else this.#found.set(orphan.id, [orphan])
  }

  seen(ids: readonly string[]): void {
    for (const id of ids) if (this.#found.has(id)) this.#adopted.add(id)
  }

  isAdopted({ id }: Orphan): boolean {
    const isAdopted = this.#adopted.has(id)
    this.#adopted.add(id)
    return isAdopted
  }

  *[Symbol.iterator](): Iterator<Orphan> {
    for (const same of this.#found.values()) yield* same
  }
}

async function* chunksOf(browse: AsyncIterable<Browsed>): AsyncGenerator<readonly Browsed[]> {
  let chunk: Browsed[] = []
  for await (const browsed of browse) {
    chunk.push(browsed)
    if (chunk.length < CHUNK) continue
    yield chunk
    chunk = []
  }
  if (chunk.length > 0) yield chunk
}
