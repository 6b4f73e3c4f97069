import { setImmediate } from 'node:timers/promises'
import type { Operations } from '../operations.ts'
import { type ItemFilter, matches, searchItems } from './item-search.ts'
import { findItem, type Item, UNREADABLE } from './remediation-item.ts'

/** Journeys of one job; more would not fit into a message. */
export const JOURNEYS_MAX = 10_000
/** Of their ids, which may be long, with their revisions: the rest of the message is for an input or an output. */
const BYTES_MAX = 786_432
const PAGE = 1_000
const EXAMPLES_MAX = 10

/** Journeys that need a person and match; with `ids`, those of them that match, whether they need one or not. */
export type Which = ItemFilter & { readonly ids?: readonly string[] | undefined }

/** What a job is to be about, as it is now. */
export class Choice {
  readonly journeys: { readonly id: string; readonly revision: number }[] = []
  /** The first of them. */
  readonly examples: Item[] = []
  /** Named, but there is no such journey. */
  readonly unknown: string[] = []
  /** There are more than one job may take. */
  isCut = false
  #bytes = 0

  /** False when there is no room for it. Nothing can be decided about one that cannot be read. */
  add(item: Item): boolean {
    if (item.cause === UNREADABLE) return true
    const { id, revision } = item
    const bytes = Buffer.byteLength(JSON.stringify({ id, revision })) + 1
    if (this.journeys.length === JOURNEYS_MAX || this.#bytes + bytes > BYTES_MAX) this.isCut = true
    else {
      this.#bytes += bytes
      this.journeys.push({ id, revision })
      if (this.examples.length < EXAMPLES_MAX) this.examples.push(item)
    }
    return !this.isCut
  }
}

type Looking = Pick<Operations, 'store' | 'clock'>

export const choose = (looking: Looking, { ids, ...filter }: Which): Promise<Choice> =>
  ids === undefined ? chooseAll(looking, filter) : chooseNamed(looking, new Set(ids), filter)

async function chooseAll(looking: Looking, filter: ItemFilter): Promise<Choice> {
  const choice = new Choice()
  let cursor: string | undefined
  do {
    const page = await searchItems(looking, filter, { limit: PAGE, cursor })
    if (!page.items.every((item) => choice.add(item))) break
    cursor = page.next
  } while (cursor !== undefined)
  return choice
}

async function chooseNamed(looking: Looking, ids: ReadonlySet<string>, filter: ItemFilter): Promise<Choice> {
  const choice = new Choice()
  let looked = 0
  for (const id of ids) {
    const item = await findItem(looking, id)
    if (!item) choice.unknown.push(id)
    else if (matches(item, filter) && !choice.add(item)) break
    // Reading may be synchronous, and deliveries must not wait for all of it.
    if (++looked % PAGE === 0) await setImmediate()
  }
  return choice
}
