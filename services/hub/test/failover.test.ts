import { mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parseEvent, toMessage } from '../../../shared/bus/envelope.ts'
import { newId } from '../../../shared/bus/ids.ts'
import { MemoryBroker } from '../../../shared/bus/memory-broker.ts'
import type { Body } from '../../../shared/events.ts'
import { startService } from '../../../shared/service/lifecycle.ts'
import { topologyPlan } from '../../../shared/topology.ts'
import { hub } from '../service.ts'
import { doneBody, groupBody } from './hub-fixture.ts'

/** A hub with two stores on a broker in memory, and someone on the bus beside it. */
async function hubWithTwoStores() {
  const folder = await mkdtemp(join(tmpdir(), 'ebs-hub-'))
  const broker = new MemoryBroker()
  const link = broker.connect({ service: 'someone', plan: topologyPlan('quorum') })
  await link.ready()
  const heard: Body[] = []
  await link.consume('statistics', { prefetch: 100 }, (delivery) => {
    const parsed = parseEvent(delivery.message)
    if ('data' in parsed) heard.push(parsed.data)
    delivery.ack()
  })
  const env = {
    ...{ EBS_HUB_PORT: '0', EBS_DATA_DIR: folder, EBS_LOG_LEVEL: 'silent' },
    EBS_HUB_STORE_SECONDARY: join(folder, 'second'),
  }
  const service = await startService(hub, { env, connect: (options) => broker.connect(options) })
  return {
    service,
    primary: join(folder, 'hub.db'),
    statusOf: async (group: string) => (await fetch(`${service.url}/api/groups/${group}`)).status,
    leader: async () =>
      /ebs_hub_store_leads\{store="(\w+)"\} 1/.exec(await (await fetch(`${service.url}/metrics`)).text())?.[1],
    ends: () =>
      heard.flatMap((body) => (/Success|Failure/.test(body.type) && 'id' in body ? [`${body.type} ${body.id}`] : [])),
    say: (body: Body) => {
      const id = newId(Date.now())
      return link.publish(toMessage(body, { id, service: 'someone', correlationId: id, atMs: Date.now() }))
    },
    async [Symbol.asyncDispose]() {
      await service.stop()
      await link.close()
      await rm(folder, { recursive: true })
    },
  }
}

const inTime = { timeout: 20_000 }

test('J8: while the database is gone its groups are unavailable and new ones live and end; then those go on, each with one end', async () => {
  await using system = await hubWithTwoStores()
  const { say, statusOf, ends, leader, primary } = system
  await say(groupBody('old'))
  await expect.poll(() => statusOf('old')).toBe(200)
  await rename(primary, `${primary}.away`)
  await rename(`${primary}-wal`, `${primary}.away-wal`)

  await say(doneBody('old', 'a'))
  // Of a group that is surely younger than the loss.
  const young = newId(Date.now() + 5_500)
  await say(groupBody(young))
  await say(doneBody(young, 'a'))
  await say(doneBody(young, 'b'))

  await expect.poll(ends, inTime).toEqual([`EventGroupCollectorSuccess ${young}`])
  expect(await statusOf('old')).toBe(503)
  expect(await leader()).toBe('secondary')
  await rename(`${primary}.away-wal`, `${primary}-wal`)
  await rename(`${primary}.away`, primary)
  await say(doneBody('old', 'b'))
  await expect.poll(ends, inTime).toEqual([`EventGroupCollectorSuccess ${young}`, 'EventGroupCollectorSuccess old'])
  expect(await statusOf(young)).toBe(200)
  expect(await leader()).toBe('primary')
}, 60_000)
