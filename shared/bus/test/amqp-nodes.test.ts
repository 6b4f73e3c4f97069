import { expect, test, vi } from 'vitest'
import { testVhost } from '../../../test/support/vhost.ts'
import { controlStream, topologyPlan } from '../../topology.ts'
import { connectAmqp } from '../amqp-broker.ts'
import { comparePlan } from '../amqp-compare.ts'
import { connectAgain } from '../amqp-link.ts'
import { AmqpNodes } from '../amqp-nodes.ts'
import { AmqpPlans } from '../amqp-plans.ts'
import { probeAmqp } from '../probe.ts'
import { collect, eventually, messageOf } from './contract-rig.ts'
import { wireTo } from './contract-wire.ts'

const plan = topologyPlan('quorum', { queues: { work: { hears: ['work'] } }, withLadder: false })
const NOBODY = 'amqp://guest:guest@127.0.0.1:9'

test.each([
  ['amqp://h', { protocol: 'amqp', hostname: 'h', vhost: '', heartbeat: 10 }],
  [
    'amqps://us%40r:p%2Fw@[::1]:5671/a%2Fb?heartbeat=2&frameMax=4096&locale=en_US',
    {
      ...{ protocol: 'amqps', hostname: '::1', port: 5671, username: 'us@r', password: 'p/w', vhost: 'a%2Fb' },
      ...{ heartbeat: 2, frameMax: 4_096, locale: 'en_US' },
    },
  ],
  ['amqp://u@h', { protocol: 'amqp', hostname: 'h', username: 'u', password: '', vhost: '', heartbeat: 10 }],
])('the address of %s is what amqplib reads of the url', (url, address) => {
  expect(new AmqpNodes(url).current).toEqual(address)
})

test('it is the turn of one node after the other', () => {
  const nodes = new AmqpNodes('amqp://h1:1/v?heartbeat=5, amqp://h2,amqp://a:b,c@h3')
  const turns = Array.from({ length: 4 }, () => {
    const { hostname, port, password, heartbeat } = nodes.current
    nodes.turn()
    return { hostname, port, password, heartbeat }
  })

  expect(turns).toEqual([
    { hostname: 'h1', port: 1, password: undefined, heartbeat: 5 },
    { hostname: 'h2', port: undefined, password: undefined, heartbeat: 10 },
    { hostname: 'h3', port: undefined, password: 'b,c', heartbeat: 10 },
    { hostname: 'h1', port: 1, password: undefined, heartbeat: 5 },
  ])
})

test('D4: a service whose node is gone goes on at another one: publishing, consuming, following', async () => {
  await using vhost = await testVhost()
  const first = await wireTo(vhost.url)
  await using second = await wireTo(vhost.url)
  const broker = connectAmqp(`${first.url},${NOBODY}/,${second.url}`, { service: 'moved', plan })
  const begun = vi.fn()
  await broker.follow(controlStream, () => undefined, begun)
  const { texts } = await collect(broker, 'work')
  await broker.publish(messageOf({ key: 'work' }, 'before'))

  await first[Symbol.asyncDispose]()
  await broker.publish(messageOf({ key: 'work' }, 'after'))

  await eventually(() => expect(new Set(texts())).toEqual(new Set(['before', 'after'])))
  expect(begun).toHaveBeenCalledTimes(2)
  await broker.close()
})

test('D4: a node that shakes hands and answers nothing else is a failed attempt, and the next one is tried', async () => {
  await using vhost = await testVhost()
  await using mute = await wireTo(vhost.url)
  const nodes = new AmqpNodes(`${mute.url},${vhost.url}`)
  const reasons: string[] = []

  const link = await connectAgain(nodes, {
    name: 'heard-out',
    async setup(model) {
      // Whoever has shaken hands over it gets no more of an answer.
      mute.hush()
      await (await model.createChannel()).close()
    },
    setupMsMax: 2_000,
  })
  link.connection.on('error', () => undefined)
  link.connection.on('connect-failed', ({ message }: Error) => reasons.push(message))
  await link.connection.waitForConnect()

  expect(reasons[0]).toBe('the broker shook hands, and did not answer what came then within 2000 ms')
  expect(nodes.current.port).toBe(Number(new URL(vhost.url).port))
  await link.close()
})

test('what is missing is waited for on one connection for longer than a node may be mute', async () => {
  await using vhost = await testVhost()
  const plans = new AmqpPlans({ plan, topology: 'verify' })
  const [setups, looks] = [vi.fn(), vi.fn()]
  const link = await connectAgain(new AmqpNodes(vhost.url), {
    name: 'waiting',
    async setup(model, answered) {
      setups()
      await plans.declare(model, () => {
        answered()
        looks()
      })
    },
    setupMsMax: 2_000,
  })
  link.connection.on('error', () => undefined)

  await eventually(() => expect(looks.mock.calls.length).toBeGreaterThan(3))
  const declaring = connectAmqp(vhost.url, { service: 'declaring', plan })
  await link.connection.waitForConnect()

  expect(setups).toHaveBeenCalledTimes(1)
  await declaring.close()
  await link.close()
})

test('whoever asks a broker once asks the first node that answers', async () => {
  await using vhost = await testVhost()
  const urls = `${NOBODY},${vhost.url}`

  expect(await probeAmqp(urls)).toBe('ok')
  expect(await probeAmqp(NOBODY)).toBe('refused')
  expect((await comparePlan(urls, plan)).missing).toContainEqual({ kind: 'queue', name: 'work' })
})
