import { expect, test } from 'vitest'
import { parkingQueueOf } from '../../../../shared/topology.ts'
import { SETTLE_MS_MAX } from '../../control/settling.ts'
import { applied, controlSite } from '../../control/test/control-fixture.ts'
import { PlaceLocks } from '../../held/place-locks.ts'
import { runSidelineErrand } from '../sideline-errand.ts'

const QUEUES = ['process_consume', 'distributor_consume']
const errand = (step: 'settle' | 'measure' | 'remove') =>
  ({ type: 'SIDELINE_ERRAND', id: 'r1', revision: 5, queues: QUEUES, step }) as const

async function errandSite() {
  const site = await controlSite()
  const { bus, control, consumers, clock } = site
  const locks = new PlaceLocks()
  let revision = 5
  const findRevision = async () => revision
  const run = (step: 'settle' | 'measure' | 'remove') =>
    runSidelineErrand({ bus, control, consumers, clock, locks, queueType: 'quorum', findRevision }, errand(step))
  const startAgain = () => {
    revision = 6
  }
  const park = (queue: string) =>
    bus.broker.publish({
      exchange: '',
      key: parkingQueueOf('r1', queue),
      body: Buffer.from('{}'),
      properties: {},
      mandatory: true,
    })
  return { ...site, run, park, locks, startAgain, [Symbol.asyncDispose]: () => site[Symbol.asyncDispose]() }
}

test('settle makes the parking queues, so that the first to match has a place, and says who applies the rule', async () => {
  await using site = await errandSite()
  site.consume('process_consume', ['p1'])
  await site.say(applied({ consumer: 'p1' }))

  expect(await site.run('settle')).toEqual({
    type: 'SIDELINE_SETTLED',
    id: 'r1',
    revision: 5,
    confirmed: 1,
    missing: [],
  })
  await site.park('process_consume')
  await site.park('distributor_consume')
})

test('measure counts what is parked in each queue, and makes those that are not there', async () => {
  await using site = await errandSite()
  const measured = (process: number, distributor: number, removed = false) => ({
    ...{ type: 'SIDELINE_MEASURED', id: 'r1', revision: 5, removed },
    parked: [
      { queue: 'process_consume', count: process },
      { queue: 'distributor_consume', count: distributor },
    ],
  })

  expect(await site.run('measure')).toEqual(measured(0, 0))
  await site.park('process_consume')
  expect(await site.run('measure')).toEqual(measured(1, 0))
  expect(await site.run('remove')).toEqual(measured(1, 0))
  expect(await site.bus.broker.inspect(parkingQueueOf('r1', 'distributor_consume'))).toBeUndefined()
  const browse = await site.bus.broker.browse(parkingQueueOf('r1', 'process_consume'))
  for await (const { remove } of browse ?? []) remove()
  await browse?.close()
  expect(await site.run('remove')).toEqual(measured(0, 0, true))
  expect(await site.run('remove')).toEqual(measured(0, 0, true))
})

test('a removal that comes when the rule has been started again leaves its parking queues', async () => {
  await using site = await errandSite()
  await site.run('measure')
  site.startAgain()

  expect(await site.run('remove')).toMatchObject({ removed: false })
  expect(await site.bus.broker.inspect(parkingQueueOf('r1', 'process_consume'))).toBeDefined()
})

test.each(['settle', 'measure'] as const)(
  '%s of a rule that has gone on, or that nobody has started, makes no queues: nobody would remove them',
  async (step) => {
    await using site = await errandSite()
    site.startAgain()

    const found = site.run(step)
    await site.clock.advance(SETTLE_MS_MAX)

    expect(await found).toMatchObject({ id: 'r1', revision: 5 })
    for (const queue of QUEUES) expect(await site.bus.broker.inspect(parkingQueueOf('r1', queue))).toBeUndefined()
  },
)

test('what somebody looks through is counted when it is given back', async () => {
  await using site = await errandSite()
  await site.run('measure')
  await site.park('process_consume')
  const place = parkingQueueOf('r1', 'process_consume')
  let isDone = () => {}
  const looking = site.locks.exclusive(place, async () => {
    const browse = await site.bus.broker.browse(place)
    const [first] = [await browse?.[Symbol.asyncIterator]().next()]
    expect(first?.done).toBe(false)
    await new Promise<void>((resolve) => {
      isDone = resolve
    })
    await browse?.close()
  })
  await site.clock.advance(0)
  expect(await site.bus.broker.inspect(place)).toMatchObject({ messages: 0 })

  const measuring = site.run('measure')
  await site.clock.advance(0)
  isDone()
  await looking

  expect(await measuring).toMatchObject({ parked: [{ queue: 'process_consume', count: 1 }, { count: 0 }] })
})
