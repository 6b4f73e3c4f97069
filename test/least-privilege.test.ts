import { expect, test } from 'vitest'
import { z } from 'zod'
import { findFreePort } from '../scripts/broker/free-port.ts'
import { activityNames } from '../services/processor/activities/table.ts'
import { catalogue } from '../shared/events.ts'
import { activityPlan, exchanges, levelExchange, levels, topologyPlan } from '../shared/topology.ts'
import { createLine, doneLine, endsOf, paste } from './support/collector.ts'
import { order } from './support/journeys.ts'
import { startLoad } from './support/load.ts'
import { onlooker } from './support/onlooker.ts'
import { Operator } from './support/operator.ts'
import { importDefinitions, securedBroker } from './support/own-users.ts'
import { hasRabbitmqServer } from './support/private-broker.ts'
import { type Attempt, allowedOf, publishing, reading } from './support/stolen-user.ts'
import { startSystem } from './support/system.ts'
import { taskMessage } from './support/tenants.ts'
import { waitUntil } from './support/wait-until.ts'

const WAIT = { prefer: 'wait=15' }
const BUG = { EBS_TASK_FAILURE_RATE: '1', EBS_RETRY_PROCESS_CONSUME_POLICY: 'never' }
const REFUSED = /ACCESS_REFUSED|may not publish|lacks a right/

const FATES = ['messages.dead', 'messages.parked', 'messages.replayed', 'messages.failing']
const activities = activityNames.map((name) => `activity.${name}`)
const lanesOf = (queues: readonly string[]) => queues.flatMap((queue) => [queue, `${queue}.replay`])
const processed = ['process_consume', 'flow_worker_consume', 'flow_backend_consume', ...activities]

/** What each user is for, by hand; whatever else there is, whoever has stolen its password may not have. */
const own: Readonly<Record<string, { says: readonly string[]; sends: readonly string[]; reads: readonly string[] }>> = {
  gateway: { says: ['flows.requested', 'initiate_workflow'], sends: ['hub_ask'], reads: [] },
  datagen: {
    says: ['objects', ...FATES],
    sends: ['datagen_consume.dead', 'datagen_ask.dead', 'hub_ask', 'ebs.control.said'],
    reads: [...lanesOf(['datagen_consume']), 'datagen_ask', 'ebs.control'],
  },
  distributor: {
    says: ['eventbus-collector', 'task-requests', ...FATES],
    sends: ['distributor_consume.dead', 'ebs.control.said'],
    reads: [...lanesOf(['distributor_consume']), 'ebs.control'],
  },
  processor: {
    says: [
      ...['tasks.started', 'tasks.finished', 'tasks.failed', 'flows.answered', 'flow-worker', 'flow-backend'],
      ...['activities.succeeded', 'activities.failed', ...FATES],
    ],
    sends: [...processed.map((queue) => `${queue}.dead`), 'ebs.control.said'],
    reads: [...lanesOf(processed), 'ebs.control'],
  },
  statistics: {
    says: ['ledger.imbalanced', 'ledger.balanced', ...FATES],
    sends: ['statistics.dead', 'statistics_ask.dead', 'hub_ask', 'ebs.control.said'],
    reads: [...lanesOf(['statistics']), 'statistics_ask', 'ebs.control'],
  },
}

const plans = [topologyPlan('quorum'), ...activityNames.map((name) => activityPlan(name, 'quorum'))]
const queues = plans.flatMap((plan) => plan.queues.map(({ name }) => name))
/** Whatever enters the ladder, at whichever level, ends in one of these or nowhere. */
const behindLadder = plans.flatMap(({ bindings }) =>
  bindings.filter(({ source }) => source === exchanges.deliver).map(({ destination }) => destination),
)
const keys = [
  ...new Set(Object.values(catalogue).map(({ key }) => key.replace(/\*$/, 'x'))),
  ...['objectsx', 'xobjects', 'a.messages.dead', 'messages.dead.b', '', '#'],
]
/** As they are named when somebody needs them. */
const passing = [
  'ebs.sideline.r.hub_consume',
  'ebs.sideline.r.statistics.dead',
  `gateway_reply.${crypto.randomUUID()}`,
  'mine',
]

const trying = (what: string, act: Attempt['act']): Attempt => ({ what, act })

function attemptsOf({ says, sends, reads }: (typeof own)[string]): readonly Attempt[] {
  const others = (all: readonly string[], mine: readonly string[] = []) => all.filter((one) => !mine.includes(one))
  const consumed = reads.filter((queue) => !queue.includes('.replay') && !queue.endsWith('_ask'))
  const ladder = [...levels.keys(), levels.length].map(levelExchange)
  const digits = (level: number) => levels.map((_, i) => (i === level ? 1 : 0)).join('.')
  return [
    ...others(keys, says).map((key) => publishing('ebs', key)),
    ...others([...queues, ...passing, 'ebs.control'], sends).map((queue) => publishing('ebs.direct', queue)),
    ...[...queues, ...passing].map((queue) => publishing('', queue)),
    ...ladder.flatMap((exchange, level) =>
      // What is not bound behind the ladder is reached from no level: once is enough to see that there is no right to it either.
      others(level < levels.length ? behindLadder : queues, consumed).map((queue) =>
        publishing(exchange, `${digits(level)}.${queue}`),
      ),
    ),
    publishing('ebs.unrouted', 'x'),
    publishing('amq.topic', 'x'),
    ...others(queues, reads).map(reading),
    ...others(queues, reads).map((queue) => trying(`purge ${queue}`, (channel) => channel.purgeQueue(queue))),
    ...queues.map((queue) => trying(`bind ${queue}`, (channel) => channel.bindQueue(queue, 'ebs', '#'))),
    ...queues.map((queue) => trying(`delete ${queue}`, (channel) => channel.deleteQueue(queue))),
    // Who counts messages of a queue may bind it, but for answers only.
    trying('hear of others', (channel) => channel.bindQueue('process_consume', 'ebs.direct', 'hub_consume')),
    trying('declare a queue', (channel) => channel.assertQueue('mine')),
    trying('declare an exchange', (channel) => channel.assertExchange('mine', 'topic')),
  ]
}

