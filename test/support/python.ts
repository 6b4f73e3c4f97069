import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findApt, installPackage } from '../../scripts/broker/apt.ts'
import { searchPath } from './config.ts'

const run = promisify(execFile)

/** apt-get puts what it installs here, whatever Python comes first in the search path. */
const DEBIAN_FOLDER = '/usr/bin'
const INSTALL_MS_MAX = 240_000

/**
 * A Python that knows pika, the client of RabbitMQ that most Python programs use. Installs Debian's python3-pika where there is none and
 * that is allowed. Throws when there is no way to get one.
 */
export async function findPython(): Promise<string> {
  const found = await findWithPika()
  if (found !== undefined) return found
  const apt = await findApt(searchPath())
  if (apt) await installPackage(apt, 'python3-pika', AbortSignal.timeout(INSTALL_MS_MAX))
  const installed = await findWithPika()
  if (installed !== undefined) return installed
  throw new Error(
    'This test needs a Python with pika. Install one, as root with `apt-get install python3-pika` or with ' +
      '`python3 -m pip install pika`; where apt-get may be used, the test does it by itself.',
  )
}

async function findWithPika(): Promise<string | undefined> {
  for (const folder of new Set([...searchPath(), DEBIAN_FOLDER])) {
    const python = join(folder, 'python3')
    const hasPika = await run(python, ['-c', 'import pika']).then(
      () => true,
      () => false,
    )
    if (hasPika) return python
  }
  return undefined
}
