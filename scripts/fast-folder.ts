import { readFileSync, statfsSync } from 'node:fs'

const IN_MEMORY = '/dev/shm'
/** Room for the files of all tests that run at once; a container may have 64 MiB there. */
const FREE_BYTES_MIN = 2_147_483_648
const NOT_TO_BE_RUN = new RegExp(`^\\S+ ${IN_MEMORY} \\S+ \\S*\\bnoexec\\b`, 'm')

/**
 * Where tests put their files: in memory, where there is room, and where programs may be run; undefined elsewhere. On a disk each commit
 * of a store takes twice the processor, and waits. Nobody cuts the power in a test, so what is written is as safe.
 */
export function fastFolder(): string | undefined {
  try {
    const { bavail, bsize } = statfsSync(IN_MEMORY)
    const isFit = bavail * bsize >= FREE_BYTES_MIN && !NOT_TO_BE_RUN.test(readFileSync('/proc/mounts', 'utf8'))
    return isFit ? IN_MEMORY : undefined
  } catch {
    // Not every system has it.
    return undefined
  }
}
