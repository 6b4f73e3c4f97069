import { mkdirSync } from 'node:fs'
import { isAlive } from '../processes.ts'
import { say, showProgress } from '../progress.ts'
import type { Running } from '../running.ts'
import type { FoundBroker } from './found-broker.ts'
import {
  claimNodeState,
  isNodeAlive,
  type NodePorts,
  type NodeState,
  readNodeState,
  removeNodeState,
} from './node-state.ts'
import {
  adoptNode,
  amqpUrlOf,
  bootNode,
  choosePorts,
  managementUrlOf,
  type NodePlace,
  removeLeftover,
} from './private-node.ts'

/** Starts a private node, on the preferred ports where these are free. Its data stays in the folder between runs. */
export async function openNode(
  place: NodePlace,
  preferred: Partial<NodePorts>,
  signal: AbortSignal,
): Promise<FoundBroker> {
  const { folder } = place
  mkdirSync(folder, { recursive: true })
  const old = readNodeState(folder)
  if (old && isOwned(old))
    throw new Error(`Process ${old.owner} is starting a node in ${folder}. Try again in a moment.`)
  if (old) await removeLeftover(folder, old)
  const ports = await choosePorts(preferred)
  if (!claimNodeState(folder, { pid: 0, owner: process.pid, ports })) {
    throw new Error(`Another process is starting a node in ${folder}. Try again in a moment.`)
  }
  try {
    const title = `starting RabbitMQ, a private node in ${folder}`
    say(title)
    const running = await showProgress(title, bootNode(place, ports, signal))
    return foundNode(place, ports, running)
  } catch (error) {
    removeNodeState(folder)
    throw error
  }
}

/** The node of this folder that is running without having been started by this process; undefined when there is none. */
export function findLeftover(folder: string): NodeState | undefined {
  const state = readNodeState(folder)
  return state && isNodeAlive(state) ? state : undefined
}

/**
 * Takes over a node whose supervisor was killed. One whose supervisor lives is used, but neither restarted nor stopped.
 * Undefined when it does not answer any more.
 */
export async function takeLeftover(
  place: NodePlace,
  state: NodeState,
  signal: AbortSignal,
): Promise<FoundBroker | undefined> {
  const { ports, owner } = state
  if (isOwned(state)) {
    say(`using the private node of the ebs that runs as process ${owner}`)
    return { amqpUrl: amqpUrlOf(ports), managementUrl: managementUrlOf(ports), isUp: true }
  }
  const title = `taking over the private RabbitMQ node that process ${owner} left running`
  say(title)
  const running = await showProgress(title, adoptNode(place.folder, state, signal))
  return running && foundNode(place, ports, running)
}

const isOwned = ({ owner }: NodeState) => owner !== process.pid && isAlive(owner)

const foundNode = (place: NodePlace, ports: NodePorts, running: Running): FoundBroker => ({
  amqpUrl: amqpUrlOf(ports),
  managementUrl: managementUrlOf(ports),
  isUp: true,
  owned: { running, restart: (signal) => bootNode(place, ports, signal) },
})
