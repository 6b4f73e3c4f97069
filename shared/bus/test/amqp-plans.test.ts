import { Writable } from 'node:stream'
import { expect, onTestFinished, test, vi } from 'vitest'
import { testVhost } from '../../../test/support/vhost.ts'
import { createLog } from '../../service/log.ts'
import { exchanges, type Plan } from '../../topology.ts'
import { declarePlan } from '../amqp-declare.ts'
import { connectOnce } from '../amqp-link.ts'
import { AmqpNodes } from '../amqp-nodes.ts'
import { AmqpPlans } from '../amqp-plans.ts'
import { declareQueue, inspectQueue } from '../amqp-queue.ts'
import { TopologyDriftError } from '../broker.ts'

const planOf = (name: string): Plan => ({
  exchanges: [{ name: exchanges.direct, type: 'topic', arguments: {} }],
  bindings: [],
  queues: [{ name, arguments: { 'x-queue-type': 'quorum' } }],
})

async function rig() {
  const vhost = await testVhost()
  const model = await connectOnce(new AmqpNodes(vhost.url), 'plans')
  onTestFinished(async () => {
    await model.close()
    await vhost[Symbol.asyncDispose]()
  })
  const lines: { readonly msg: string; readonly reason: string }[] = []
  const destination = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)))
      done()
    },
  })
  const log = createLog({ service: 'test', level: 'info', destination })
  const drift = async (name: string) => {
    await vhost.deleteQueue(name)
    await declareQueue(model, { name, arguments: { 'x-queue-type': 'classic' } })
  }
  return { model, log, lines, drift }
}

test('an activity whose queue has drifted is told of on each declaration, with what to do about it', async () => {
  const { model, log, lines, drift } = await rig()
  const plans = new AmqpPlans({ plan: planOf('work'), log })
  await plans.declare(model)
  for (const name of ['charge', 'ship']) await plans.extend(planOf(name), async () => model)
  await drift('charge')

  await plans.declare(model)

  expect(lines).toHaveLength(1)
  expect(lines[0]?.reason).toContain('queue charge: x-queue-type is classic')
  expect(lines[0]?.msg).toContain('`ebs topology apply` moves its messages')
})

test('what a service began with must not have drifted', async () => {
  const { model, log, lines, drift } = await rig()
  const plans = new AmqpPlans({ plan: planOf('charge'), log })
  await plans.declare(model)
  await drift('charge')

  await expect(plans.declare(model)).rejects.toThrow(TopologyDriftError)
  expect(lines).toEqual([])
})

test('where the topology is only looked for, what is missing is waited for and told; what comes and goes is declared', async () => {
  const { model, log, lines } = await rig()
  const plans = new AmqpPlans({ plan: planOf('work'), topology: 'verify', log })
  const declared = plans.declare(model)
  await vi.waitFor(() => expect(plans.trouble).toMatch(/lacks exchange ebs\.direct, queue work\. EBS_TOPOLOGY=verify/))

  await declarePlan(model, planOf('work'))
  await declared
  const awaited = plans.extend(planOf('charge'), async () => model)
  await plans.extend(planOf('ship'), async () => model, { comesAndGoes: true })
  await vi.waitFor(() => expect(plans.trouble).toContain('lacks queue charge.'))
  expect(await inspectQueue(model, 'ship')).toEqual({ messages: 0, consumers: 0 })
  await declarePlan(model, planOf('charge'))
  await awaited

  expect(plans.trouble).toBeUndefined()
  expect(lines.map(({ msg }) => msg)).toEqual([
    expect.stringContaining('The broker lacks exchange ebs.direct, queue work.'),
    expect.stringContaining('The broker lacks queue charge.'),
  ])
})
