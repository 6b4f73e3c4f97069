import { createServer } from 'node:http'
import { expect, test } from 'vitest'
import { connectAmqp } from '../../../../shared/bus/amqp-broker.ts'
import { createLog } from '../../../../shared/service/log.ts'
import { topologyPlan } from '../../../../shared/topology.ts'
import { testConfig } from '../../../../test/config.ts'
import { testVhost } from '../../../../test/support/vhost.ts'
import { consumersBy } from '../queue-consumers.ts'

const log = createLog({ service: 'hub', level: 'silent' })
const counting = { inspect: async (queue: string) => (queue === 'gone' ? undefined : { messages: 0, consumers: 2 }) }
/** The API's numbers are gathered every 5 s. */
const LISTED_MS_MAX = 12_000
const AMQP_URL = 'amqp://guest:guest@127.0.0.1:1/a%2Fb'

/** A management API that answers so, and notes what it was asked. */
async function apiThatAnswers(status: number, body: string) {
  const asked: { url: string | undefined; authorization: string | undefined }[] = []
  const server = createServer(({ url, headers: { authorization } }, response) => {
    asked.push({ url, authorization })
    response.writeHead(status).end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('The server listens on no port.')
  return {
    asked,
    url: `http://ann:p%40ss@127.0.0.1:${address.port}/rabbit/`,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  }
}

test('the management API of RabbitMQ names consumers by their tags, some seconds after they are counted', async () => {
  await using vhost = await testVhost()
  const { managementUrl } = testConfig()
  const plan = topologyPlan('quorum', { queues: { work: { hears: [] } }, withLadder: false })
  const broker = connectAmqp(vhost.url, { service: 'test', plan })
  await broker.ready()
  const consumers = consumersBy(broker, { managementUrl, amqpUrl: vhost.url, log })
  expect(await consumers('work')).toEqual({ tags: [], count: 0 })
  expect(await consumers('no-such-queue')).toEqual({ tags: [], count: 0 })

  const consumer = await broker.consume('work', { prefetch: 1, tag: 'work-1' }, (delivery) => delivery.ack())
  expect(await consumers('work')).toMatchObject({ count: 1 })
  const listed = { tags: [expect.stringContaining('work-1')], count: 1 }
  await expect.poll(() => consumers('work'), { timeout: LISTED_MS_MAX }).toEqual(listed)
  await consumer.cancel()
  expect(await consumers('work')).toMatchObject({ count: 0 })
  await expect.poll(() => consumers('work'), { timeout: LISTED_MS_MAX }).toEqual({ tags: [], count: 0 })

  await broker.close()
})

test('asks for the vhost of the broker, with the credentials of the url', async () => {
  await using api = await apiThatAnswers(200, '{"consumer_details":[{"consumer_tag":"t1"}]}')
  const consumers = consumersBy(counting, { managementUrl: api.url, amqpUrl: AMQP_URL, log })

  expect(await consumers('activity.charge')).toEqual({ tags: ['t1'], count: 2 })

  const authorization = `Basic ${Buffer.from('ann:p@ss').toString('base64')}`
  expect(api.asked).toEqual([{ url: '/rabbit/api/queues/a%2Fb/activity.charge', authorization }])
})

test.each([
  { status: 401, body: '{}' },
  { status: 500, body: 'oops' },
  { status: 200, body: '{"other":1}' },
  { status: 200, body: 'no json' },
])('consumers are counted while the API answers $status $body', async ({ status, body }) => {
  await using api = await apiThatAnswers(status, body)
  const consumers = consumersBy(counting, { managementUrl: api.url, amqpUrl: AMQP_URL, log })

  expect(await consumers('work')).toEqual({ count: 2, tags: undefined })
})

test('without an API they are counted, and there are none of a queue that is not there', async () => {
  const consumers = consumersBy(counting, { managementUrl: undefined, amqpUrl: AMQP_URL, log })

  expect(await consumers('work')).toEqual({ count: 2, tags: undefined })
  expect(await consumers('gone')).toEqual({ count: 0, tags: undefined })
})
