import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { inheritedEnvironment } from './config.ts'

/** USER_HZ, which Linux has fixed at 100 for /proc. */
const TICKS_PER_SECOND = 100
const STOP_MS_MAX = 10_000

/** One process of a side, with `<folder>` as its working directory and its output in `<name>.log` there. */
export type BenchProcess = {
  readonly name: string
  readonly pid: number
  signal(signal: NodeJS.Signals): void
  stop(): Promise<void>
}

export async function startProcess(options: {
  readonly name: string
  /** Of Node: its options and the script. */
  readonly args: readonly string[]
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
}): Promise<BenchProcess> {
  const log = await open(join(options.folder, `${options.name}.log`), 'a')
  const child = spawn(process.execPath, options.args, {
    env: { ...inheritedEnvironment, ...options.env },
    cwd: options.folder,
    stdio: ['ignore', log.fd, log.fd],
  })
  await once(child, 'spawn')
  await log.close()
  const { pid } = child
  if (pid === undefined) throw new Error(`${options.name} did not start.`)
  const ended = once(child, 'exit')
  return {
    name: options.name,
    pid,
    signal: (signal) => child.kill(signal),
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGTERM')
      // One that is held would not hear of it.
      child.kill('SIGCONT')
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX)
      await ended
      clearTimeout(timer)
    },
  }
}

/** Seconds of processor time that a process has used; NaN where /proc does not show it (another machine, or gone). */
export function cpuSeconds(pid: number): number {
  const stat = readProc(`/proc/${pid}/stat`)
  // The name in parentheses may hold spaces; utime and stime are the 12th and 13th field behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

/** Resident memory in MB (10^6 bytes). */
export function residentMb(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readProc(`/proc/${pid}/status`))?.[1]
  return (Number(kib) * 1_024) / 1e6
}

function readProc(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // Not Linux, a broker on another machine, or a process that has ended: shown as NaN.
  }
}
