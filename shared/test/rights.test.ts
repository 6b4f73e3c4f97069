import { describe, expect, test } from 'vitest'
import { serviceNames } from '../../scripts/services.ts'
import { catalogue } from '../events.ts'
import { isOwnReply, rightHolders, rightsOf, sightOf } from '../rights.ts'
import { activityPlan, topologyPlan } from '../topology.ts'

const options = { activities: ['charge', 'charge.v2'] }
const UUID = '0190c5a0-7d3e-7000-8000-0123456789ab'
const plans = [topologyPlan('quorum'), ...options.activities.map((name) => activityPlan(name, 'quorum'))]
const queues = plans.flatMap((plan) => plan.queues.map(({ name }) => name))
const exchanges = ['amq.default', ...plans.flatMap((plan) => plan.exchanges.map(({ name }) => name))]
const keys = [...new Set(Object.values(catalogue).map(({ key }) => key.replace(/\*$/, 'order.v2')))]

const matching = (pattern: string, names: readonly string[]) =>
  names.filter((name) => new RegExp(pattern).test(name)).toSorted()
const topicOf = (name: (typeof rightHolders)[number], exchange: string) => {
  const topic = rightsOf(name, options).topics.find((one) => one.exchange === exchange)
  if (!topic) throw new Error(`Without an entry for ${exchange} RabbitMQ would allow ${name} every key.`)
  return topic
}

test('every service has a user, and every topic exchange an entry for it', () => {
  const topics = plans.flatMap((plan) => plan.exchanges.filter(({ type }) => type === 'topic').map(({ name }) => name))

  expect(rightHolders.toSorted()).toEqual(serviceNames.toSorted())
  for (const name of rightHolders)
    expect(
      rightsOf(name, options)
        .topics.map(({ exchange }) => exchange)
        .toSorted(),
    ).toEqual(topics.toSorted())
})

test.each([
  { name: 'gateway', says: ['flows.requested', 'initiate_workflow'] },
  { name: 'distributor', says: ['eventbus-collector', 'task-requests', ...fates()] },
  { name: 'statistics', says: ['ledger.balanced', 'ledger.imbalanced', ...fates()] },
] as const)('$name publishes its events and no others; a key that only looks like one is another', ({ name, says }) => {
  const { write, read } = topicOf(name, 'ebs')
  const alike = says.flatMap((key) => [`x${key}`, `${key}x`, key.replace('.', '-x-'), `${key}.more`, key.toUpperCase()])

  expect(matching(write, keys)).toEqual(says.toSorted())
  expect(
    matching(
      write,
      [...alike, '', '#', '*'].filter((key) => !keys.includes(key)),
    ),
  ).toEqual([])
  expect(matching(read, ['', '#', ...keys])).toEqual([''])
})

function fates() {
  return ['messages.dead', 'messages.failing', 'messages.parked', 'messages.replayed'] as const
}

test('a consumer reads its queues with their lanes and the rules, and sends straight to what belongs to them', () => {
  const { permission } = rightsOf('distributor', options)
  const parked = 'ebs.sideline.acme.distributor_consume'
  const others = ['ebs.sideline.acme.process_consume', 'ebs.sideline.distributor_consume', `gateway_reply.${UUID}`]

  expect(matching(permission.read, [...queues, parked, ...others])).toEqual([
    ...['distributor_consume', 'distributor_consume.replay', 'ebs.control'],
  ])
  expect(matching(permission.configure, [...queues, ...exchanges, parked, ...others, 'mine'])).toEqual([parked])
  expect(
    matching(topicOf('distributor', 'ebs.direct').write, [...queues, parked, ...others, 'ebs.control.said']),
  ).toEqual([...['distributor_consume.dead', 'ebs.control.said', parked]])
})

