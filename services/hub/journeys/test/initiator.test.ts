import { expect, test } from 'vitest'
import { commitBatch } from '../../../../shared/bus/batch-commit.ts'
import type { Message } from '../../../../shared/bus/broker.ts'
import { toMessage } from '../../../../shared/bus/envelope.ts'
import { fromOutboxRow } from '../../../../shared/bus/outbox-message.ts'
import type { Arrived } from '../../../../shared/bus/stateful-consumer.ts'
import { virtualSite } from '../../../../shared/bus/test/bus-fixture.ts'
import type { Body } from '../../../../shared/events.ts'
import { readBack } from '../../../../shared/flow/sent-messages.ts'
import { MemoryHubStore } from '../../../../shared/store/memory-hub-store.ts'
import { topologyPlan } from '../../../../shared/topology.ts'
import { initiating } from '../initiator.ts'

const request: Body<'INITIATE_WORKFLOW'> = {
  ...{ type: 'INITIATE_WORKFLOW', sagaId: 's1.main', journeyType: 'order.eu', formatVersion: 1, tenant: 'acme' },
  ...{ payload: { items: [1, 2] }, meta: { key: 'k1', channel: 'shop' } },
}
const asked = (id: string, properties: Partial<Message['properties']> = {}): Arrived => {
  const message = toMessage(request, { id, service: 'gateway', correlationId: 'c1', atMs: 1_000, tenant: 'acme' })
  const parsed = readBack({ ...message, properties: { ...message.properties, ...properties } })
  if (!('data' in parsed)) throw new Error('not an event')
  return parsed
}

/** What is sent for a batch, and what the handler behind the initiator got. */
async function initiated(...batch: readonly Arrived[]) {
  const store = new MemoryHubStore()
  await using site = virtualSite(topologyPlan('quorum')).site
  const passed: Arrived[] = []
  const handle = initiating(async (arrived: readonly Arrived[]) => {
    passed.push(...arrived)
    return []
  })
  const items = batch.map((arrived) => ({ arrived }))
  await commitBatch(site.bus(site.connect('hub')), { queue: 'hub_consume', store, handle }, items)
  return { sent: (await store.readPending(0, 10)).map(fromOutboxRow), passed }
}

test('a request becomes the beginning of a journey of its type, with everything that it says, in its thread', async () => {
  const { sent } = await initiated(asked('m1', { replyTo: 'gateway_reply.7' }))

  expect(sent).toHaveLength(1)
  expect(sent[0]).toMatchObject({
    ...{ exchange: 'ebs', key: 'initiate_journey.order.eu' },
    properties: {
      ...{ type: 'INITIATE_JOURNEY', correlationId: 'c1', replyTo: 'gateway_reply.7' },
      headers: { 'x-ebs-tenant': 'acme', 'x-ebs-causation': 'm1' },
    },
  })
  expect(JSON.parse(String(sent[0]?.body))).toEqual({ ...request, type: 'INITIATE_JOURNEY' })
})

test('without somebody who waits, the journey has nobody to reply to', async () => {
  const { sent } = await initiated(asked('m1'))
  expect(sent[0]?.properties).not.toHaveProperty('replyTo')
})

test('D3: it keeps nothing: the same request again gives the same message, another one another', async () => {
  const [first, again, other] = [
    await initiated(asked('m1')),
    await initiated(asked('m1')),
    await initiated(asked('m2')),
  ]
  const ids = [first, again, other].map(({ sent }) => sent[0]?.properties.messageId)
  expect(ids[1]).toBe(ids[0])
  expect(ids[2]).not.toBe(ids[0])
})

test('everything else is for who decides conversations', async () => {
  const stranger: Arrived = { stranger: 'SOMETHING', meta: asked('m9').meta }
  const { sent, passed } = await initiated(asked('m1'), stranger)
  expect([sent.length, passed]).toEqual([1, [stranger]])
})
