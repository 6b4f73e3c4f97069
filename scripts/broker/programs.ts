import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'

/** Debian's /usr/sbin/rabbitmq-server refuses ordinary users and changes its folder; this one does as it is told. */
const debianProgram = '/usr/lib/rabbitmq/bin/rabbitmq-server'

/** The `rabbitmq-server` to run a node of one's own with. */
export const findRabbitmqServer = (path: readonly string[]): string | undefined =>
  isExecutable(debianProgram) ? debianProgram : findProgram('rabbitmq-server', path)

/** The first program of this name in the folders. */
export const findProgram = (name: string, path: readonly string[]): string | undefined =>
  path.map((folder) => join(folder, name)).find(isExecutable)

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    // Whatever the reason: it cannot be run.
    return false
  }
}
