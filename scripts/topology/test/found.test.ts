import { createServer } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import { NotDoneError } from '../../cli/exit-code.ts'
import { BrokerLook } from '../found.ts'

type Answers = Readonly<Record<string, readonly [status: number, body: unknown]>>

/** A look at a management API that answers what is given by path, else 404. Also counts what it was asked. */
async function lookAt(answers: Answers) {
  const asked: string[] = []
  const server = createServer(({ url = '' }, response) => {
    asked.push(url)
    const [status, body] = answers[url.replace('/api/', '')] ?? [
      404,
      { error: 'Object Not Found', reason: 'Not Found' },
    ]
    response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const address = server.address()
  const port = address && typeof address === 'object' ? address.port : 0
  const look = new BrokerLook({ amqpUrl: 'amqp://127.0.0.1/shop', managementUrl: `http://u:p@127.0.0.1:${port}` })
  return { look, asked }
}

const EMPTY: Answers = { 'exchanges/shop': [200, []], 'queues/shop': [200, []], 'bindings/shop': [200, []] }
const disabled = { error: 'bad_request', reason: 'Stats in management UI are disabled on this node' }

test.each<{ what: string; answers: Answers; why: RegExp }>([
  {
    what: 'a virtual host that is not there',
    answers: {},
    why: /cannot be asked \(it knows no virtual host "shop"\)\. EBS_AMQP_URL says which it is\.$/,
  },
  {
    what: 'a wrong password',
    answers: { ...EMPTY, 'queues/shop': [401, { error: 'not_authorized', reason: 'Login failed' }] },
    why: /\(it answered 401: Login failed\)\. The user in EBS_AMQP_MANAGEMENT_URL needs its password, the tag/,
  },
  {
    what: 'a broker without statistics',
    answers: { ...EMPTY, 'consumers/shop': [400, disabled] },
    why: /\(it answered 400: Stats in management UI are disabled on this node\)\. .*disable_metrics_collector.*switch them on/,
  },
  {
    what: "a proxy's page",
    answers: { ...EMPTY, 'queues/shop': [502, '<html>'] },
    why: /\(it answered 502\)\. EBS_AMQP_MANAGEMENT_URL says where it is\.$/,
  },
])('$what is told, with what to do, and is no empty broker', async ({ answers, why }) => {
  const { look } = await lookAt(answers)

  const failed = await look.all().catch((error: unknown) => error)

  expect(failed).toBeInstanceOf(NotDoneError)
  expect(failed).toMatchObject({ message: expect.stringMatching(why) })
})

test('those who ask at once who consumes share one answer', async () => {
  const consumers = [{ consumer_tag: 'worker', queue: { name: 'a' }, channel_details: {} }]
  const { look, asked } = await lookAt({ 'consumers/shop': [200, consumers] })

  const names = await Promise.all(['a', 'b', 'a'].map((queue) => look.consumersOf(queue)))

  expect(names).toEqual([['worker'], [], ['worker']])
  expect(asked).toHaveLength(1)
})

const queue = (more: object) => ({ name: 'q', arguments: {}, ...more })
test.each<{ what: string; answers: Answers; policy: unknown }>([
  { what: 'there is none', answers: { 'policies/shop': [200, []], 'operator-policies/shop': [200, []] }, policy: {} },
  { what: 'the broker has not looked yet', answers: { 'queues/shop/q': [200, queue({})] }, policy: undefined },
  {
    what: 'there is one, for a user who may not see it',
    answers: {
      'policies/shop': [401, {}],
      'operator-policies/shop': [200, []],
      'queues/shop/q': [200, queue({ effective_policy_definition: { 'max-length': 5 } })],
    },
    policy: { 'max-length': 5 },
  },
  {
    what: 'none matches, as an old broker writes it',
    answers: { 'policies/shop': [200, [{}]], 'queues/shop/q': [200, queue({ effective_policy_definition: [] })] },
    policy: {},
  },
])('the policy of a queue, when $what', async ({ answers, policy }) => {
  const { look } = await lookAt(answers)

  expect(await look.policyOf('q')).toEqual(policy)
})

test('alarms are told by node; who may not see nodes sees none', async () => {
  const node = { name: 'rabbit@a', mem_alarm: true, disk_free_alarm: true }
  const { look } = await lookAt({ nodes: [200, [node, { name: 'rabbit@b' }]] })
  const { look: blind } = await lookAt({ nodes: [401, { reason: 'Not monitor user' }] })

  expect(await look.alarms()).toEqual(['rabbit@a has too little memory', 'rabbit@a has too little disk'])
  expect(await blind.alarms()).toEqual([])
})
