import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { SetUpConfig } from './config.ts'
import { signalGroup, signalProcess } from './processes.ts'
import type { Exit, Running, Startable } from './running.ts'
import type { ServiceName } from './services.ts'

/** Beyond the time that a service gives itself to stop, before it is killed. */
const STOP_MARGIN_MS = 2_000

/**
 * V8 lets its heap grow in proportion to what it may become, a quarter of the machine by default. What a service holds is bounded by
 * prefetch and body size and far below this; with it a service stays below 150 MB under load. The space for young objects, which V8 would cut
 * along with it, keeps its usual size (docs/performance.md).
 */
export const serviceNodeFlags = ['--max-old-space-size=256', '--max-semi-space-size=16']

export type ServiceProcess = {
  readonly name: string
  /** The compiled `main.js`. */
  readonly program: string
  /** The project's folder: its working directory. */
  readonly root: string
  readonly env: NodeJS.ProcessEnv
  /** How long it may take to stop before it is killed. */
  readonly stopMsMax: number
  /** Gets what it writes, stderr too; missing: it has our output. */
  readonly output?: ((chunk: Buffer) => void) | undefined
}

/** One of the project's services, with these variables. */
export const compiledService = (
  { root, shutdownTimeoutMs }: Pick<SetUpConfig, 'root' | 'shutdownTimeoutMs'>,
  name: ServiceName,
  env: NodeJS.ProcessEnv,
): ServiceProcess => ({
  name,
  program: join(root, 'dist', 'services', name, 'main.js'),
  root,
  env,
  stopMsMax: shutdownTimeoutMs + STOP_MARGIN_MS,
})

/**
 * A service as a process of its own, with our output. It hears of our death by the closing of its channel to us, and stops; a
 * Ctrl-C on the terminal does not reach it, because it is in a process group of its own: whoever started it stops it in order.
 */
export const serviceProcess = (service: ServiceProcess): Startable => ({
  name: service.name,
  start: () => startService(service),
})

/** Starts it once. Rejects when Node could not be run. */
export async function startService(service: ServiceProcess): Promise<Running & { readonly pid: number }> {
  const { program, root, env, stopMsMax, output } = service
  const written = output ? 'pipe' : 'inherit'
  const child = spawn(process.execPath, [...serviceNodeFlags, program], {
    cwd: root,
    env,
    stdio: ['ignore', written, written, 'ipc'],
    detached: true,
  })
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => output?.(chunk))
  let isGone = false
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => {
      isGone = true
      resolve({ code, signal })
    })
  })
  await once(child, 'spawn')
  const pid = child.pid ?? 0
  const kill = async () => {
    if (!isGone) signalGroup(pid, 'SIGKILL')
    await exited
  }
  const stop = async () => {
    if (!isGone) signalProcess(pid, 'SIGTERM')
    const timer = setTimeout(kill, stopMsMax)
    await exited
    clearTimeout(timer)
  }
  return { pid, exited, stop, kill }
}