test.runIf(hasRabbitmqServer)(
  'A2: each service works with its own user over TLS and declares nothing; a stolen one gives nothing that is not its own; a password changes under load',
  async () => {
    const secured = await securedBroker()
    const { vhost, ca, envOf, urlOf } = secured
    const port = await findFreePort()
    await using system = await startSystem({
      services: ['gateway'],
      env: { ...envOf('gateway'), EBS_GATEWAY_PORT: String(port) },
      vhost,
      isBrokerAway: true,
    })
    const gateway = system.process('gateway')
    const readiness = async () => {
      const response = await fetch(`http://127.0.0.1:${port}/health/ready`)
      return { status: response.status, text: await response.text() }
    }
    const says = (text: string) =>
      waitUntil(async () => expect(await readiness()).toEqual({ status: 503, text: expect.stringContaining(text) }))

    // Nobody knows it yet; then it is known, and nothing is there.
    await says('The broker refuses the user or the password in EBS_AMQP_URL. Give the password that it knows')
    await waitUntil(() => expect(gateway.output).toContain('The broker refuses the user or the password'))
    expect(gateway.output).not.toContain('gateway:gateway@')
    await importDefinitions(secured, 'users')
    await says('EBS_TOPOLOGY=verify declares none of these')
    expect(await vhost.management('GET', `/api/queues/${vhost.name}`)).toEqual([])
    await importDefinitions(secured)
    await gateway.running()

    const { cert, key } = await secured.sign('distributor')
    const [broken] = await Promise.all([
      system.start('processor', { ...envOf('processor'), ...BUG }),
      system.start('hub', envOf('hub')),
      system.start('statistics', envOf('statistics')),
      system.start('datagen', envOf('datagen')),
      system.start('distributor', { ...envOf('distributor'), EBS_AMQP_CERT: cert, EBS_AMQP_KEY: key }),
    ])
    const subjects = z.array(z.looseObject({ user: z.string(), peer_cert_subject: z.string().nullish() }))
    await waitUntil(async () => {
      const connections = subjects.parse(await vhost.management('GET', '/api/connections'))
      expect(connections).toContainEqual(
        expect.objectContaining({ user: 'distributor', ssl: true, peer_cert_subject: 'CN=distributor' }),
      )
    })
    const operator = new Operator(system)

    // A dead letter, which comes back when the service is mended.
    expect(await system.publish(taskMessage('dead', 1))).toBe(true)
    await waitUntil(async () => expect(await operator.deadGroups()).toHaveLength(1))
    const [{ fingerprint } = { fingerprint: '' }] = await operator.deadGroups()
    expect((await broken?.kill('SIGTERM'))?.code).toBe(0)
    await system.start('processor', envOf('processor'))
    const back = await operator.dead('replay', { fingerprint })
    await operator.untilReplay(back, { status: 'completed', handled: 1, failed: 0 })

    // A flow, a journey, a group.
    const post = (path: string, json: unknown) => system.ask('gateway', path, { json, headers: WAIT })
    expect(await post('/api/flows', { flowId: 'f1', length: 2 })).toMatchObject({ status: 200 })
    expect(await post('/api/journeys', order('k1'))).toMatchObject({ status: 200, json: { status: 'COMPLETED' } })
    const ends = await onlooker(vhost, 'eventbus-collector.*')
    await paste(system, createLine('g1', ['a']), doneLine('g1', 'a'))
    await waitUntil(async () => expect(endsOf(await ends.heard(), 'g1')).toHaveLength(1))

    // A sideline, with what it took brought back.
    await operator.start('acme')
    expect(await system.createObjects(2, undefined, 'acme')).toBe(201)
    await operator.untilSideline('acme', { parked: 6 })
    await operator.act('resolve', 'acme')
    await operator.untilSideline('acme', { status: 'closed', parked: 0 })

    // Each user in the wrong hands.
    for (const [user, mine] of Object.entries(own))
      expect({ user, allowed: await allowedOf(urlOf(user), ca, attemptsOf(mine)) }).toEqual({ user, allowed: [] })

    // A new password, under load.
    const load = startLoad(system, ['b'])
    await waitUntil(() => load.accepted >= 30)
    await vhost.management('PUT', '/api/users/distributor', { password: 'renewed', tags: '' })
    const renewed = await system.start('distributor', envOf('distributor', 'renewed'))
    await system.process('distributor').kill('SIGTERM')
    await waitUntil(async () => load.accepted >= 60)
    const objects = (await load.stop()) + 2
    await waitUntil(async () =>
      expect(await system.statistics()).toMatchObject({
        ...{ objects_created: objects, objects_completed: objects, objects_failed: 0 },
        tasks_finished: objects * 3 + 1,
      }),
    )
    expect(renewed.isAlive).toBe(true)
    for (const { name, lines } of system.processes.filter((one) => one !== gateway))
      expect({ name, refused: lines.filter((line) => REFUSED.test(JSON.stringify(line))) }).toEqual({
        name,
        refused: [],
      })
    expect(gateway.output).not.toMatch(/may not publish|access to (?:exchange|queue|topic)/)
  },
)
