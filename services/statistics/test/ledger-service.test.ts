import { expect, test } from 'vitest'
import { finished, objectCreated, started, taskCreated } from './history.ts'
import { carrierOf, deadOf, groupDone, groupOf } from './ledger-history.ts'
import { ledgerSystem } from './ledger-system.ts'

test('a consumer that is stopped or slow leaves the ledger balanced, and a message taken away does not', async () => {
  const system = await ledgerSystem()
  await system.start()
  await system.say(objectCreated('o'), ...[1, 2, 3].map((i) => taskCreated('o', i, 3)))
  await system.take('process_consume', 2, { isHeld: true })
  await system.settle()

  const before = await system.ledger()
  expect(before).toMatchObject({ balanced: true, imbalance: 0, imbalances: [], unobserved: [] })
  expect(before.totals).toMatchObject([{ accepted: 1, inFlight: 1 }, { accepted: 3, inFlight: 3 }, {}, {}, {}])
  expect(before.queues).toMatchObject([
    { queue: 'distributor_consume', ready: 1, unsettled: 0 },
    { queue: 'hub_consume', ready: 0 },
    { queue: 'process_consume', ready: 1, unsettled: 2, entries: { inFlight: 3 } },
  ])

  await system.take('distributor_consume', 1)
  await system.settle()
  expect(await system.ledger()).toMatchObject({
    balanced: false,
    imbalance: 1,
    imbalances: [{ kind: 'object', place: 'distributor_consume', count: 1, ids: ['o'] }],
  })
  expect(await system.get('/metrics')).toMatch(/ebs_ledger_imbalance\{kind="object",place="distributor_consume"\} 1/)
  expect(await system.get('/metrics')).toMatch(/ebs_ledger_entries\{kind="task",state="inFlight"\} 3/)
})

test('says an imbalance once, also with two processes on one file and after a restart, and once that it is over', async () => {
  const system = await ledgerSystem()
  const [first, second] = [await system.start(), await system.start()]
  await system.say(taskCreated('o', 1, 2), taskCreated('o', 2, 2))
  await system.take('process_consume', 2)
  await system.settle()
  expect(await system.ledger()).toMatchObject({ imbalance: 2 })
  expect(await system.events()).toMatchObject({ LEDGER_IMBALANCED: 1 })
  expect(JSON.parse(await system.get('/api/ledger/imbalances?limit=1'))).toEqual({
    items: [{ kind: 'task', id: 'o-1', place: 'process_consume', since: expect.any(String) }],
    next: expect.any(String),
  })

  await system.stop(first)
  await system.stop(second)
  await system.start()
  await system.settle()
  expect(await system.ledger()).toMatchObject({ imbalance: 2 })
  expect(await system.events()).toMatchObject({ LEDGER_IMBALANCED: 1 })

  await system.say(started('o-1'), finished('o-1'))
  await system.settle()
  expect(await system.ledger()).toMatchObject({ imbalance: 1, imbalances: [{ ids: ['o-2'] }] })
  await system.say(started('o-2'), finished('o-2'))
  await system.settle()
  expect(await system.ledger()).toMatchObject({ balanced: true, imbalance: 0, imbalances: [] })
  expect(await system.events()).toMatchObject({ LEDGER_IMBALANCED: 1, LEDGER_BALANCED: 1 })
})

test('asks the hub for what should be in its hands: a hub that has lost it is found out, and one that is away is unobserved', async () => {
  const system = await ledgerSystem()
  await system.start()
  await system.say(groupOf('g'), groupOf('o', 'tasks'), objectCreated('o'))
  await system.settle()
  // They lie in the hub's queue.
  expect(await system.ledger()).toMatchObject({ balanced: true })

  await system.take('hub_consume', 2)
  await system.take('distributor_consume', 1)
  system.hub.open.add('g').add('o')
  await system.settle()
  expect(await system.ledger()).toMatchObject({ balanced: true, unobserved: [] })

  system.hub.open.clear()
  await system.settle()
  const lost = await system.ledger()
  expect(lost.imbalances.map(({ kind, place, ids }) => [kind, place, ids])).toEqual([
    ['group', 'hub', ['g']],
    ['object', 'hub', ['o']],
  ])

  system.hub.isThere = false
  await system.settle()
  await system.settle()
  expect(await system.ledger()).toMatchObject({ imbalance: 2, unobserved: [{ place: 'hub' }] })

  system.hub.isThere = true
  system.hub.open.add('o')
  await system.say(groupDone('g'))
  await system.settle()
  expect(await system.ledger()).toMatchObject({ balanced: true, unobserved: [] })
})

test('finds what ended without having been accepted, and a dead message that was taken away', async () => {
  const system = await ledgerSystem()
  await system.start()
  // What ends soon after the ledger began may have been accepted before.
  await system.say(finished('early-1'))
  for (let i = 0; i < 4; i++) await system.settle()
  await system.say(finished('x-1'), taskCreated('o', 1, 1), deadOf(carrierOf('task', 'o-1')))
  await system.take('process_consume', 1)
  await system.settle()

  const { imbalances } = await system.ledger()
  expect(imbalances.map(({ kind, place, ids }) => [kind, place, ids])).toEqual([
    ['task', 'accepted', ['x-1']],
    ['task', 'process_consume.dead', ['o-1']],
  ])
})

test('answers over the bus', async () => {
  const system = await ledgerSystem()
  await system.start()
  await system.say(taskCreated('o', 1, 1))
  await system.settle()

  const told = await system.ask({ type: 'LEDGER_ASKED' })
  expect(told?.type === 'LEDGER_TOLD' ? told.data.ledger : undefined).toMatchObject({
    ...{ balanced: true, settleMs: 2_000 },
    totals: expect.arrayContaining([expect.objectContaining({ kind: 'task', accepted: 1, inFlight: 1 })]),
  })
  const facts = await system.ask({ type: 'FACTS_ASKED', id: 'o-1' })
  expect(facts?.data).toMatchObject({ type: 'FACTS_TOLD', id: 'o-1', service: 'statistics' })
})
