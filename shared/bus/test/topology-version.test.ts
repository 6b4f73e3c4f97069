import { Writable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { testVhost } from '../../../test/support/vhost.ts'
import { release } from '../../release.ts'
import { createLog } from '../../service/log.ts'
import { type Plan, stampedVersion, topologyPlan, topologyStamp, topologyVersion } from '../../topology.ts'
import { connectAmqp } from '../amqp-broker.ts'
import { comparePlan } from '../amqp-compare.ts'
import { declarePlan } from '../amqp-declare.ts'
import { connectOnce } from '../amqp-link.ts'
import { AmqpNodes } from '../amqp-nodes.ts'
import { AmqpPlans } from '../amqp-plans.ts'
import { NewerTopologyError } from '../broker.ts'
import { brokers, eventually } from './contract-rig.ts'

const ours = topologyPlan('quorum', { queues: { work: { hears: ['work'] } }, withLadder: false })
const noPlan: Plan = { exchanges: [], queues: [], bindings: [] }
const exchange = (name: string) => ({ name, type: 'fanout', internal: true, arguments: {} }) as const
/** As a version to come declares it: its own stamp, and those of all before. */
const newer = (versions: number): Plan => ({
  ...ours,
  exchanges: [
    ...ours.exchanges,
    ...Array.from({ length: versions }, (_, i) => exchange(topologyStamp(topologyVersion + 1 + i))),
  ],
})

test.each([
  { name: 'ebs.topology.1', version: 1 },
  { name: 'ebs.topology.27', version: 27 },
  { name: 'ebs.topology.0', version: undefined },
  { name: 'ebs.topology.x', version: undefined },
  { name: 'ebs.topology.1.dead', version: undefined },
  { name: 'my.ebs.topology.1', version: undefined },
])('$name says $version', ({ name, version }) => {
  expect(stampedVersion(name)).toBe(version)
})

test('every version is stamped, with all before it, and nothing is bound to a stamp', () => {
  const { exchanges, bindings } = topologyPlan('quorum')
  const stamps = exchanges.filter(({ name }) => stampedVersion(name) !== undefined)

  expect(stamps.map(({ name }) => stampedVersion(name))).toEqual(
    Array.from({ length: topologyVersion }, (_, i) => i + 1),
  )
  for (const stamp of stamps) expect(stamp).toMatchObject({ type: 'fanout', internal: true })
  expect(bindings.filter(({ source, destination }) => stampedVersion(source) ?? stampedVersion(destination))).toEqual(
    [],
  )
})

describe.each(brokers)('$broker', ({ start }) => {
  test('D8: a broker that was made for a newer ebs is refused, with both versions and what to do; nothing is declared', async () => {
    await using rig = await start()
    await rig.connect({ service: 'newer', plan: { ...newer(2), queues: [], bindings: [] } }).ready()

    const old = rig.connect({ service: 'old', plan: ours })

    const refused = new NewerTopologyError({ found: topologyVersion + 2, known: topologyVersion })
    await expect(old.ready()).rejects.toThrow(refused)
    expect(refused.message).toContain(
      `holds topology ${topologyVersion + 2}, this program (ebs ${release}) knows ${topologyVersion}:`,
    )
    expect(refused.message).toContain('Start that one; to go back')
    await old.close()
    const onlooker = rig.connect({ service: 'newer', plan: noPlan })
    await onlooker.ready()
    expect(await onlooker.inspect('work')).toBeUndefined()
  })

  test('who runs already goes on, also when it connects again: in a rolling upgrade it has work to finish', async () => {
    await using rig = await start()
    const old = rig.connect({ service: 'old', plan: ours })
    await old.ready()
    await rig.connect({ service: 'newer', plan: newer(1) }).ready()

    await rig.cut('old')
    await eventually(() => expect(old.state).not.toBe('up'))
    await eventually(() => expect(old.state).toBe('up'))

    await old.publish({ exchange: 'ebs', key: 'work', body: Buffer.from('{}'), properties: {} })
    expect(await old.inspect('work')).toMatchObject({ messages: 1 })
  })

  test('a tool that declares nothing of it works on any', async () => {
    await using rig = await start()
    await rig.connect({ service: 'newer', plan: newer(1) }).ready()

    await expect(rig.connect({ service: 'tool', plan: noPlan }).ready()).resolves.toBeUndefined()
  })
})

test('who only looks for its topology refuses, too, and is told so by what somebody imports meanwhile', async () => {
  await using vhost = await testVhost()
  const waiting = connectAmqp(vhost.url, { service: 'waiting', plan: ours, topology: 'verify' })
  await eventually(() => expect(waiting.trouble).toContain('The broker lacks'))

  const importing = connectAmqp(vhost.url, { service: 'newer', plan: newer(1) })
  await importing.ready()

  await expect(waiting.ready()).rejects.toThrow(NewerTopologyError)
  await expect(connectAmqp(vhost.url, { service: 'late', plan: ours, topology: 'verify' }).ready()).rejects.toThrow(
    NewerTopologyError,
  )
  expect(await comparePlan(vhost.url, ours)).toMatchObject({ topology: topologyVersion + 1, missing: [], drifts: [] })
  await importing.close()
  await waiting.close()
})

test('who goes on beside a newer one says so, once', async () => {
  await using vhost = await testVhost()
  const lines: string[] = []
  const destination = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk))
      done()
    },
  })
  const model = await connectOnce(new AmqpNodes(vhost.url), 'old')
  const plans = new AmqpPlans({ plan: ours, log: createLog({ service: 'old', level: 'info', destination }) })
  await plans.declare(model)
  await declarePlan(model, newer(1))

  await plans.declare(model)
  await plans.declare(model)

  expect(lines.filter((line) => line.includes('replace it soon'))).toHaveLength(1)
  await model.close()
})
