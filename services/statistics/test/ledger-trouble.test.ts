import { expect, test } from 'vitest'
import type { Body } from '../../../shared/events.ts'
import { finished, objectCreated, started, taskCreated } from './history.ts'
import {
  carrierOf,
  discardedBy,
  flowDone,
  flowRequested,
  groupDone,
  initiated,
  journeyDone,
  journeyStarted,
} from './ledger-history.ts'
import { ledgerSystem } from './ledger-system.ts'

test('wake-ups of the hub on the ladder hide nothing that the hub or the distributor has lost', async () => {
  const system = await ledgerSystem()
  await system.start()
  await system.wakeLater(3_600_000)
  await system.wakeLater(3_600_000)
  await system.say(initiated('j'), journeyStarted('j'), objectCreated('o'))
  await system.take('hub_consume', 1)
  await system.take('distributor_consume', 1)
  await system.settle()

  expect((await system.ledger()).imbalances.map(({ place, ids }) => [place, ids])).toEqual([
    ['hub', ['j']],
    ['distributor_consume', ['o']],
  ])
})

test('says that nothing was compared while the broker does not tell what is in its queues', async () => {
  const system = await ledgerSystem()
  await system.start({
    inspect: () => Promise.reject(new Error('The broker does not say how much is in process_consume')),
  })
  await system.say(taskCreated('o', 1, 1))
  await system.take('process_consume', 1)
  await system.settle()

  const unobserved = [{ place: 'ledger', why: 'nothing was compared yet' }]
  expect(await system.ledger()).toMatchObject({ balanced: false, imbalance: 0, overdue: true, unobserved })
})

test('a look that fails is warned of, but not the one that a stop cuts off', async () => {
  const system = await ledgerSystem()
  let look: 'fails' | 'waits' = 'fails'
  let cutOff: (why: Error) => void = () => undefined
  const inspect = () =>
    look === 'fails'
      ? Promise.reject(new Error('Queue not told'))
      : new Promise<never>((_, reject) => {
          cutOff = reject
        })
  const process = await system.start({ inspect })
  await system.clock.advance(600)
  const failed = system.warnings.splice(0)
  look = 'waits'
  await system.clock.advance(600)

  const stopping = system.stop(process)
  cutOff(new Error('Connection closed'))
  await stopping

  expect(failed.join('')).toContain('the ledger could not be compared with the broker; trying again')
  expect(system.warnings).toEqual([])
})

const began = '2020-01-01T00:00:00.000Z'
const old: readonly (readonly [string, Body])[] = [
  ['a group', { ...groupDone('g'), created: began }],
  ['a flow', { ...flowDone('f'), durationMs: 3_600_000 }],
  ['a journey', { ...journeyDone('j'), durationMs: 3_600_000 }],
  ['an object', { type: 'OBJECT_COMPLETED', objectId: 'o', tenant: 'acme', durationMs: 3_600_000, tasks: 1 }],
  ['a task', finished('018b0000-7d3e-7000-8000-000000000001')],
]
test.each(old)('%s that began before the ledger and ends long after is not asked for its beginning', async (_, end) => {
  const system = await ledgerSystem()
  await system.start()
  for (let i = 0; i < 4; i++) await system.settle()
  await system.say(end)
  await system.settle()

  expect(await system.ledger()).toMatchObject({ balanced: true, imbalances: [] })
})

test('an end of something that was never announced can be written off, and so can a journey that the hub has lost', async () => {
  const system = await ledgerSystem()
  await system.start()
  await system.say(initiated('j'), journeyStarted('j'))
  await system.take('hub_consume', 1)
  for (let i = 0; i < 4; i++) await system.settle()
  await system.say(flowDone('f'))
  await system.take('hub_consume', 1)
  await system.settle()
  expect((await system.ledger()).imbalances.map(({ place }) => place)).toEqual(['accepted', 'hub'])

  const journey = { ...carrierOf('journey', 'j'), type: 'JOURNEY_STARTED' }
  await system.say(discardedBy('ann', carrierOf('flow', 'f')), discardedBy('ann', journey))
  await system.settle()
  expect(await system.ledger()).toMatchObject({ balanced: true, imbalances: [] })
})

test('what was delivered to a process of statistics that hangs is not counted, and so nothing is called missing', async () => {
  const system = await ledgerSystem()
  const first = await system.start()
  await system.say(taskCreated('o', 1, 1))
  await system.stop(first)
  await system.hang('statistics')
  await system.start()
  await system.take('process_consume', 1)
  await system.say(started('o-1'), finished('o-1'))
  await system.settle()

  const why = expect.stringContaining('were delivered to a process of statistics')
  expect(await system.ledger()).toMatchObject({
    imbalance: 0,
    unobserved: [{ place: 'ledger' }, { place: 'statistics', why }],
  })
})

test('as many entries as events of statistics are dead are not called missing; one more is', async () => {
  const system = await ledgerSystem()
  await system.start()
  await system.say(taskCreated('o', 1, 2), taskCreated('o', 2, 2))
  await system.take('process_consume', 1)
  await system.put('statistics.dead', finished('o-1'))
  await system.settle()
  expect(await system.ledger()).toMatchObject({ imbalance: 0, unobserved: [{ place: 'statistics' }] })

  await system.take('process_consume', 1)
  await system.settle()
  expect(await system.ledger()).toMatchObject({ imbalance: 2, unobserved: [] })
})

test('an imbalance is said once, however its number grows, and again for another place or kind', async () => {
  const system = await ledgerSystem()
  await system.start()
  await system.say(...[1, 2, 3, 4].map((i) => taskCreated('o', i, 4)), objectCreated('o'), flowRequested('f'))
  for (let i = 0; i < 4; i++) {
    await system.take('process_consume', 1)
    await system.clock.advance(1_000)
  }
  await system.settle()
  expect(await system.ledger()).toMatchObject({ imbalance: 4 })
  expect(await system.events()).toMatchObject({ LEDGER_IMBALANCED: 1 })

  await system.take('distributor_consume', 1)
  await system.settle()
  expect(await system.ledger()).toMatchObject({ imbalance: 5 })
  expect(await system.events()).toMatchObject({ LEDGER_IMBALANCED: 2 })
})

test('statistics answers for a tenant as the hub does: balance and totals are those of all', async () => {
  const system = await ledgerSystem()
  await system.start()
  await system.say(taskCreated('o', 1, 1))
  await system.take('process_consume', 1)
  await system.settle()

  expect(JSON.parse(await system.get('/api/ledger?tenant=globex'))).toMatchObject({
    ...{ balanced: false, imbalance: 1, accounts: [], uncounted: 'nothing was accepted of globex' },
  })
})
