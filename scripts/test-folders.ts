import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { readNodeState } from './broker/node-state.ts'
import { removeLeftover } from './broker/private-node.ts'
import { isAlive } from './processes.ts'

/** Folders of earlier runs that failed are kept to be looked at: the newest few, a broker's log is some megabytes. */
const EVIDENCE_FOLDERS_MAX = 3

const prefix = 'test-'

/** Names the folder of this run, and clears up after runs that are over: brokers left by killed ones, and old evidence. */
export async function openTestFolder(root: string): Promise<string> {
  const parent = join(root, '.ebs')
  mkdirSync(parent, { recursive: true })
  const over = readdirSync(parent)
    .filter((name) => name.startsWith(prefix) && !isAlive(Number(name.slice(prefix.length))))
    .map((name) => join(parent, name))
  for (const folder of over) {
    const state = readNodeState(folder)
    if (state) await removeLeftover(folder, state)
  }
  const newestFirst = over.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)
  for (const folder of newestFirst.slice(EVIDENCE_FOLDERS_MAX)) rmSync(folder, { recursive: true, force: true })
  return join(parent, `${prefix}${process.pid}`)
}
