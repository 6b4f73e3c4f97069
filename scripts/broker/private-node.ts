import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { probeAmqp } from '../../shared/bus/probe.ts'
import { isAlive, signalGroup, signalProcess } from '../processes.ts'
import { describeExit, type Exit, type Running } from '../running.ts'
import { stopEpmd } from './epmd.ts'
import { findFreePort } from './free-port.ts'
import { isManagementUp } from './management.ts'
import { lastWords, nodeEnvironment, openConsoleLog, writeNodeFiles } from './node-files.ts'
import {
  isNodeAlive,
  type NodePorts,
  type NodeState,
  readNodeState,
  removeNodeState,
  writeNodeState,
} from './node-state.ts'
import { findNodeUser, giveTo } from './node-user.ts'

/** A node boots in 5 to 8 s; on a busy machine with a lot of data it takes longer. */
const BOOT_MS_MAX = 120_000
const STOP_MS_MAX = 20_000 // a stop under load takes 2 to 5 s
const ASK_AGAIN_MS = 1_000 // in the first moments of its boot a node does not hear SIGTERM
const POLL_MS = 100

/** Where a private node lives and what runs it. */
export type NodePlace = {
  readonly folder: string
  /** The `rabbitmq-server` to run. */
  readonly program: string
  /** Folders with programs, for `erl`. */
  readonly path: readonly string[]
  /** Missing: the one of a node that stands alone. */
  readonly name?: string
}

export const amqpUrlOf = (ports: NodePorts) => `amqp://guest:guest@127.0.0.1:${ports.amqp}`
export const managementUrlOf = (ports: NodePorts) => `http://guest:guest@127.0.0.1:${ports.management}`

/** Ports for a node: the preferred ones where they are free. */
export async function choosePorts(preferred: Partial<NodePorts>): Promise<NodePorts> {
  const amqp = await findFreePort(preferred.amqp)
  const management = await findFreePort(preferred.management, [amqp])
  const distribution = await findFreePort(preferred.distribution, [amqp, management])
  const epmd = await findFreePort(preferred.epmd, [amqp, management, distribution])
  return { amqp, management, distribution, epmd }
}

/**
 * Starts a node and resolves when it takes connections and its management API answers. Its data stays in the folder between
 * runs. Rejects, with nothing left running, when it does not come up or the signal says stop.
 */
export async function bootNode(place: NodePlace, ports: NodePorts, signal: AbortSignal): Promise<Running> {
  signal.throwIfAborted()
  const { folder, program, path, name } = place
  mkdirSync(folder, { recursive: true })
  writeNodeFiles(folder, ports)
  using output = openConsoleLog(folder)
  const user = findNodeUser(folder)
  if (user) giveTo(folder, user)
  // A process group of its own: Ctrl-C on the terminal reaches the supervisor only, which stops the services first.
  const child = spawn(program, [], {
    cwd: folder,
    env: { ...nodeEnvironment(folder, ports, path), ...(name !== undefined && { RABBITMQ_NODENAME: name }) },
    stdio: ['ignore', output.fd, output.fd],
    detached: true,
    ...user,
  })
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, exitSignal) => resolve({ code, signal: exitSignal }))
  })
  // Rejects when the program could not be run.
  await once(child, 'spawn')
  const state: NodeState = { pid: child.pid ?? 0, owner: process.pid, ports }
  writeNodeState(folder, state)
  const running = runningNode(folder, state, exited)
  try {
    await untilReady(ports, exited, signal)
    return running
  } catch (error) {
    await running.stop()
    if (signal.aborted) throw error
    throw new Error(`${program} did not come up.\n${lastWords(folder)}\nIts logs are in ${folder}/log.`, {
      cause: error,
    })
  }
}

/** Takes over a node that outlived its supervisor; undefined when it does not answer in time, and then it is gone. */
export async function adoptNode(folder: string, found: NodeState, signal: AbortSignal): Promise<Running | undefined> {
  const state = { ...found, owner: process.pid }
  writeNodeState(folder, state)
  const running = runningNode(folder, state, untilGone(state.pid))
  try {
    await untilReady(state.ports, running.exited, signal)
    return running
  } catch (error) {
    await running.stop()
    if (signal.aborted) throw error
    return undefined
  }
}

/** Ends what is left of a node whose supervisor is gone: the node, if it still runs, and its port mapper. */
export async function removeLeftover(folder: string, state: NodeState): Promise<void> {
  if (isNodeAlive(state)) await runningNode(folder, state, untilGone(state.pid)).stop()
  else await forget(folder, state)
}

function runningNode(folder: string, state: NodeState, exited: Promise<Exit>): Running {
  let isGone = false
  exited.then(() => {
    isGone = true
  })
  // Once it is gone its number may be a stranger's.
  const kill = () => isGone || signalGroup(state.pid, 'SIGKILL')
  const over = async () => {
    await exited
    await forget(folder, state)
  }
  return {
    exited,
    stop: async () => {
      const ask = () => isGone || signalProcess(state.pid, 'SIGTERM')
      ask()
      const again = setInterval(ask, ASK_AGAIN_MS)
      const timer = setTimeout(kill, STOP_MS_MAX)
      await over().finally(() => {
        clearInterval(again)
        clearTimeout(timer)
      })
    },
    kill: async () => {
      kill()
      await over()
    },
  }
}

async function forget(folder: string, { ports }: NodeState): Promise<void> {
  await stopEpmd(ports.epmd)
  removeNodeState(folder)
}

async function untilReady(ports: NodePorts, exited: Promise<Exit>, signal: AbortSignal): Promise<void> {
  const until = Date.now() + BOOT_MS_MAX
  let exit: Exit | undefined
  exited.then((how) => {
    exit = how
  })
  for (;;) {
    signal.throwIfAborted()
    if (exit) throw new Error(`It ended: ${describeExit(exit)}.`)
    if ((await probeAmqp(amqpUrlOf(ports))) === 'ok' && (await isManagementUp(managementUrlOf(ports)))) return
    if (Date.now() > until) throw new Error(`It did not answer within ${BOOT_MS_MAX / 1000} s.`)
    await Promise.race([exited, sleep(POLL_MS, undefined, { signal })])
  }
}

/** For a process that is not our child, and so does not tell us. */
async function untilGone(pid: number): Promise<Exit> {
  while (isAlive(pid)) await sleep(POLL_MS)
  return { code: null, signal: null }
}

/** Ends the folder's node at once if this process supervises it, however far it has come. */
export async function killOwnNode(folder: string): Promise<void> {
  const state = readNodeState(folder)
  if (state?.owner !== process.pid || state.pid === 0) return
  await runningNode(folder, state, untilGone(state.pid)).kill()
}
