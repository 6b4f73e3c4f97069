import type { Browsed } from '../../../shared/bus/broker.ts'
import type { Held, HeldContent } from '../../../shared/store/held-messages.ts'
import type { HubStore } from '../../../shared/store/hub-store.ts'
import { heldByMessage } from './held-row.ts'
import type { Errand } from './mover.ts'
import { findStay, stayOf } from './stays.ts'

/** A message to be moved, as it lies in its queue, with its row; `copies` are others under the same id. */
export type Selected = {
  readonly id: string
  readonly browsed: Browsed
  readonly copies: Browsed[]
  readonly row: Held
  readonly edited: HeldContent | undefined
}

export type Selection = {
  readonly selected: readonly Selected[]
  /** What was not looked at, because enough were found. */
  readonly rest: readonly Browsed[]
}

type Options = { readonly store: Pick<HubStore, 'write'>; readonly nowMs: number; readonly max: number }
type Found = { readonly id: string; readonly browsed: Browsed; readonly row: Held; readonly isOver: boolean }

/**
 * Those of a chunk that an errand is about, `max` at most. What was moved before, and is still here because its hub died before it could
 * remove it, is removed; so is what was parked twice. `sent` has the ids that the same look has selected before.
 */
export async function select(
  errand: Errand,
  chunk: readonly Browsed[],
  sent: Set<string>,
  options: Options,
): Promise<Selection> {
  const { found, movable, edited } = await read(errand, chunk, sent, options)
  const selected = new Map<string, Selected>()
  for (const [i, { id, browsed, row, isOver }] of found.entries()) {
    if (isOver) browsed.remove()
    else if (sent.has(id)) selected.get(id)?.copies.push(browsed)
    else if (!movable.has(id)) continue
    else if (selected.size >= options.max) return { selected: [...selected.values()], rest: chunk.slice(i) }
    else {
      sent.add(id)
      selected.set(id, { id, browsed, row, copies: [], edited: edited.get(id) })
    }
  }
  return { selected: [...selected.values()], rest: [] }
}

/** In one transaction: the rows, made for those that nobody has told of; which of them are the job's; and what somebody has edited. */
function read(
  { job, from, which }: Errand,
  chunk: readonly Browsed[],
  sent: ReadonlySet<string>,
  { store, nowMs }: Options,
) {
  const stays = chunk.map((browsed) => ({ browsed, stay: stayOf(from, browsed.message) }))
  const given = [...new Set(stays.map(({ stay }) => stay.given))]
  return store.write(async ({ held }) => {
    const rows = new Map<string, Held | undefined>(given.map((id) => [id, undefined]))
    for (const row of await held.findHeld(given)) rows.set(row.id, row)
    const find = async (id: string) => (rows.has(id) ? rows.get(id) : (await held.findHeld([id]))[0])
    const found: Found[] = []
    const added: Held[] = []
    for (const { browsed, stay } of stays) {
      const { id, row, isOver } = await findStay(find, stay, (one) => sent.has(one))
      const made = row ?? { ...heldByMessage(from, browsed.message, nowMs), id }
      if (!row) added.push(made)
      rows.set(id, made)
      found.push({ id, browsed, row: made, isOver })
    }
    if (added.length > 0) await held.addHeld(added)
    const ids = [...new Set(found.map(({ id }) => id))]
    const movable = which === 'chosen' ? await held.chosenOf(job, ids) : new Set(ids)
    const contents = movable.size > 0 ? await held.findContents([...movable]) : []
    const edited = new Map(contents.flatMap((one) => (one.edited === null ? [] : [[one.id, one] as const])))
    return { found, movable, edited }
  })
}
