import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { readCopy } from '../../shared/store/copies.ts'
import { counted } from '../cli/wording.ts'

const OPEN = 'select id from objects where state = ?'
const ENDED = `select 1 as yes from conversations where key = ? and kind = 'group' and ended_at is not null`
const openRow = z.object({ id: z.string() })
const yes = z.object({ yes: z.literal(1) })

/** Enough to look at some of them; a sentence is to stay one. */
const IDS_TOLD_MAX = 5

/** Objects that are open in datagen's copy and over in the hub's: restored so, nobody would tell their end again. */
export function unheardEnds(folder: string): readonly string[] {
  const hub = join(folder, 'hub.db')
  if (!existsSync(hub)) return []
  const open = readCopy(join(folder, 'datagen.db'), (read) => read.all(openRow, OPEN, 'accepted'))
  return readCopy(hub, (read) => open.filter(({ id }) => read.get(yes, ENDED, id)).map(({ id }) => id))
}

/** What they mean for a backup that has them, and what to do. */
export function unheardText(ids: readonly string[]): string {
  const more = ids.length - IDS_TOLD_MAX
  const told = `${ids.slice(0, IDS_TOLD_MAX).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
  return (
    `the ends of ${counted(ids.length, 'object')}, over in hub.db and open in datagen.db (${told}): they stay open there, and will be announced ` +
    'again after a restore, though nothing of theirs is missing (ebs why <id>). Let datagen run until its queue datagen_consume is empty, and ' +
    'take another backup; when it lacks the same ones, their ends are dead, or another datagen on this broker has them'
  )
}
