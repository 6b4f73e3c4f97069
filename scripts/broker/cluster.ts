import { randomInt, randomUUID } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { signalProcess } from '../processes.ts'
import type { Running } from '../running.ts'
import { type NodePorts, readNodeState } from './node-state.ts'
import { amqpUrlOf, bootNode, choosePorts, managementUrlOf, type NodePlace } from './private-node.ts'

/** The least that goes on when one of them is gone. */
const NODES = 3

/** Nodes tick every quarter of it: one that says nothing is down after 3 to 5 s, instead of 45 to 75. */
const NET_TICK_S = 4

/**
 * Below the ports that Linux gives to connections (from 32768 on): one of these would sooner or later have the port of a node that is
 * away, which then could not come back.
 */
const PORTS = { from: 20_000, to: 32_000 } as const

/** One node of a cluster. It can be ended and booted again on the same ports with the same data. */
export type ClusterNode = {
  /** As RabbitMQ's commands and its management API call it. */
  readonly name: string
  readonly amqpUrl: string
  /** With user and password. */
  readonly managementUrl: string
  /** Resolves when it takes connections. Of several that were down, some wait for the others. */
  boot(): Promise<void>
  /** Asks it to stop. */
  stop(): Promise<void>
  /** SIGKILL. */
  kill(): Promise<void>
  /** SIGSTOP: it says nothing more, and its connections stay open, as when the network or the machine hangs. */
  suspend(): void
  resume(): void
}

/** Several private nodes on one machine, with one store of exchanges, queues and users. */
export type Cluster = AsyncDisposable & {
  readonly nodes: readonly ClusterNode[]
  /** The urls of all nodes, beginning with one of them. */
  amqpUrlFrom(first: ClusterNode): string
  /** Stops them in order, one after the other. */
  stop(): Promise<void>
  /** All at once, also those that are suspended. */
  kill(): Promise<void>
}

export type ClusterPlace = Pick<NodePlace, 'folder' | 'program' | 'path'> & {
  /** More lines of `rabbitmq.conf`. */
  readonly settings?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

/** Boots a cluster of private nodes side by side, in folders of one folder. Rejects, with nothing left running, when one does not come up. */
export async function openCluster({ settings = {}, signal, ...place }: ClusterPlace): Promise<Cluster> {
  const numbers = Array.from({ length: NODES }, (_, i) => i + 1)
  const names = numbers.map((number) => `ebs${number}@localhost`)
  // On one machine they find each other by one port mapper.
  const firstPort = randomInt(PORTS.from, PORTS.to)
  const { epmd } = await choosePorts({ epmd: firstPort })
  const cookie = randomUUID()
  const nodes: ClusterNode[] = []
  for (const [i, name] of names.entries()) {
    const folder = join(place.folder, `node-${i + 1}`)
    const base = firstPort + 3 * i
    const ports = { ...(await choosePorts({ amqp: base + 1, management: base + 2, distribution: base + 3 })), epmd }
    writeClusterFiles(folder, { names, cookie, settings })
    nodes.push(clusterNode({ ...place, folder, name }, ports, signal ?? new AbortController().signal))
  }
  const kill = async () => {
    await Promise.all(nodes.map((node) => node.kill()))
  }
  const booted = await Promise.allSettled(nodes.map((node) => node.boot()))
  const failed = booted.find((one) => one.status === 'rejected')
  if (failed) {
    await kill()
    throw failed.reason
  }
  return {
    nodes,
    amqpUrlFrom: (first) => [first, ...nodes.filter((node) => node !== first)].map(({ amqpUrl }) => amqpUrl).join(','),
    async stop() {
      for (const node of nodes) await node.stop()
    },
    kill,
    [Symbol.asyncDispose]: kill,
  }
}

function clusterNode(place: NodePlace & { readonly name: string }, ports: NodePorts, signal: AbortSignal): ClusterNode {
  let running: Running | undefined
  const send = (what: NodeJS.Signals) => {
    const pid = readNodeState(place.folder)?.pid
    if (pid === undefined) throw new Error(`${place.name} does not run.`)
    signalProcess(pid, what)
  }
  const end = async (how: 'stop' | 'kill') => {
    await running?.[how]()
    running = undefined
  }
  return {
    name: place.name,
    amqpUrl: amqpUrlOf(ports),
    managementUrl: managementUrlOf(ports),
    async boot() {
      running = await bootNode(place, ports, signal)
    },
    stop: () => end('stop'),
    kill: () => end('kill'),
    suspend: () => send('SIGSTOP'),
    resume: () => send('SIGCONT'),
  }
}

type Membership = {
  readonly names: readonly string[]
  readonly cookie: string
  readonly settings: Readonly<Record<string, string>>
}

/** What makes a node a member: the names of all, and the secret that they share. Blank nodes that start side by side find each other by it. */
function writeClusterFiles(folder: string, { names, cookie, settings }: Membership): void {
  const members = names.map((name, i) => [`cluster_formation.classic_config.nodes.${i + 1}`, name] as const)
  const lines = Object.entries({
    'cluster_formation.peer_discovery_backend': 'classic_config',
    // The first that looks finds nobody: it begins alone, and the others join it. By default it looks for 5 s.
    'cluster_formation.discovery_retry_limit': '1',
    ...Object.fromEntries(members),
    // On 3.10 nodes that paused themselves were seen to stay away or apart (docs/operating.md); 4.3 ignores it.
    cluster_partition_handling: 'autoheal',
    net_ticktime: String(NET_TICK_S),
    ...settings,
  })
  for (const name of ['home', 'conf.d']) mkdirSync(join(folder, name), { recursive: true })
  writeFileSync(join(folder, 'conf.d', '50-cluster.conf'), lines.map(([key, value]) => `${key} = ${value}\n`).join(''))
  // Erlang reads it only when nobody else can.
  writeFileSync(join(folder, 'home', '.erlang.cookie'), cookie, { mode: 0o400 })
}