describe('the ladder', () => {
  const key = (digits: string, queue = 'process_consume') => `${[...digits].join('.')}.${queue}`

  test.each([
    { exchange: 'ebs.delay.10d', enters: '3333333333', not: '0000000001' },
    { exchange: 'ebs.delay.1s', enters: '0000000900', not: '0000001900' },
    { exchange: 'ebs.delay.10ms', enters: '0000000009', not: '0000000000' },
    { exchange: 'ebs.delay.deliver', enters: '0000000000', not: '0000000001' },
  ])('$exchange: enters where its delay begins, for a queue of its own only', ({ exchange, enters, not }) => {
    const { write } = topicOf('processor', exchange)

    expect(matching(write, [key(enters), key(enters, 'activity.charge.v2')])).toHaveLength(2)
    expect(matching(write, [key(not), key(enters, 'statistics'), `x${key(enters)}`, `${key(enters)}.dead`])).toEqual([])
    expect(matching(topicOf('gateway', exchange).write, [key(enters)])).toEqual([])
  })
})

test('only the hub may write to the default exchange, write rules and make the queues that come and go', () => {
  const rules = rightHolders.filter((name) => matching(topicOf(name, 'ebs.direct').write, ['ebs.control']).length > 0)
  const straight = rightHolders.filter(
    (name) => matching(rightsOf(name, options).permission.write, ['amq.default']).length > 0,
  )
  const made = ['activity.new', 'activity.new.dead', 'ebs.sideline.r.statistics']

  expect([rules, straight]).toEqual([['hub'], ['hub']])
  expect(matching(rightsOf('hub', options).permission.configure, [...made, ...exchanges, 'process_consume'])).toEqual(
    made,
  )
})

test('answers go to who may ask, and to no other replica than a random one', () => {
  const replies = rightHolders.map((name) => `${name}_reply.${UUID}`)

  expect(matching(topicOf('datagen', 'ebs.direct').write, [...replies, 'hub_reply.x', 'hub_reply.#'])).toEqual([
    `hub_reply.${UUID}`,
  ])
  expect(matching(topicOf('gateway', 'ebs.direct').write, [...replies, ...queues])).toEqual(['hub_ask'])
  expect([`gateway_reply.${UUID}`, 'toto_reply.1', 'process_consume'].map(isOwnReply)).toEqual([true, false, false])
})

test('circuit breakers start rules, when they are on', () => {
  const withBreakers = rightsOf('processor', { ...options, withBreakers: true }).topics[0]?.write ?? ''

  expect(matching(withBreakers, ['sidelines.command'])).toEqual(['sidelines.command'])
  expect(matching(topicOf('processor', 'ebs').write, ['sidelines.command'])).toEqual([])
})

test.each([
  {
    name: 'gateway',
    sees: ['ebs', 'ebs.direct', 'ebs.topology.1'],
    not: ['hub_ask', 'ebs.control', 'process_consume'],
  },
  {
    name: 'processor',
    sees: ['process_consume', 'process_consume.replay', 'activity.charge', 'ebs.control'],
    not: ['process_consume.dead', 'activity.other', 'hub_consume', 'ebs.unrouted'],
  },
  {
    name: 'statistics',
    sees: ['hub_consume', 'process_consume.replay', 'distributor_consume.dead', 'ebs.sideline.r.hub_consume'],
    not: ['hub_work', 'datagen_consume', 'activity.charge', 'ebs.unrouted'],
  },
  {
    name: 'hub',
    sees: [...queues.filter((queue) => !queue.startsWith('ebs.delay.')), 'ebs.delay.10ms'],
    not: ['mine'],
  },
])('$name looks for what it has to do with, which RabbitMQ 4.3 tells nobody else', ({ name, sees, not }) => {
  const isSeen = sightOf(name, ['charge'])

  expect([...sees, ...not].filter(isSeen)).toEqual(sees)
})

test('who counts messages of others may bind no queue of them to where events come from, and not write to an exchange of them', () => {
  const { permission, topics } = rightsOf('statistics', options)

  expect(matching(permission.read, ['process_consume', 'hub_consume', 'ebs', ...exchanges])).toEqual(
    expect.not.arrayContaining(['process_consume', 'hub_consume', 'ebs', 'ebs.delay.deliver']),
  )
  expect(matching(permission.write, exchanges)).toEqual(expect.not.arrayContaining(['ebs.unrouted', 'amq.default']))
  for (const { read } of topics) expect(matching(read, [...keys, ...queues, '#', '*'])).toEqual([])
})
