import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { OwnedBroker } from '../broker/found-broker.ts'
import { nodeEnvironment } from '../broker/node-files.ts'
import { readNodeState } from '../broker/node-state.ts'
import { findNodeUser } from '../broker/node-user.ts'
import { amqpUrlOf, bootNode, choosePorts, managementUrlOf, type NodePlace } from '../broker/private-node.ts'
import { isAlive, signalGroup, signalProcess } from '../processes.ts'
import { type Management, openManagement } from './management.ts'

const run = promisify(execFile)

/** Queue lengths every second instead of every five, so that waiting until all is quiet takes less. */
const STATISTICS_MS = 1_000
const CONTROL_MS_MAX = 60_000

/** A RabbitMQ node that nobody else uses, and what can be done to it. */
export type ChaosNode = {
  readonly amqpUrl: string
  readonly managementUrl: string
  readonly management: Management
  /** For a supervisor, which starts it again when it dies. */
  readonly owned: OwnedBroker
  /** Undefined between two lives. */
  pid(): number | undefined
  /** Every process that it has been, as far as it was struck. */
  readonly pids: readonly number[]
  /** These tell whether there was a node to get it. */
  kill(): boolean
  pause(): boolean
  goOn(): boolean
  /** Whether `alarm` can be used. */
  readonly hasControl: boolean
  /** Sets the memory alarm, or takes it back. */
  alarm(isOn: boolean): Promise<void>
}

export async function bootChaosNode(place: NodePlace, signal: AbortSignal): Promise<ChaosNode> {
  const { folder, program, path } = place
  mkdirSync(join(folder, 'conf.d'), { recursive: true })
  writeFileSync(join(folder, 'conf.d', '90-chaos.conf'), `collect_statistics_interval = ${STATISTICS_MS}\n`)
  const ports = await choosePorts({})
  const running = await bootNode(place, ports, signal)
  const pids = new Set<number>()
  const pid = () => {
    const found = readNodeState(folder)?.pid
    if (found === undefined || found === 0 || !isAlive(found)) return undefined
    pids.add(found)
    return found
  }
  const send = (to: (pid: number, signal: NodeJS.Signals) => void, what: NodeJS.Signals) => {
    const found = pid()
    if (found !== undefined) to(found, what)
    return found !== undefined
  }
  pid()
  const controlProgram = join(dirname(program), 'rabbitmqctl')
  const user = findNodeUser(folder)
  const control = (...args: readonly string[]) =>
    run(controlProgram, [...args], {
      cwd: folder,
      env: nodeEnvironment(folder, ports, path),
      timeout: CONTROL_MS_MAX,
      ...user,
    })
  return {
    amqpUrl: amqpUrlOf(ports),
    managementUrl: managementUrlOf(ports),
    management: openManagement(managementUrlOf(ports)),
    owned: { running, restart: (stopping) => bootNode(place, ports, stopping) },
    pid,
    get pids() {
      return [...pids]
    },
    kill: () => send(signalGroup, 'SIGKILL'),
    pause: () => send(signalProcess, 'SIGSTOP'),
    goOn: () => send(signalProcess, 'SIGCONT'),
    hasControl: existsSync(controlProgram),
    async alarm(isOn) {
      // A share of the machine's memory: the first is above nothing, the second out of reach for a node that holds so little.
      await control('set_vm_memory_high_watermark', isOn ? '0.00001' : '0.4')
    },
  }
}
