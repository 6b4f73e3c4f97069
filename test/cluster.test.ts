import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Cluster, ClusterNode } from '../scripts/broker/cluster.ts'
import type { ServiceName } from '../scripts/services.ts'
import { topologyPlan } from '../shared/topology.ts'
import { leadersOf, rebalance, replicatedQueues, runningNodes, testCluster } from './support/cluster.ts'
import { startMixedLoad } from './support/mixed-load.ts'
import { hasRabbitmqServer } from './support/private-broker.ts'
import { expectQueues, TASKS_PER_OBJECT } from './support/settled.ts'
import { type System, startSystem } from './support/system.ts'
import { testVhost } from './support/vhost.ts'
import { waitUntil } from './support/wait-until.ts'

const services = ['distributor', 'processor', 'hub', 'statistics', 'gateway', 'processor'] as const
const planned = topologyPlan('quorum')
  .queues.map(({ name }) => name)
  .toSorted()
/** A node that comes back, and what has waited for it, on a busy machine. */
const WITHIN_MS = 90_000

/** Resolves when 30 more tasks are finished: the system works, or works again. */
async function progress(system: System): Promise<void> {
  const { tasks_finished: before } = await system.statistics()
  await waitUntil(async () => (await system.statistics()).tasks_finished >= before + 30, WITHIN_MS)
}

describe.runIf(hasRabbitmqServer)('a cluster of three nodes', () => {
  let cluster: Cluster

  beforeAll(async () => {
    cluster = await testCluster()
  })
  afterAll(async () => {
    await cluster[Symbol.asyncDispose]()
  })

  const named = (name: string | undefined) => {
    const found = cluster.nodes.find((node) => node.name === name)
    if (!found) throw new Error(`There is no node ${name}.`)
    return found
  }
  const besides = (one: ClusterNode) => {
    const [first, second] = cluster.nodes.filter((node) => node !== one)
    if (!first || !second) throw new Error('Three nodes are needed.')
    return [first, second] as const
  }
  const leading = async (asked: ClusterNode, vhost: string) => named((await leadersOf(asked, vhost))[0]?.[0])
  const untilAllRun = () =>
    waitUntil(async () => {
      for (const node of cluster.nodes) expect(await runningNodes(node)).toHaveLength(cluster.nodes.length)
    }, WITHIN_MS)

  test('D2, D4: its leader killed, leaders moved, a node cut off, two of three gone: all that was accepted ends, once', {
    timeout: 400_000,
  }, async () => {
    const [first] = cluster.nodes
    if (!first) throw new Error('There is no node.')
    const vhost = await testVhost(first)
    const urlFrom = (node: ClusterNode) => inVhost(cluster.amqpUrlFrom(node), vhost.name)
    await using system = await startSystem({ vhost, services: [] })
    const start = (service: ServiceName, i: number) =>
      system.start(service, { EBS_AMQP_URL: urlFrom(cluster.nodes[i % cluster.nodes.length] ?? first) })
    // It declares some hundred queues with three replicas each; the others find them there.
    await start('datagen', 0)
    await Promise.all(services.map((service, i) => start(service, i + 1)))
    await using load = startMixedLoad(system, urlFrom(first))
    await progress(system)
    await waitUntil(async () => {
      const queues = await replicatedQueues(first, vhost.name)
      expect(queues.map(({ name }) => name).toSorted()).toEqual(planned)
      for (const { name, members } of queues) expect(members, name).toHaveLength(cluster.nodes.length)
    })

    const busiest = await leading(first, vhost.name)
    await busiest.kill()
    await progress(system)
    await busiest.boot()
    await untilAllRun()
    await progress(system)

    // It leads nothing any more.
    await rebalance(first)
    await progress(system)
    await waitUntil(async () => {
      const leaders = new Map(await leadersOf(first, vhost.name))
      for (const { name } of cluster.nodes) expect(leaders.get(name), name).toBeGreaterThan(20)
    }, WITHIN_MS)

    const cutOff = await leading(first, vhost.name)
    const [other, another] = besides(cutOff)
    cutOff.suspend()
    await waitUntil(async () => expect(await runningNodes(other)).not.toContain(cutOff.name))
    await progress(system)
    cutOff.resume()
    await untilAllRun()
    await progress(system)

    await Promise.all([other.kill(), another.kill()])
    const { accepted, refusals } = load
    // Nobody tells datagen to wait: what it accepts lies in its outbox. What the gateway accepts is confirmed by the broker.
    await waitUntil(() => load.accepted.objects >= accepted.objects + 30)
    expect(load.accepted.flows).toBeLessThanOrEqual(accepted.flows + 1)
    await waitUntil(() => load.refusals > refusals)
    await Promise.all([other.boot(), another.boot()])
    await untilAllRun()
    await progress(system)

    const { objects, flows, groups } = await load.stop()
    const tasks = objects * TASKS_PER_OBJECT
    const ends = { objects_completed: objects, objects_failed: 0, tasks_finished: tasks, tasks_in_progress: 0 }
    await waitUntil(async () => expect(await system.statistics()).toMatchObject(ends), WITHIN_MS)
    await expectQueues(system, {})
    const { FLOW_SUCCEEDED = 0, FLOW_FAILED = 0, ...events } = await system.events()
    expect(events).toMatchObject({
      ...{ OBJECT_CREATED: objects, TASK_CREATED: tasks, TASK_FINISHED: tasks, OBJECT_COMPLETED: objects },
      EventGroupCollectorSuccess: groups,
    })
    // The deadline of a flow does not wait for the broker.
    expect(FLOW_SUCCEEDED + FLOW_FAILED).toBe(flows)
    expect(FLOW_SUCCEEDED).toBeGreaterThan(0)
  })
})

/** The heartbeat finds within 4 s that a node is silent, instead of 20. */
const inVhost = (urls: string, vhost: string) =>
  urls
    .split(',')
    .map((url) => `${url}/${vhost}?heartbeat=2`)
    .join(',')
