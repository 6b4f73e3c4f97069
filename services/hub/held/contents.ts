import { isUtf8 } from 'node:buffer'
import type { Received } from '../../../shared/bus/broker.ts'
import type { Bus } from '../../../shared/bus/bus.ts'
import { HELD_BODY_CHARS_MAX, type HeldContent } from '../../../shared/store/held-messages.ts'
import type { HubStore } from '../../../shared/store/hub-store.ts'
import type { Content } from '../held-operations.ts'
import { isInPlace } from './held-row.ts'
import type { PlaceLocks } from './place-locks.ts'
import { findStay, givenOf, stayOf } from './stays.ts'
import { parseProperties } from './stored-properties.ts'

export type ContentsOptions = { readonly bus: Bus; readonly store: HubStore; readonly locks: PlaceLocks }

/** A look through a queue ends after this: somebody waits for the answer, and so do jobs for the queue. */
const LOOK_MS_MAX = 10_000
const LOOKED_AT_MAX = 200_000
/** Lists begin with the newest and queues with the oldest: a search that read only what it needs would look through the queue each time. */
const READ_AHEAD_FROM = 10
const READ_AHEAD_BYTES_MAX = 64 * 1_048_576
/** Characters of contents kept in one transaction. */
const KEPT_CHARS_MAX = 4 * 1_048_576

/** Contents of held messages: from the catalogue, which keeps what somebody has looked at, or out of the queues that hold them. */
export class Contents {
  readonly #options: ContentsOptions

  constructor(options: ContentsOptions) {
    this.#options = options
  }

  /** Contents by id. Those that are in their places no more, and were never looked at, are missing. */
  async fetch(ids: readonly string[]): Promise<ReadonlyMap<string, Content>> {
    const { held } = this.#options.store
    const contents = new Map<string, Content>()
    const wanted = new Map<string, Set<string>>()
    for (const id of ids) {
      const kept = await held.findContent(id)
      const row = kept ? undefined : await held.findHeld(id)
      if (kept) contents.set(id, contentOf(kept))
      else if (row && isInPlace(row.state)) wanted.set(row.place, (wanted.get(row.place) ?? new Set()).add(id))
    }
    for (const [place, missing] of wanted)
      for (const [id, content] of await this.#look(place, missing)) contents.set(id, content)
    return contents
  }

  async #look(place: string, missing: ReadonlySet<string>): Promise<ReadonlyMap<string, Content>> {
    const seen = await this.#options.locks.exclusive(place, () => this.#browse(place, missing))
    await this.#keep(seen)
    return new Map([...seen].filter(([id]) => missing.has(id)))
  }

  /** Those that are missing; and for whoever asks for many, and will ask for more, others that lie on the way. */
  async #browse(place: string, missing: ReadonlySet<string>): Promise<ReadonlyMap<string, Content>> {
    const { broker, clock } = this.#options.bus
    const seen = new Map<string, Content>()
    const untilMs = clock.now() + LOOK_MS_MAX
    const again = new Set([...missing].filter((id) => givenOf(id) !== id).map(givenOf))
    const browse = await broker.browse(place)
    if (!browse) return seen
    try {
      let [looked, found, aheadBytes] = [0, 0, 0]
      for await (const { message } of browse) {
        const id = await this.#idOf(place, message, again)
        const isMissing = missing.has(id)
        const isAhead = !isMissing && missing.size >= READ_AHEAD_FROM && aheadBytes < READ_AHEAD_BYTES_MAX
        if (isMissing) found++
        if (isAhead) aheadBytes += message.body.length
        if (isMissing || isAhead) seen.set(id, { body: message.body, properties: message.properties, edited: null })
        if (found === missing.size || ++looked >= LOOKED_AT_MAX || clock.now() >= untilMs) break
      }
    } finally {
      await browse.close()
    }
    return seen
  }

  /** A row is looked for only under ids that are known to have had a stay before. */
  async #idOf(place: string, message: Received, again: ReadonlySet<string>): Promise<string> {
    const stay = stayOf(place, message)
    if (!again.has(stay.given)) return stay.given
    return (await findStay((id) => this.#options.store.held.findHeld(id), stay)).id
  }

  /** Those that are text and not too long: the others are read again when somebody looks again. */
  async #keep(found: ReadonlyMap<string, Content>): Promise<void> {
    let slice: HeldContent[] = []
    let chars = 0
    const flush = async () => {
      const contents = slice
      slice = []
      chars = 0
      if (contents.length > 0) await this.#options.store.write(({ held }) => held.keepContents(contents))
    }
    for (const [id, content] of found) {
      const kept = keptOf(id, content)
      if (!kept) continue
      slice.push(kept)
      chars += kept.body.length + kept.properties.length
      if (chars >= KEPT_CHARS_MAX) await flush()
    }
    await flush()
  }
}

const contentOf = ({ body, properties, edited }: HeldContent): Content => ({
  body: Buffer.from(body),
  properties: parseProperties(properties),
  edited,
})

function keptOf(id: string, { body, properties }: Content): HeldContent | undefined {
  if (body.length > HELD_BODY_CHARS_MAX || !isUtf8(body)) return undefined
  return { id, body: body.toString(), properties: JSON.stringify(properties), edited: null }
}
