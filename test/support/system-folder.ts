import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFailed, onTestFinished } from 'vitest'

/**
 * A folder of its own for the running test, with `data` and `log` in it. It stays when the test fails, which then names it; else
 * it is removed.
 */
export function systemFolder(): string {
  const folder = makeSystemFolder()
  onTestFinished(({ task }) => {
    if (task.result?.state !== 'fail') removeSystemFolder(folder)
  })
  onTestFailed(() => {
    throw evidenceIn(folder)
  })
  return folder
}

/** The same, for more than one test; the caller removes it. */
export function makeSystemFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ebs-system-'))
  chmodSync(folder, 0o755)
  for (const name of ['data', 'log']) mkdirSync(join(folder, name))
  return folder
}

export const removeSystemFolder = (folder: string) => rmSync(folder, { recursive: true, force: true })

/** What a failed test names. */
export const evidenceIn = (folder: string) =>
  new Error(`Evidence: the logs and databases of this test's processes are in ${folder}`)
