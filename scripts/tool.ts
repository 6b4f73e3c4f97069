import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { signalGroup } from './processes.ts'

/** vitest stops its workers within a second or two; what hangs is killed. */
const STOP_MS_MAX = 10_000

export type Tool = {
  /** JavaScript file and its arguments. */
  readonly command: readonly string[]
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  readonly signal: AbortSignal
}

/**
 * Runs a tool of node_modules with our output, in a process group of its own, so that it and all that it started can be
 * stopped. Resolves with its exit status; a tool that was stopped counts as failed.
 */
export async function runTool({ command, cwd, env, signal }: Tool): Promise<number> {
  if (signal.aborted) return 1
  const child = spawn(process.execPath, command, { cwd, env, stdio: ['ignore', 'inherit', 'inherit'], detached: true })
  await once(child, 'spawn')
  const pid = child.pid ?? 0
  let timer: NodeJS.Timeout | undefined
  const stop = () => {
    signalGroup(pid, 'SIGTERM')
    timer = setTimeout(() => signalGroup(pid, 'SIGKILL'), STOP_MS_MAX)
  }
  signal.addEventListener('abort', stop, { once: true })
  const [code] = await once(child, 'exit')
  signal.removeEventListener('abort', stop)
  clearTimeout(timer)
  return typeof code === 'number' ? code : 1
}
