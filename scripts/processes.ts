import { readFileSync } from 'node:fs'

/** Whether the process is there (a zombie that nobody has waited for yet counts as gone). */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    // There, but another user's.
    return codeOf(error) === 'EPERM'
  }
  return stateOf(pid) !== 'Z'
}

/** Sends a signal to the process and to all that it started, or does nothing when they have ended. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  signalProcess(-pid, signal)
}

/** Like `signalGroup`, for the process alone. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  // To the system, 0 means the sender and all its group.
  if (pid === 0) throw new Error('There is no process 0 to signal.')
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (codeOf(error) !== 'ESRCH') throw error
  }
}

/** The arguments that a process was started with; empty when it is gone or the system does not tell. */
export function commandLineOf(pid: number): readonly string[] {
  return readProc(`/proc/${pid}/cmdline`).split('\0').filter(Boolean)
}

function stateOf(pid: number): string | undefined {
  const stat = readProc(`/proc/${pid}/stat`)
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[0]
}

function readProc(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT' || code === 'ESRCH') return ''
    throw error
  }
}

/** The system's name of an error, such as ENOENT. */
export const codeOf = (error: unknown) =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
