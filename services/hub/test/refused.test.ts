import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { connectAmqp } from '../../../shared/bus/amqp-broker.ts'
import type { Broker } from '../../../shared/bus/broker.ts'
import { parseEvent, toMessage } from '../../../shared/bus/envelope.ts'
import { newId } from '../../../shared/bus/ids.ts'
import { connectService } from '../../../shared/bus/service-bus.ts'
import type { Body } from '../../../shared/events.ts'
import { startService } from '../../../shared/service/lifecycle.ts'
import { topologyPlan } from '../../../shared/topology.ts'
import { type TestVhost, testVhost } from '../../../test/support/vhost.ts'
import { hub } from '../service.ts'
import { doneBody, groupBody } from './hub-fixture.ts'

const SUCCESS = 'eventbus-collector.success'
const GROUPS = 12
/** A publish is refused for some 3 s before the relay learns of it, and each further try is, too. */
const within = { timeout: 20_000 }

/** Somebody's own queue, which has room for one message and refuses all others. */
async function bindFullQueue(vhost: TestVhost, queue: string, key: string): Promise<void> {
  await vhost.management('PUT', `/api/queues/${vhost.name}/${queue}`, {
    durable: true,
    arguments: { 'x-max-length': 1, 'x-overflow': 'reject-publish' },
  })
  await vhost.management('POST', `/api/bindings/${vhost.name}/e/ebs/q/${queue}`, { routing_key: key })
}

/** Ids of the groups whose end comes to this queue, each once, in the order in which they come first. */
async function endsIn(broker: Broker, queue: string, type: Body['type']): Promise<ReadonlySet<string>> {
  const ends = new Set<string>()
  await broker.consume(queue, { prefetch: 100 }, (delivery) => {
    const parsed = parseEvent(delivery.message)
    if ('data' in parsed && parsed.data.type === type && 'id' in parsed.data) ends.add(parsed.data.id)
    delivery.ack()
  })
  return ends
}

test('D2: a full queue that somebody bound to one key holds up what goes to that key, and nothing else', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ebs-hub-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await using vhost = await testVhost()
  const someone = connectAmqp(vhost.url, { service: 'someone', plan: topologyPlan('quorum') })
  onTestFinished(() => someone.close())
  await someone.ready()
  const say = (body: Body) => {
    const id = newId(Date.now())
    return someone.publish(toMessage(body, { id, service: 'someone', correlationId: id, atMs: Date.now() }))
  }
  const env = { EBS_HUB_PORT: '0', EBS_DATA_DIR: folder, EBS_LOG_LEVEL: 'silent', EBS_AMQP_URL: vhost.url }
  const service = await startService(hub, {
    env: { ...env, EBS_AMQP_MANAGEMENT_URL: vhost.managementUrl },
    connect: connectService,
  })
  onTestFinished(async () => void (await service.stop()))
  const refusedRows = async () => {
    const text = await (await fetch(`${service.url}/metrics`)).text()
    return Number(/^ebs_outbox_refused (\d+)$/m.exec(text)?.[1])
  }
  await bindFullQueue(vhost, 'theirs', SUCCESS)
  const failures = await endsIn(someone, 'statistics', 'EventGroupCollectorFailure')
  const ids = Array.from({ length: GROUPS }, (_, at) => `g${at}`)

  for (const id of ids) await say(groupBody(id, ['a']))
  for (const id of ids) await say(doneBody(id, 'a'))
  await expect.poll(refusedRows, within).toBe(GROUPS - 1)
  const later = Array.from({ length: GROUPS }, (_, at) => `later${at}`)
  for (const id of later) await say(groupBody(id, ['a'], 0.05))

  await expect.poll(() => [...failures].toSorted(), within).toEqual(later.toSorted())
  expect(await refusedRows()).toBe(GROUPS - 1)
  const successes = await endsIn(someone, 'theirs', 'EventGroupCollectorSuccess')
  await expect.poll(refusedRows, within).toBe(0)
  await expect.poll(() => [...successes], within).toEqual(ids)
}, 60_000)
