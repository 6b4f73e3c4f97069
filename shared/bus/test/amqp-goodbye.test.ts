import type { Socket } from 'node:net'
import { expect, test, vi } from 'vitest'
import { testVhost } from '../../../test/support/vhost.ts'
import { controlStream, topologyPlan } from '../../topology.ts'
import { connectAmqp } from '../amqp-broker.ts'
import { comparePlan } from '../amqp-compare.ts'
import { connectAgain } from '../amqp-link.ts'
import { AmqpMoveLink } from '../amqp-move-link.ts'
import { AmqpNodes } from '../amqp-nodes.ts'
import { socketOf } from '../amqp-socket.ts'
import { StreamEnd } from '../amqp-stream-end.ts'
import { probeAmqp } from '../probe.ts'
import { leavingBroker } from './leaving-broker.ts'

const plan = topologyPlan('quorum', { queues: {}, withLadder: false })

/** What connects once; each ends when it has its answer. */
const errands: readonly { readonly errand: string; readonly run: (url: string) => Promise<unknown> }[] = [
  { errand: 'a probe', run: (url) => probeAmqp(url) },
  { errand: 'a comparison', run: (url) => comparePlan(url, plan) },
  { errand: 'a change of queues', run: async (url) => (await AmqpMoveLink.open(url, 'test')).close() },
  {
    errand: 'a mark in a stream',
    async run(url) {
      const end = new StreamEnd(controlStream)
      await end.mark(new AmqpNodes(url), 'test')
      end.close()
    },
  },
]

/** All end in the same way: one is enough for the slower broker. */
const table = [
  ...errands.map((one) => ({ ...one, manner: 'leaves' as const })),
  ...errands.slice(0, 1).map((one) => ({ ...one, manner: 'stays' as const })),
]

test.each(table)(
  '$errand is not kept by a broker that does not answer the goodbye, and $manner',
  async ({ run, manner }) => {
    await using vhost = await testVhost()
    const declaring = connectAmqp(vhost.url, { service: 'declares', plan })
    await declaring.ready()
    await declaring.close()
    const broker = await leavingBroker(vhost.url, { manner })

    await run(broker.url)

    await vi.waitFor(() => expect(broker.goodbyes).toHaveBeenCalledOnce(), 5_000)
    await vi.waitFor(() => expect(broker.left.map(({ readableEnded }) => readableEnded)).toEqual([true]), 5_000)
  },
)

test('the socket of a connection whose broker has fallen silent is closed on this side', async () => {
  await using vhost = await testVhost()
  const broker = await leavingBroker(vhost.url)
  const sockets: (Socket | undefined)[] = []
  const link = await connectAgain(new AmqpNodes(`${broker.url}?heartbeat=1`), {
    name: 'silent',
    setup: async (model) => void sockets.push(socketOf(model)),
  })
  await link.connection.waitForConnect()

  broker.hush()

  await vi.waitFor(() => expect(sockets.map((socket) => socket?.destroyed)).toEqual([true]), 10_000)
  await link.close()
})
