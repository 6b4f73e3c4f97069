import { connect } from 'amqplib'
import { describe, expect, test } from 'vitest'
import { connectAmqp } from '../../../shared/bus/amqp-broker.ts'
import { topologyPlan, topologyStamp, topologyVersion } from '../../../shared/topology.ts'
import { testConfig } from '../../../test/config.ts'
import { testVhost } from '../../../test/support/vhost.ts'
import { closedUrl } from '../../cli/test/fake-api.ts'
import { runEbs } from '../../cli/test/fake-terminal.ts'

test('topology print: every queue and exchange in json, one row per work queue and level in a table', async () => {
  const { out } = await runEbs(['topology', 'print', '-o', 'json'])
  const table = await runEbs(['topology', 'print'], { isTty: true, columns: 100 })

  expect(JSON.parse(out)).toEqual(topologyPlan('quorum'))
  expect(table.out).toMatch(/^process_consume +quorum +\.dead \.replay +- +task-requests$/m)
  expect(table.out).toMatch(/^ebs\.delay\.10d +ebs\.delay\.10d ebs\.delay\.20d ebs\.delay\.30d$/m)
  for (const line of table.out.split('\n')) expect(line.length).toBeLessThanOrEqual(100)
})

describe('topology verify', () => {
  const configOf = (amqpUrl: string) => ({ config: { amqpUrl, amqpManagementUrl: testConfig().managementUrl } })
  const declare = async (url: string) => {
    const broker = connectAmqp(url, { service: 'test', plan: topologyPlan('quorum') })
    await broker.ready()
    await broker.close()
  }

  test('what ebs declared is the same, and stays so', async () => {
    await using vhost = await testVhost()
    await declare(vhost.url)

    const { code, out, err } = await runEbs(['topology', 'verify'], configOf(vhost.url))
    const without = await runEbs(['topology', 'verify'], { config: { amqpUrl: vhost.url } })

    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toMatch(
      /^RabbitMQ \S+ at amqp:\/\/\S+ holds what ebs declares: \d+ exchanges, \d+ queues, topology \d+\.\n$/,
    )
    expect(out).not.toContain('guest')
    expect(without).toMatchObject({ code: 0, err: expect.stringContaining('Bindings were not compared') })
  })

  test('both versions of the topology are told; a broker that was made for a newer ebs is no place for this one', async () => {
    await using vhost = await testVhost()
    await declare(vhost.url)
    const same = await runEbs(['topology', 'verify', '-o', 'json'], configOf(vhost.url))
    const model = await connect(vhost.url)
    const channel = await model.createChannel()
    await channel.assertExchange(topologyStamp(topologyVersion + 1), 'fanout', { internal: true })
    await model.close()
    const newer = await runEbs(['topology', 'verify', '-o', 'json'], configOf(vhost.url))

    const versions = { broker: topologyVersion, ebs: topologyVersion }
    expect({ code: same.code, json: JSON.parse(same.out) }).toMatchObject({ code: 0, json: { topology: versions } })
    expect(JSON.parse(newer.out)).toMatchObject({
      topology: { ...versions, broker: topologyVersion + 1 },
      differences: [],
    })
    expect(newer).toMatchObject({ code: 1, err: expect.stringContaining('no service of it starts here') })
  })

  test('what is missing, has other arguments or is bound otherwise is named; nothing is changed', async () => {
    await using vhost = await testVhost()
    await declare(vhost.url)
    const model = await connect(vhost.url)
    const channel = await model.createChannel()
    await channel.deleteQueue('flow_worker_consume.dead')
    await channel.deleteQueue('process_consume.dead')
    await channel.assertQueue('process_consume.dead', { durable: true, arguments: { 'x-queue-type': 'classic' } })
    await channel.unbindQueue('distributor_consume', 'ebs', 'objects')
    await channel.bindQueue('process_consume', 'ebs', 'objects')
    // A stranger's queue is nobody's difference.
    await channel.assertQueue('strangers', { durable: true })
    await channel.bindQueue('strangers', 'ebs', '#')
    await channel.assertQueue('process_consume.moving')
    await model.close()

    const { code, out, err } = await runEbs(['topology', 'verify', '-o', 'json'], configOf(vhost.url))
    const again = await runEbs(['topology', 'verify', '-o', 'json'], configOf(vhost.url))

    expect(code).toBe(1)
    expect(err).toContain('7 differences.')
    expect(err).toContain('A change of process_consume was begun and is not done')
    expect(JSON.parse(out)).toMatchObject({
      bindings: 'compared',
      differences: [
        { kind: 'queue', name: 'flow_worker_consume.dead', found: 'no' },
        { kind: 'queue', name: 'process_consume.dead', what: 'x-queue-type', wanted: 'quorum', found: 'classic' },
        { kind: 'binding', name: 'ebs.direct --process_consume.dead--> process_consume.dead', found: 'no' },
        { kind: 'binding', name: 'ebs.direct --flow_worker_consume.dead--> flow_worker_consume.dead', found: 'no' },
        { kind: 'binding', name: 'ebs --objects--> distributor_consume', wanted: 'yes', found: 'no' },
        { kind: 'binding', name: 'ebs --objects--> process_consume', wanted: 'no', found: 'yes' },
        { kind: 'queue', name: 'process_consume.moving', wanted: 'no', found: 'yes' },
      ],
    })
    expect(again.out).toBe(out)
  })

  test('every stand-in that apply would end is told, of queues of activities and rules, too; what is only called like one is not', async () => {
    await using vhost = await testVhost()
    await declare(vhost.url)
    const model = await connect(vhost.url)
    const channel = await model.createChannel()
    const moving = [
      'activity.gift-wrap.dead.moving',
      'activity.gift-wrap.moving',
      'ebs.sideline.tp.process_consume.moving',
    ]
    for (const name of [...moving, 'strangers.moving', 'activity.last.moving']) await channel.assertQueue(name)
    await channel.bindQueue('activity.last.moving', 'ebs.direct', 'activity.last.moving')
    await model.close()

    const { code, out, err } = await runEbs(['topology', 'verify', '-o', 'json'], configOf(vhost.url))
    const { out: plan } = await runEbs(['topology', 'plan', '-o', 'json'], configOf(vhost.url))

    expect(code).toBe(1)
    expect(JSON.parse(out).differences).toEqual(
      moving.map((name) => ({ kind: 'queue', name, what: 'there', wanted: 'no', found: 'yes' })),
    )
    expect(err).toContain(
      'A change of activity.gift-wrap.dead, activity.gift-wrap, ebs.sideline.tp.process_consume was begun and is not done',
    )
    const begun = JSON.parse(plan).tasks.filter(({ why }: { why: readonly string[] }) =>
      /a change was begun/.test(why[0] ?? ''),
    )
    expect(begun.map(({ name }: { name: string }) => `${name}.moving`).toSorted()).toEqual(moving)
  })

  test('a broker that is away, or does not let one in, is said in one sentence without the password', async () => {
    const away = (await closedUrl()).replace('http://', 'amqp://ann:secret@')
    const closed = testConfig().amqpUrl.replace(/\/\/[^@]*@/, '//ann:secret@')

    for (const url of [away, closed]) {
      const { code, out, err } = await runEbs(['topology', 'verify'], { config: { amqpUrl: url } })
      expect({ code, out }).toEqual({ code: 1, out: '' })
      expect(err).toMatch(
        /^The broker at amqp:\/\/127\.0\.0\.1:\d+\/? cannot be asked \(.+\)\. (?:EBS_AMQP_URL says where it is|The broker refuses the user or the password in EBS_AMQP_URL\. .+)\.\n$/,
      )
      expect(err).not.toContain('secret')
    }
  })
})
