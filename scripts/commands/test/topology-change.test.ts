import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'amqplib'
import { expect, onTestFinished, test } from 'vitest'
import { AmqpMoveLink } from '../../../shared/bus/amqp-move-link.ts'
import { testConfig } from '../../../test/config.ts'
import { type TestVhost, testVhost } from '../../../test/support/vhost.ts'
import { runEbs } from '../../cli/test/fake-terminal.ts'
import { lockQueue } from '../../topology/wanted.ts'

const runOn = (vhost: TestVhost) => {
  const config = { amqpUrl: vhost.url, amqpManagementUrl: testConfig().managementUrl }
  return (...argv: readonly string[]) => runEbs(['topology', ...argv], { config })
}
const because = ['--reason', 'a test']

test('a plan changes nothing; without --yes neither does apply; with it everything is there, and nothing is left to do', async () => {
  await using vhost = await testVhost()
  const ebs = runOn(vhost)

  const plan = await ebs('plan')
  const shown = await ebs('apply', ...because)
  const stillMissing = await ebs('plan', '-o', 'json')
  const applied = await ebs('apply', ...because, '--yes')
  const again = await ebs('apply', ...because, '--yes')

  expect(plan).toMatchObject({ code: 4, err: '' })
  expect(plan.out).toContain(
    'queue process_consume (0 messages, no consumers): it is missing\n  1. declare process_consume\n  2. bind process_consume (3 bindings)\n',
  )
  expect(shown).toMatchObject({ code: 4, out: plan.out, err: expect.stringContaining('Add --yes') })
  expect(JSON.parse(stillMissing.out).tasks[0]).toMatchObject({
    name: 'ebs.unrouted',
    kind: 'exchange',
    why: ['it is missing'],
  })
  expect(applied).toMatchObject({ code: 0, out: expect.stringMatching(/\nDone, after \d+s\. 0 messages moved\.\n$/) })
  expect(applied.err).toContain('process_consume: declare process_consume\n')
  expect(again).toMatchObject({ code: 0, out: 'Nothing to do: the broker holds what ebs declares.\n' })
  expect(await ebs('verify')).toMatchObject({ code: 0 })
})

test('who consumes a queue that is to change is named, exit 4; when it is gone the queue is changed; what another version left goes when it is empty', async () => {
  await using vhost = await testVhost()
  const ebs = runOn(vhost)
  await ebs('apply', ...because, '--yes')
  const model = await connect(vhost.url)
  const channel = await model.createConfirmChannel()
  await channel.deleteQueue('process_consume.dead')
  await channel.assertQueue('process_consume.dead', { arguments: { 'x-queue-type': 'classic' } })
  for (const name of ['old_consume', 'older_consume']) {
    await channel.assertQueue(name)
    await channel.bindQueue(name, 'ebs.direct', name)
  }
  for (const name of ['process_consume.dead', 'old_consume']) channel.sendToQueue(name, Buffer.from('{}'))
  await channel.waitForConfirms()
  await channel.consume('process_consume.dead', (message) => message && channel.nack(message), {
    consumerTag: 'worker',
  })

  const consumed = await ebs('apply', ...because, '--yes', '--wait', '100ms', '-o', 'json')
  await model.close()
  // Less than the broker needs to say that a queue is empty.
  const applied = await ebs('apply', ...because, '--yes', '--wait', '1s', '--remove-obsolete', '-o', 'json')

  expect(consumed.code).toBe(4)
  expect(JSON.parse(consumed.out)).toMatchObject({
    ...{ reason: 'a test', actor: 'ann@desk', refused: [], moved: 0, rest: ['process_consume.dead'] },
    left: [{ name: 'process_consume.dead', why: expect.stringContaining('still consumed, by ') }],
    obsolete: [{ name: 'old_consume' }, { name: 'older_consume' }],
  })
  expect(consumed.err).toMatch(/^process_consume\.dead is consumed by .+\. Stop that: it is waited for, 0s at most\.$/m)
  expect(applied.code).toBe(4)
  expect(JSON.parse(applied.out)).toMatchObject({
    ...{ moved: 2, rest: ['old_consume'] },
    left: [{ name: 'old_consume', why: expect.stringContaining('1 message, 0 consumers') }],
  })
  expect(await vhost.management('GET', `/api/queues/${vhost.name}/process_consume.dead`)).toMatchObject({
    type: 'quorum',
  })
  const left = await vhost.management('GET', `/api/queues/${vhost.name}?columns=name`)
  expect(left).toContainEqual({ name: 'old_consume' })
  expect(left).not.toContainEqual({ name: 'older_consume' })
})

test('two at once: the second says who applies, and does nothing', async () => {
  await using vhost = await testVhost()
  const first = await AmqpMoveLink.open(vhost.url, 'first')
  await first.lock(lockQueue, 'bob@desk (delivery limits)', 'bobs')

  const { code, err } = await runOn(vhost)('apply', ...because, '--yes')

  expect({ code, err }).toEqual({
    code: 1,
    err: expect.stringMatching(
      /^Somebody else applies a topology to amqp:\/\/\S+: bob@desk \(delivery limits\)\. .+ nothing was done/,
    ),
  })
  expect(await first.count('process_consume')).toBeUndefined()
  await first.close()
})

test('a management API of another broker, or a broker that takes no messages: nothing is done', async () => {
  await using vhost = await testVhost()
  const other = { exchanges: [], queues: [], bindings: [], consumers: [] }
  const alarmed = { nodes: [{ name: 'rabbit@a', mem_alarm: true }] }
  // Of all but what is given the broker itself answers.
  const management = async (answers: Readonly<Record<string, unknown>>, isOther: boolean) => {
    const server = createServer(async ({ url = '' }, response) => {
      const answer = answers[url.split('/')[2] ?? '']
      const isList = url.split('/').length < 5
      if (isList && answer !== undefined) response.end(JSON.stringify(answer))
      else if (isOther) response.writeHead(404).end()
      else response.end(JSON.stringify(await vhost.management('GET', url)))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const address = server.address()
    return `http://guest:guest@127.0.0.1:${address && typeof address === 'object' ? address.port : 0}`
  }
  const apply = async (amqpManagementUrl: string) =>
    runEbs(['topology', 'apply', ...because, '--yes'], { config: { amqpUrl: vhost.url, amqpManagementUrl } })

  const wrong = await apply(await management(other, true))
  const full = await apply(await management(alarmed, false))

  expect(wrong).toMatchObject({
    code: 1,
    err: expect.stringMatching(/that of another broker than .+ nothing was done/),
  })
  expect(full).toMatchObject({ code: 1, err: expect.stringContaining('rabbit@a has too little memory') })
  // The lock goes a moment after the connection that held it.
  await expect.poll(() => vhost.management('GET', `/api/queues/${vhost.name}`)).toEqual([])
})

test('without the management API, and on a broker that a newer ebs was made for, nothing is planned', async () => {
  await using vhost = await testVhost()
  const model = await connect(vhost.url)
  await (await model.createChannel()).assertExchange('ebs.topology.99', 'fanout', { internal: true })
  await model.close()

  const newer = await runOn(vhost)('apply', ...because, '--yes')
  const unasked = await runEbs(['topology', 'plan'], { config: { amqpUrl: vhost.url } })

  expect(newer).toMatchObject({ code: 1, out: '', err: expect.stringContaining('made for topology 99 by a newer ebs') })
  expect(unasked).toMatchObject({ code: 1, out: '', err: expect.stringContaining('EBS_AMQP_MANAGEMENT_URL') })
})
