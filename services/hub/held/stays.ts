import type { Received } from '../../../shared/bus/broker.ts'
import type { Held } from '../../../shared/store/held-messages.ts'
import { heldIdOf, isInPlace } from './held-row.ts'

/** One stay of a message in a place: the id under which its consumer, or nobody, has left it there, and since when, if that is known. */
export type Stay = {
  readonly place: string
  readonly given: string
  readonly atMs: number | undefined
  /** No other stay can have this id. */
  readonly isUnique: boolean
}

/** The stay in the catalogue. `isOver`: what was found is a copy of what was moved, which its hub could not remove before it died. */
export type FoundStay = { readonly id: string; readonly row: Held | undefined; readonly isOver: boolean }

type Find = (id: string) => Held | undefined | Promise<Held | undefined>

/** A consumer's message and its news of it are written within this. */
const SAME_STAY_MS = 100
/** So far may the clocks of a consumer and of the hub be apart. */
const CLOCKS_APART_MS = 60_000
/** Between the id that a message carries and the number of its stay. No id of ours has it. */
const NUMBERED = '~'

/** The stay of a message that was found in this place. */
export function stayOf(place: string, message: Received): Stay {
  const { headers } = message.properties
  const at = [headers['x-ebs-parked-at'], headers['x-ebs-last-failed-at']].find((value) => typeof value === 'string')
  const ms = at === undefined ? Number.NaN : Date.parse(String(at))
  return {
    place,
    given: heldIdOf(place, message),
    atMs: Number.isNaN(ms) ? undefined : ms,
    isUnique: !headers['x-ebs-held'] && typeof headers['x-ebs-replay'] === 'string',
  }
}

/**
 * Finds the row of a stay. The same message may come back under the same id when its last stay is over, because somebody has sent it again:
 * it is a copy of what was moved only if it surely lay there by then; otherwise its stay is another one, with the next number. `isCopy` says
 * of ids that they were moved in this very look. Reads a row for each stay that is over, and all of them are in the catalogue.
 */
export async function findStay(
  find: Find,
  stay: Stay,
  isCopy: (id: string) => boolean = () => false,
): Promise<FoundStay> {
  for (let n = 1; ; n++) {
    const id = n === 1 ? stay.given : `${stay.given}${NUMBERED}${n}`
    const row = await find(id)
    if (!row || isInPlace(row.state)) return { id, row, isOver: false }
    if (isCopy(id) || hasEnded(stay, row)) return { id, row, isOver: true }
  }
}

/** The id that the message of this stay carries. */
export const givenOf = (id: string): string => id.replace(/~\d+$/, '')

/** Surely this very stay, whose end the row tells: nothing is removed on a guess. */
function hasEnded({ place, atMs, isUnique }: Stay, row: Held): boolean {
  if (row.place !== place) return false
  // Who dies between parking and the ack parks it once more, whenever it comes back: under one use of a rule, one id is one message.
  if (row.rule !== null) return row.state !== 'gone'
  if (atMs === undefined) return isUnique
  return atMs <= row.heldAtMs + SAME_STAY_MS || atMs + CLOCKS_APART_MS <= row.changedAtMs
}
