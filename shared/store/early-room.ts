import type { ConversationId, EarlyBounds, EarlyEvent } from './conversations.ts'

/** A conversation that opens takes all that was kept for it at once, into memory, and parses it. */
export const EARLY_BYTES_OF_ONE_MAX = 16 * 1_048_576

/** How many events are kept, and the UTF-8 bytes of their texts. */
export type EarlySize = { readonly count: number; readonly bytes: number }

export const bytesOfEarly = ({ event }: EarlyEvent): number => Buffer.byteLength(event)

/** Says of one early event after another whether there is room for it beside those that are kept and those it has said yes to. */
export class EarlyRoom {
  readonly #bounds: EarlyBounds
  readonly #sizeOf: (id: ConversationId) => EarlySize
  readonly #ofOne = new Map<string, EarlySize>()
  #ofAll: EarlySize

  /** `ofAll` is what is kept; `sizeOf` gives what of it is one conversation's. */
  constructor(bounds: EarlyBounds, ofAll: EarlySize, sizeOf: (id: ConversationId) => EarlySize) {
    this.#bounds = bounds
    this.#ofAll = ofAll
    this.#sizeOf = sizeOf
  }

  take(event: EarlyEvent): boolean {
    const { countMax, bytesMax, perConversationMax } = this.#bounds
    const ofAll = withOneMore(this.#ofAll, event)
    if (ofAll.count > countMax || ofAll.bytes > bytesMax) return false
    const id = JSON.stringify([event.kind, event.key])
    const before = this.#ofOne.get(id) ?? this.#sizeOf(event)
    const ofOne = withOneMore(before, event)
    const isRoom = ofOne.count <= perConversationMax && ofOne.bytes <= EARLY_BYTES_OF_ONE_MAX
    // Remembered also when there is no room, because a flood asks again and again, and adding up 10,000 takes 1 ms.
    this.#ofOne.set(id, isRoom ? ofOne : before)
    if (isRoom) this.#ofAll = ofAll
    return isRoom
  }
}

const withOneMore = ({ count, bytes }: EarlySize, event: EarlyEvent): EarlySize => ({
  count: count + 1,
  bytes: bytes + bytesOfEarly(event),
})
