import {
  type AttentionFilter,
  type Conversation,
  type ConversationFilter,
  type ConversationId,
  type ConversationReader,
  type DurationsFilter,
  type EndedFilter,
  earliestFirst,
  type IgnoredCount,
  type Page,
  type PageRequest,
  type Standing,
  type Timer,
} from './conversations.ts'
import { consult } from './failover-moves.ts'
import { mergedPage } from './failover-pages.ts'
import { findDoubt, type Pair } from './failover-pair.ts'
import type { MovableHubStore } from './movable-store.ts'

/**
 * Reads of two stores: of a conversation that is in both, what the higher version says. What may lie in a store that is out of reach
 * throws PartlyUnavailableError; lists and counts leave it out. While conversations move, a count may count one of them twice.
 */
export class FailoverReader implements ConversationReader {
  readonly #pair: () => Pair

  constructor(pair: () => Pair) {
    this.#pair = pair
  }

  async findConversation(id: ConversationId): Promise<Conversation | undefined> {
    return (await this.#home(id)).found
  }

  async standingOf(kind: string, keys: readonly string[]): Promise<readonly Standing[]> {
    const pair = this.#pair()
    const { leader, source } = pair
    const look = ({ reader }: MovableHubStore) => reader.standingOf(kind, keys)
    const found = new Map((await leader.read(look)).map((one) => [one.key, one]))
    if (!source) {
      assertCertain(
        pair,
        keys.map((key) => ({ kind, key })),
        found,
      )
      return [...found.values()]
    }
    for (const theirs of await consult(source.site, look))
      if (theirs.version > (found.get(theirs.key)?.version ?? 0)) found.set(theirs.key, theirs)
    return [...found.values()]
  }

  async historyOf(id: ConversationId, limit: number) {
    return (await this.#home(id)).look(({ reader }) => reader.historyOf(id, limit))
  }

  async timersOf(id: ConversationId) {
    return (await this.#home(id)).look(({ reader }) => reader.timersOf(id))
  }

  async frozenTimersOf(id: ConversationId) {
    return (await this.#home(id)).look(({ reader }) => reader.frozenTimersOf(id))
  }

  async earlyOf(id: ConversationId) {
    return (await this.#home(id)).look(({ reader }) => reader.earlyOf(id))
  }

  listConversations(filter: ConversationFilter, page: PageRequest): Promise<Page<Conversation>> {
    const list = ({ reader }: MovableHubStore, request: PageRequest) => reader.listConversations(filter, request)
    return this.#list(list, page, {
      compare: (a, b) => b.createdAtMs - a.createdAtMs,
      versionOf: ({ version }) => version,
    })
  }

  listEnded(filter: EndedFilter, page: PageRequest): Promise<Page<Conversation>> {
    const list = ({ reader }: MovableHubStore, request: PageRequest) => reader.listEnded(filter, request)
    return this.#list(list, page, {
      compare: (a, b) => (a.endedAtMs ?? 0) - (b.endedAtMs ?? 0),
      versionOf: ({ version }) => version,
    })
  }

  listTimers(filter: Parameters<ConversationReader['listTimers']>[0], page: PageRequest): Promise<Page<Timer>> {
    const list = ({ reader }: MovableHubStore, request: PageRequest) => reader.listTimers(filter, request)
    // Of a conversation that has a copy in the store that leads, the timers are there too.
    return this.#list(list, page, { compare: earliestFirst, versionOf: () => 0 })
  }

  async durationsOf(which: DurationsFilter): Promise<readonly number[]> {
    const both = await this.#each(({ reader }) => reader.durationsOf(which))
    return both.flat().slice(0, which.limit)
  }

  async labelsOf(kind: string): Promise<readonly string[]> {
    const both = await this.#eachOpen(({ reader }) => reader.labelsOf(kind))
    return both.length === 1 ? both.flat() : [...new Set(both.flat())].toSorted()
  }

  async listIgnored(): Promise<readonly IgnoredCount[]> {
    return this.#pair().leader.read(({ reader }) => reader.listIgnored())
  }

  async countOpen() {
    const all = new Map<string, { kind: string; count: number; oldestMs: number }>()
    for (const { kind, count, oldestMs } of (await this.#eachOpen(({ reader }) => reader.countOpen())).flat()) {
      const known = all.get(kind)
      all.set(kind, {
        kind,
        count: count + (known?.count ?? 0),
        oldestMs: Math.min(oldestMs, known?.oldestMs ?? oldestMs),
      })
    }
    return [...all.values()]
  }

  async countAttention(which: AttentionFilter): Promise<number> {
    return Math.min(which.limit, sum(await this.#eachOpen(({ reader }) => reader.countAttention(which))))
  }

  async countTimers(): Promise<number> {
    return sum(await this.#eachOpen(({ reader }) => reader.countTimers()))
  }

  async countFrozenTimers(): Promise<number> {
    return sum(await this.#eachOpen(({ reader }) => reader.countFrozenTimers()))
  }

  async countEarly(): Promise<number> {
    return sum(await this.#eachOpen(({ reader }) => reader.countEarly()))
  }

  /** Where the true copy of a conversation is. */
  async #home(id: ConversationId) {
    const pair = this.#pair()
    const { leader, source } = pair
    const found = await leader.read(({ reader }) => reader.findConversation(id))
    const isHere = found !== undefined
    const here = { found, look: <T>(look: (store: MovableHubStore) => T) => leader.read(look) }
    if (!source) {
      const isLeft = isHere && leader.read(({ moving }) => moving.leftBehind([id])).length > 0
      const doubt = isHere && !isLeft ? undefined : findDoubt(pair, id, isHere)
      if (doubt) throw doubt
      return here
    }
    const theirs = await consult(source.site, ({ reader }) => reader.findConversation(id))
    if (!theirs || theirs.version <= (found?.version ?? 0)) return here
    return { found: theirs, look: <T>(look: (store: MovableHubStore) => T) => source.site.read(look) }
  }

  async #list<T extends ConversationId>(
    list: (store: MovableHubStore, page: PageRequest) => Page<T> | Promise<Page<T>>,
    request: PageRequest,
    { compare, versionOf }: { compare: (a: T, b: T) => number; versionOf: (item: T) => number },
  ): Promise<Page<T>> {
    const { leader, source } = this.#pair()
    if (!source) return leader.read((store) => list(store, request))
    const isNewer = async (site: typeof leader, item: T, isTie: boolean) => {
      const other = await consult(site, ({ reader }) => reader.findConversation(item))
      return other !== undefined && (other.version > versionOf(item) || (isTie && other.version === versionOf(item)))
    }
    const ofLeader = {
      page: async (page: PageRequest) => leader.read((store) => list(store, page)),
      isShown: async (item: T) => versionOf(item) === 0 || !(await isNewer(source.site, item, false)),
    }
    const ofOther = {
      page: (page: PageRequest) => consult(source.site, (store) => list(store, page)),
      isShown: async (item: T) => !(await isNewer(leader, item, true)),
    }
    return mergedPage([ofLeader, ofOther], request, compare)
  }

  /** Of what goes on: a primary that cannot be written keeps its copies when everything has moved. */
  async #eachOpen<T>(look: (store: MovableHubStore) => T | Promise<T>): Promise<T[]> {
    const { leader, isOpenMoved } = this.#pair()
    return isOpenMoved ? [await leader.read(look)] : this.#each(look)
  }

  async #each<T>(look: (store: MovableHubStore) => T | Promise<T>): Promise<T[]> {
    const { leader, source } = this.#pair()
    const mine = await leader.read(look)
    return source ? [mine, await consult(source.site, look)] : [mine]
  }
}

/** Throws PartlyUnavailableError when the store that is out of reach may know better of one of these. */
function assertCertain(pair: Pair, ids: readonly ConversationId[], found: ReadonlyMap<string, Standing>): void {
  if (!pair.lost) return
  const left = new Set(pair.leader.read(({ moving }) => moving.leftBehind(ids)).map(({ key }) => key))
  for (const id of ids) {
    const isHere = found.has(id.key)
    const doubt = isHere && !left.has(id.key) ? undefined : findDoubt(pair, id, isHere)
    if (doubt) throw doubt
  }
}

const sum = (all: readonly number[]) => all.reduce((total, n) => total + n, 0)
