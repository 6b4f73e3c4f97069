import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { connect } from 'amqplib'
import { expect, test } from 'vitest'
import { connectAmqp } from '../../shared/bus/amqp-broker.ts'
import { topologyPlan } from '../../shared/topology.ts'
import { searchPath } from '../../test/support/config.ts'
import { testVhost } from '../../test/support/vhost.ts'
import { findOtherSystem, queuesInUse, saysOtherSystem } from '../broker/other-system.ts'

const { signal } = new AbortController()
const counts = (all: Readonly<Record<string, number>>) => async (queue: string) =>
  queue in all ? { consumers: all[queue] ?? 0 } : undefined

test.each([
  { what: 'no queue', all: {}, used: [] },
  { what: 'queues that nobody consumes', all: { hub_consume: 0, datagen_consume: 0, statistics: 0 }, used: [] },
  { what: 'queues whose services may be doubled', all: { process_consume: 2, hub_ask: 1 }, used: [] },
  { what: 'one of three', all: { hub_consume: 0, datagen_consume: 1 }, used: ['datagen_consume'] },
  {
    what: 'all of them',
    all: { hub_consume: 1, datagen_consume: 1, statistics: 2 },
    used: ['hub_consume', 'datagen_consume', 'statistics'],
  },
])('a broker with $what: $used', async ({ all, used }) => {
  expect(await queuesInUse(counts(all), { signal, leavingMsMax: 0 })).toEqual(used)
})

test('consumers that leave are waited for', async () => {
  let looks = 0
  const leaving = async (queue: string) => ({ consumers: queue === 'hub_consume' && ++looks < 3 ? 1 : 0 })

  expect(await queuesInUse(leaving, { signal })).toEqual([])
  expect(looks).toBe(3)
})

test('what is not told is taken for nobody, and what is told counts all the same', async () => {
  const refused = async (): Promise<never> => {
    throw new Error('403 (ACCESS_REFUSED)')
  }
  const partly = (queue: string) => (queue === 'statistics' ? counts({ statistics: 1 })(queue) : refused())

  expect(await queuesInUse(refused, { signal })).toEqual([])
  expect(await queuesInUse(partly, { signal, leavingMsMax: 0 })).toEqual(['statistics'])
})

test('Ctrl-C ends the waiting, also for a broker that answers nothing', async () => {
  const pressed = AbortSignal.timeout(20)

  await expect(queuesInUse(counts({ hub_consume: 1 }), { signal: pressed })).rejects.toThrow('aborted')
  await expect(queuesInUse(() => new Promise(() => undefined), { signal: pressed })).rejects.toThrow('aborted')
})

test('the message names the queues, and no password', () => {
  const text = saysOtherSystem('amqp://ann:geheim@broker:5672/shop', ['hub_consume', 'statistics'])

  expect(text).toContain(
    'Another ebs is at work on the broker at amqp://ann:***@broker:5672/shop: hub_consume, statistics have',
  )
  expect(text).not.toContain('geheim')
})

test('npm start beside another system on its virtual host: exit 1, it says so, and has started and declared nothing', async () => {
  await using vhost = await testVhost()
  const amqpUrl = vhost.url
  const untouched = await findOtherSystem({ amqpUrl, signal })
  const before = await vhost.management('GET', `/api/queues/${vhost.name}`)
  const broker = connectAmqp(amqpUrl, { service: 'test', plan: topologyPlan('quorum') })
  await broker.ready()
  await broker.close()
  const model = await connect(amqpUrl)
  await (await model.createChannel()).consume('hub_consume', () => undefined)

  const { code, out, err } = await start(amqpUrl)

  await model.close()
  expect({ untouched, before }).toEqual({ untouched: [], before: [] })
  expect({ code, err }).toEqual({
    code: 1,
    err: expect.stringMatching(/^Another ebs is at work .+: hub_consume has consumers\. Nothing was started\.\n/),
  })
  expect(out).toMatch(/^ebs {2}using the broker at .+\nebs {2}hub_consume has consumers: waiting a moment .+\n$/)
  expect(await findOtherSystem({ amqpUrl, signal })).toEqual([])
})

/** The compiled program, on free ports. */
async function start(amqpUrl: string) {
  const names = ['GATEWAY', 'DATAGEN', 'DISTRIBUTOR', 'PROCESSOR', 'HUB', 'STATISTICS']
  const ports = Object.fromEntries(names.map((name) => [`EBS_${name}_PORT`, '0']))
  const program = join(import.meta.dirname, '..', '..', 'dist', 'scripts', 'start.js')
  const child = spawn(process.execPath, [program], {
    env: { PATH: searchPath().join(':'), EBS_AMQP_URL: amqpUrl, ...ports },
  })
  const [out, err]: [Buffer[], Buffer[]] = [[], []]
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() }
}
