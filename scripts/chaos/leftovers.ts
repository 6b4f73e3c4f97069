import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Written between two lives of a process, by `watched-process.ts`. */
const END_OF_LIFE = '---'
const FINDINGS_MAX = 20

/** Processes that have to do with this folder: its name stands in what they were started with. */
export function processesOf(folder: string): readonly string[] {
  const found: string[] = []
  for (const pid of namesIn('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)) {
    const command = textOf(`/proc/${pid}/cmdline`)
    if (`${command}\0${textOf(`/proc/${pid}/environ`)}`.includes(folder))
      found.push(`process ${pid}: ${command.replaceAll('\0', ' ').trim()}`)
  }
  return found
}

/** Lines of the services' logs that tell of an exception that nobody caught: the fatal ones, and whatever Node itself has written. */
export function exceptionsIn(logFolder: string): readonly string[] {
  return namesIn(logFolder)
    .filter((name) => name.endsWith('.log') && name !== 'supervisor.log')
    .flatMap((name) =>
      textOf(join(logFolder, name))
        .split('\n')
        .filter(isException)
        .map((line) => `${name}: ${line}`),
    )
    .slice(0, FINDINGS_MAX)
}

/** One that was cut off in the middle by a kill begins like the others. */
const isException = (line: string) =>
  line.startsWith('{') ? line.includes('"level":"fatal"') : line.trim() !== '' && !line.startsWith(END_OF_LIFE)

/** Empty where there is no such folder: not every system has /proc. */
function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** Empty when it is gone, or somebody else's. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
