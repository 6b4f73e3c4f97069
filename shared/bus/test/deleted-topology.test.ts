import { expect, test } from 'vitest'
import { testVhost } from '../../../test/support/vhost.ts'
import { deadQueueOf, exchanges, topologyPlan } from '../../topology.ts'
import { connectAmqp } from '../amqp-broker.ts'
import { eventually, messageOf } from './contract-rig.ts'

const plan = topologyPlan('quorum', { queues: { work: { hears: ['#'] } }, withLadder: false })

test('an exchange that is deleted under a running service is put back, and publishing goes on', async () => {
  await using vhost = await testVhost()
  const bus = connectAmqp(vhost.url, { service: 'keeper', plan })
  await bus.ready()
  await vhost.management('DELETE', `/api/exchanges/${vhost.name}/${exchanges.events}`)

  const publish = () => bus.publish(messageOf({ exchange: exchanges.events, key: 'any' }, 'one'))
  await expect(publish()).rejects.toThrow(/no exchange/)
  await eventually(publish)

  await eventually(async () => expect(await bus.inspect('work')).toMatchObject({ messages: 1 }))
  await bus.close()
})

test('a dead queue that is deleted is put back, so that dead letters have somewhere to go', async () => {
  await using vhost = await testVhost()
  const bus = connectAmqp(vhost.url, { service: 'keeper', plan })
  await bus.ready()
  await vhost.deleteQueue(deadQueueOf('work'))

  const bury = () => bus.publish({ ...messageOf({ key: deadQueueOf('work') }, 'dead'), mandatory: true })
  await expect(bury()).rejects.toThrow(/No queue takes/)
  await eventually(bury)

  await eventually(async () => expect(await bus.inspect(deadQueueOf('work'))).toMatchObject({ messages: 1 }))
  await bus.close()
})
