import { appendFileSync } from 'node:fs'
import { signalProcess } from '../processes.ts'
import { describeExit, type Exit, type Startable } from '../running.ts'
import { type ServiceProcess, startService } from '../service-process.ts'
import type { ProcessName } from './faults.ts'

/** How a process ended: because it was struck, in order because it was asked, or by itself, which must not be. */
export type Death = { readonly name: string; readonly atMs: number; readonly how: string; readonly isMeant: boolean }

/** A service that is started again whenever it dies, under the same name. */
export type WatchedProcess = Startable & {
  readonly name: ProcessName
  /** Undefined between two lives. */
  readonly pid: number | undefined
  /** Every process that it has been. */
  readonly pids: readonly number[]
  readonly deaths: readonly Death[]
  readonly logFile: string
  /** Sends a signal; whether there was somebody to get it. An end by SIGKILL, or by SIGTERM in order, is meant then. */
  signal(signal: NodeJS.Signals): boolean
}

export type Watch = {
  readonly name: ProcessName
  readonly service: Omit<ServiceProcess, 'name' | 'output'>
  readonly logFile: string
  /** The whole system is stopping, so that an end in order is meant. */
  readonly isStopping: () => boolean
}

export function watchedProcess({ name, service, logFile, isStopping }: Watch): WatchedProcess {
  const pids: number[] = []
  const deaths: Death[] = []
  const asked = new Map<number, Set<NodeJS.Signals>>()
  let pid: number | undefined
  const isMeant = (of: number, { code, signal }: Exit) => {
    const signals = asked.get(of)
    if (signal === 'SIGKILL') return signals?.has('SIGKILL') === true
    return code === 0 && (isStopping() || signals?.has('SIGTERM') === true)
  }
  return {
    name,
    pids,
    deaths,
    logFile,
    get pid() {
      return pid
    },
    signal(signal) {
      if (pid === undefined) return false
      asked.set(pid, (asked.get(pid) ?? new Set()).add(signal))
      signalProcess(pid, signal)
      return true
    },
    async start() {
      const running = await startService({ ...service, name, output: (chunk) => appendFileSync(logFile, chunk) })
      pid = running.pid
      pids.push(running.pid)
      running.exited.then((exit) => {
        pid = undefined
        const how = describeExit(exit)
        appendFileSync(logFile, `--- ${how}\n`)
        deaths.push({ name, atMs: Date.now(), how, isMeant: isMeant(running.pid, exit) })
      })
      return running
    },
  }
}
