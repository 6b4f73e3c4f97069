import { mkdir, readdir, rm, stat, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Virtual hosts that no test needs any more, noted as files: each test file runs in a process of its own, and most would end before theirs may
 * be deleted. Left alone, the 15,000 queues of a whole run keep the broker busy with nothing but themselves.
 */
const folderOf = (mainPid: number) => join(tmpdir(), `ebs-let-go-${mainPid}`)

/** Notes one. `mainPid` is the process of the whole run. */
export async function letGo(mainPid: number, name: string): Promise<void> {
  await mkdir(folderOf(mainPid), { recursive: true })
  await writeFile(join(folderOf(mainPid), name), '')
}

/** Takes some that were noted at least so long ago, at most `limit`: they are this caller's to delete, and nobody else gets them. */
export async function takeLetGo(
  mainPid: number,
  { agoMs, limit }: { readonly agoMs: number; readonly limit: number },
): Promise<readonly string[]> {
  const taken: string[] = []
  for (const name of await readdir(folderOf(mainPid))) {
    if (taken.length >= limit) break
    const path = join(folderOf(mainPid), name)
    if (await isOlder(path, agoMs)) if (await isTaken(path)) taken.push(name)
  }
  return taken
}

/** After the whole run. */
export const forgetLetGo = (mainPid: number): Promise<void> => rm(folderOf(mainPid), { recursive: true, force: true })

/** False also when somebody else has just taken it. */
async function isOlder(path: string, agoMs: number): Promise<boolean> {
  try {
    return Date.now() - (await stat(path)).mtimeMs >= agoMs
  } catch (error) {
    return orGone(error)
  }
}

/** Of several who unlink a file one succeeds. */
async function isTaken(path: string): Promise<boolean> {
  try {
    await unlink(path)
    return true
  } catch (error) {
    return orGone(error)
  }
}

function orGone(error: unknown): false {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false
  throw error
}
