import { Socket } from 'node:net'
import { expect, test, vi } from 'vitest'
import { testVhost } from '../../../test/support/vhost.ts'
import { connectAmqp } from '../amqp-broker.ts'
import { messageOf, numbers, planOf, publishAll, untilReady } from './contract-rig.ts'

const plan = planOf('quorum', { work: { hears: [] } })
const MESSAGES = 5_000
const BODY = Buffer.alloc(1_000, 'x')

test('what is published at once goes to the broker in few writes, also when it is more than the socket takes', async () => {
  await using vhost = await testVhost()
  const bus = connectAmqp(vhost.url, { service: 'batched', plan })
  await untilReady(bus, 'work', 0)
  const [one, many] = [vi.spyOn(Socket.prototype, '_write'), vi.spyOn(Socket.prototype, '_writev')]

  await publishAll(
    bus,
    numbers(MESSAGES).map((text) => ({ ...messageOf({ key: 'work' }, text), body: BODY })),
  )
  const writes = one.mock.calls.length + many.mock.calls.length
  vi.restoreAllMocks()
  await bus.close()

  expect(writes).toBeLessThan(MESSAGES / 2)
})
