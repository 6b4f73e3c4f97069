import { once } from 'node:events'
import { chmodSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { type Cluster, type ClusterNode, openCluster } from '../../scripts/broker/cluster.ts'
import { findRabbitmqServer } from '../../scripts/broker/programs.ts'
import { searchPath } from './config.ts'
import { startGuard } from './private-broker.ts'
import { call } from './vhost.ts'

/** A cluster that belongs to the tests of a file, in a folder of its own; on disposal it is killed and the folder removed. */
export async function testCluster(): Promise<Cluster> {
  const path = searchPath()
  const program = findRabbitmqServer(path)
  if (program === undefined) throw new Error('This machine has no rabbitmq-server.')
  const folder = mkdtempSync(join(tmpdir(), 'ebs-cluster-'))
  // The user that the nodes run as must get there.
  chmodSync(folder, 0o755)
  const guard = startGuard(folder)
  const letGo = async () => {
    guard.stdin.end()
    await once(guard, 'exit')
  }
  try {
    const cluster = await openCluster({ folder, program, path })
    return {
      ...cluster,
      async [Symbol.asyncDispose]() {
        await cluster.kill()
        await letGo()
      },
    }
  } catch (error) {
    await letGo()
    throw error
  }
}

const queue = z.object({
  name: z.string(),
  type: z.string(),
  /** Missing while a queue has none. */
  leader: z.string().optional(),
  members: z.array(z.string()).optional(),
})

/** Replicated queues of a virtual host, streams too, as a node knows them. */
export async function replicatedQueues(node: ClusterNode, vhost: string): Promise<z.output<typeof queue>[]> {
  const queues = z.array(queue).parse(await call(node.managementUrl, { ...get, path: `/api/queues/${vhost}` }))
  return queues.filter(({ type }) => type === 'quorum' || type === 'stream')
}

/** How many queues each node leads, the most first; nodes that lead none are not among them. */
export async function leadersOf(node: ClusterNode, vhost: string): Promise<readonly [name: string, count: number][]> {
  const counts = new Map<string, number>()
  for (const { leader } of await replicatedQueues(node, vhost))
    if (leader) counts.set(leader, (counts.get(leader) ?? 0) + 1)
  return [...counts].sort(([, one], [, other]) => other - one)
}

const member = z.object({ name: z.string(), running: z.boolean() })

/** Names of the nodes that run, as one of them sees it. */
export async function runningNodes(node: ClusterNode): Promise<readonly string[]> {
  const members = z.array(member).parse(await call(node.managementUrl, { ...get, path: '/api/nodes' }))
  return members.flatMap(({ name, running }) => (running ? [name] : []))
}

/** Moves leaders until each node leads as many queues as any other. */
export const rebalance = (node: ClusterNode) =>
  call(node.managementUrl, { method: 'POST', path: '/api/rebalance/queues', body: {} })

const get = { method: 'GET', body: undefined } as const
