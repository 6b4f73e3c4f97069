import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFailed, onTestFinished } from 'vitest'

/**
 * A folder of its own for the running test, with `data` and `log` in it. It stays when the test fails, which then names it; else
 * it is removed.
 */
export function systemFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ebs-system-'))
  chmodSync(folder, 0o755)
  for (const name of ['data', 'log']) mkdirSync(join(folder, name))
  onTestFinished(({ task }) => {
    if (task.result?.state !== 'fail') rmSync(folder, { recursive: true, force: true })
  })
  onTestFailed(() => {
    throw new Error(`Evidence: the logs and databases of this test's processes are in ${folder}`)
  })
  return folder
}
