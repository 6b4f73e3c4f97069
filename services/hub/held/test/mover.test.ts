import { describe, expect, test } from 'vitest'
import { metaOf } from '../../../../shared/bus/envelope.ts'
import { gated } from '../../../../shared/bus/test/bus-fixture.ts'
import { systemClock } from '../../../../shared/clock.ts'
import { parkingQueue, parkingQueueOf, unroutedQueue } from '../../../../shared/topology.ts'
import type { Errand } from '../mover.ts'
import {
  brokers,
  DEAD,
  fillDead,
  heldSite,
  idsOf,
  isoAgo,
  memory,
  QUEUE,
  REPLAY_LANE,
  RUNNING,
  row,
  task,
} from './held-fixture.ts'

const errand = (fields: Partial<Errand>): Errand => ({
  type: 'REPLAY_ERRAND',
  job: 'j1',
  act: 'replay',
  from: DEAD,
  to: QUEUE,
  which: 'chosen',
  upTo: 1_000,
  ...fields,
})
const numbered = (count: number) => Array.from({ length: count }, (_, i) => `t${String(i).padStart(3, '0')}`)
const PARKING = parkingQueueOf('r1', QUEUE)

const onRabbit = brokers.filter(({ broker }) => broker === 'RabbitMQ')

describe.each(brokers)('the mover, on $broker', ({ start }) => {
  test('brings back what was chosen, in order, with the job in its headers, and leaves the rest where it is', async () => {
    await using site = await heldSite(start)
    const ids = numbered(600)
    await fillDead(site, ids)
    const chosen = ids.filter((_, i) => i % 2 === 1)
    await site.store.write(({ held }) => held.choose('j1', chosen, 1))

    const moved = await site.mover.run(errand({ upTo: 300 }))

    expect(moved).toMatchObject({ moved: 300, fresh: 300, exhausted: false, isCut: false })
    const sent = await site.drain(REPLAY_LANE)
    expect(idsOf(sent)).toEqual(chosen.map((id) => `m-${id}`))
    expect(sent.map(metaOf)).toEqual(
      chosen.map((id) =>
        expect.objectContaining({ attempt: 1, key: 'task-requests', replay: { job: 'j1', held: id } }),
      ),
    )
    expect(Object.keys(sent[0]?.properties.headers ?? {})).not.toContain('x-ebs-held')
    expect(Object.keys(sent[0]?.properties.headers ?? {})).not.toContain('x-ebs-reason')
    expect(idsOf(await site.drain(DEAD))).toEqual(ids.filter((_, i) => i % 2 === 0).map((id) => `m-${id}`))
    expect(Object.values(await site.states()).filter((state) => state === 'released')).toHaveLength(300)
  })

  test('takes no more of the front than it was told, goes on from there, and says when there are no more', async () => {
    await using site = await heldSite(start)
    await site.bus.broker.declare(parkingQueue('r1', QUEUE, 'quorum'))
    for (const id of ['a', 'b', 'c', 'd'])
      await site.publish(PARKING, task(id), { 'x-ebs-held': id, 'x-ebs-rule': 'r1#7', 'x-ebs-released': 'r0#3' })
    const front = errand({ from: PARKING, which: 'front', rule: 'r1#7' })

    expect(await site.mover.run({ ...front, upTo: 1 })).toMatchObject({ moved: 1, exhausted: false })
    expect(await site.mover.run({ ...front, upTo: 1 })).toMatchObject({ moved: 1, fresh: 0, exhausted: false })
    expect(await site.mover.run({ ...front, upTo: 3 })).toMatchObject({ moved: 3, fresh: 2, exhausted: false })
    await site.depthBecomes(PARKING, 1)
    expect(await site.mover.run({ ...front, upTo: 9 })).toMatchObject({ moved: 4, fresh: 1, exhausted: true })

    const sent = await site.drain(REPLAY_LANE)
    expect(idsOf(sent)).toEqual(['m-a', 'm-b', 'm-c', 'm-d'])
    expect(sent.map((message) => metaOf(message).released)).toEqual(sent.map(() => ['r0#3', 'r1#7']))
    expect(await site.states()).toEqual({ a: 'released', b: 'released', c: 'released', d: 'released' })
  })

  test('what was sent but not removed before the hub died is removed and not sent again; copies are sent once', async () => {
    await using site = await heldSite(start)
    await site.bus.broker.declare(parkingQueue('r1', QUEUE, 'quorum'))
    // `a` was sent by this job, `b` by another and handled; `c` was parked twice by a consumer that died in between.
    for (const id of ['a', 'b', 'c', 'c', 'd'])
      await site.publish(PARKING, task(id), { 'x-ebs-held': id, 'x-ebs-parked-at': isoAgo(1_000) })
    await site.store.write(async ({ held }) => {
      await held.addHeld(['a', 'b'].map((id) => row({ id, place: PARKING })))
      await held.moved('j1', ['a'], 'released', 1)
      await held.moved('j0', ['b'], 'released', 1)
      await held.settle('b', 'handled', 1)
    })

    const moved = await site.mover.run(errand({ from: PARKING, which: 'front', upTo: 5 }))

    expect(moved).toMatchObject({ moved: 3, fresh: 2, exhausted: true })
    expect(idsOf(await site.drain(REPLAY_LANE))).toEqual(['m-c', 'm-d'])
    expect(await site.depth(PARKING)).toBe(0)
  })

  test('D6: a hub that dies between the confirm and the note sends a message again under the same id, and counts it once', async () => {
    await using site = await heldSite(start)
    await fillDead(site, ['a', 'b'])
    await site.store.write(({ held }) => held.choose('j1', ['a', 'b'], 1))
    const died = new Error('kill -9')
    const { store, bus } = site
    let isSent = false
    const broker = gated(bus.broker, async () => {
      isSent = true
    })
    const write: typeof store.write = (job) => (isSent ? Promise.reject(died) : store.write(job))
    const dying = site.moverOf({ bus: { ...bus, broker }, store: { held: store.held, write } })

    await expect(dying.run(errand({ upTo: 2 }))).rejects.toBe(died)
    await site.depthBecomes(DEAD, 2)
    expect(await site.mover.run(errand({ upTo: 2 }))).toMatchObject({ moved: 2, exhausted: false })

    expect(idsOf(await site.drain(REPLAY_LANE))).toEqual(['m-a', 'm-b', 'm-a', 'm-b'])
    expect(await site.depth(DEAD)).toBe(0)
  })

  test('drops, or puts into the archive, without sending anything', async () => {
    await using site = await heldSite(start)
    await fillDead(site, ['a', 'b', 'c'])
    await site.store.write(async ({ held }) => {
      await held.choose('drop', ['a'], 1)
      await held.choose('keep', ['b'], 1)
    })

    await site.mover.run(errand({ job: 'drop', act: 'discard', upTo: 1 }))
    await site.mover.run(errand({ job: 'keep', act: 'archive', upTo: 1 }))

    expect(await site.states()).toEqual({ a: 'discarded', b: 'archived', c: 'held' })
    expect(idsOf(await site.drain(DEAD))).toEqual(['m-c'])
    expect(await site.depth(REPLAY_LANE)).toBe(0)
    expect(site.archive()).toEqual([{ id: 'b', place: DEAD, actor: 'ann', reason: 'test', body: task('b') }])
  })

  test('sends the body that somebody has edited, as the message that it was', async () => {
    await using site = await heldSite(start)
    await fillDead(site, ['a'])
    const content = { id: 'a', body: JSON.stringify(task('mended')), edited: 'ann: a typo' }
    await site.store.write(async ({ held }) => {
      await held.choose('j1', ['a'], 1)
      await held.keepContents([{ ...content, properties: '{"type":"TASK_CREATED","headers":{}}' }])
    })

    await site.mover.run(errand({ upTo: 1 }))

    const [sent] = await site.drain(REPLAY_LANE)
    expect(JSON.parse(sent?.body.toString() ?? '')).toEqual(task('mended'))
    expect(sent?.properties).toMatchObject({ messageId: 'm-a', type: 'TASK_CREATED', correlationId: 'c-m-a' })
  })

  test('what no queue wanted goes where it was to go, and is handled with that', async () => {
    await using site = await heldSite(start)
    await site.publishTo({ exchange: 'ebs', key: 'task-requests.old' }, task('a'), { 'x-ebs-key': 'task-requests' })
    await site.publishTo({ exchange: 'ebs', key: 'nobody-hears' }, task('b'))
    await site.depthBecomes(unroutedQueue, 2)

    const moved = await site.mover.run({ ...errand({ from: unroutedQueue, which: 'front', upTo: 2 }), to: undefined })

    expect(moved).toMatchObject({ moved: 2, exhausted: false })
    expect(Object.values(await site.states())).toEqual(['handled', 'handled'])
    expect(idsOf(await site.drain(QUEUE))).toEqual(['m-a'])
    // Nobody hears it now either.
    expect(idsOf(await site.drain(unroutedQueue))).toEqual(['m-b'])
  })

  test('moves nothing for a job that does not run, and at its rate for one that has one', async () => {
    await using site = await heldSite(start)
    await fillDead(site, numbered(40))
    await site.store.write(({ held }) => held.choose('j1', numbered(40), 1))
    site.jobs.set('j1', { ...RUNNING, isRunning: false })

    expect(await site.mover.run(errand({ upTo: 40 }))).toEqual({ moved: 0, fresh: 0, exhausted: false, isCut: false })
    site.jobs.set('j1', RUNNING)
    const startMs = performance.now()
    await site.mover.run(errand({ upTo: 40, rate: 50 }))
    const tookMs = performance.now() - startMs

    expect(await site.depth(REPLAY_LANE)).toBe(40)
    // 40 at 50 a second, of which five may come together at first.
    expect(tookMs).toBeGreaterThan(660)
    expect(tookMs).toBeLessThan(3_000)
  })

  test('a queue that takes longer to look through than an errand may take is looked through all the same', async () => {
    await using site = await heldSite(start)
    await fillDead(site, numbered(900))
    await site.store.write(({ held }) => held.choose('j1', ['t100', 't899'], 1))
    let nowMs = Date.now()
    // Each look at the clock takes 4 s: two chunks an errand.
    const clock = { ...systemClock, now: () => (nowMs += 4_000) }
    const mover = site.moverOf({ bus: { ...site.bus, clock } })
    const untilDone = async (upTo: number) => {
      for (let errands = 1; errands <= 20; errands++) {
        const { moved, isCut, exhausted } = await mover.run(errand({ upTo }))
        if (!isCut) return { moved, exhausted, isSliced: errands > 1 }
      }
      return 'never'
    }

    expect(await untilDone(2)).toEqual({ moved: 2, exhausted: false, isSliced: true })
    expect(await untilDone(3)).toEqual({ moved: 2, exhausted: true, isSliced: true })
    mover.stop()
  })

  test('told to stop, it says how far it came, and has lost nothing', async () => {
    await using site = await heldSite(start)
    await fillDead(site, numbered(30))
    await site.store.write(({ held }) => held.choose('j1', numbered(30), 1))

    const running = site.mover.run(errand({ upTo: 30, rate: 20 }))
    await expect.poll(() => site.depth(REPLAY_LANE)).toBeGreaterThan(3)
    site.mover.stop()
    const { moved, isCut } = await running

    expect(isCut).toBe(true)
    expect(await site.depth(REPLAY_LANE)).toBe(moved)
    await site.depthBecomes(DEAD, 30 - moved)
  })
})

test.each(onRabbit)(
  'a replay queue that somebody deleted is made anew on $broker, and nothing is lost',
  async ({ start }) => {
    await using site = await heldSite(start)
    await fillDead(site, ['a', 'b'])
    await site.store.write(({ held }) => held.choose('j1', ['a', 'b'], 1))
    await site.rig.deleteQueue(REPLAY_LANE)

    expect(await site.mover.run(errand({ upTo: 2 }))).toMatchObject({ moved: 2, exhausted: false })

    expect(idsOf(await site.drain(REPLAY_LANE)).toSorted()).toEqual(['m-a', 'm-b'])
    expect(await site.depth(DEAD)).toBe(0)
  },
)

test('what another process looks through is not taken for gone: the job asks again, and moves it then', async () => {
  await using site = await heldSite(memory)
  await site.bus.broker.declare(parkingQueue('r1', QUEUE, 'quorum'))
  await fillDead(site, ['a', 'b'])
  await site.publish(PARKING, task('p'), { 'x-ebs-held': 'p' })
  await site.store.write(async ({ held }) => {
    await held.choose('j1', ['a', 'b'], 1)
    await held.addHeld([row({ id: 'p', place: PARKING })])
  })
  const chosen = errand({ upTo: 2 })
  const front = errand({ job: 'j2', from: PARKING, which: 'front', upTo: 1 })
  const browses = await Promise.all([DEAD, PARKING].map((place) => site.bus.broker.browse(place)))
  for (const browse of browses) for await (const _ of browse ?? []);

  const nothing = { moved: 0, fresh: 0, exhausted: false, isCut: false }
  expect(await Promise.all([chosen, front].map((one) => site.mover.run(one)))).toEqual([nothing, nothing])
  for (const browse of browses) await browse?.close()

  expect(await site.mover.run(chosen)).toMatchObject({ moved: 2, exhausted: false })
  expect(await site.mover.run(front)).toMatchObject({ moved: 1, exhausted: false })
})

test('of what the comparison has found gone there are no more', async () => {
  await using site = await heldSite(memory)
  await site.store.write(async ({ held }) => {
    await held.addHeld([row({ id: 'a' })])
    await held.choose('j1', ['a'], 1)
    await held.markGone(DEAD, Date.now())
  })

  expect(await site.mover.run(errand({ upTo: 1 }))).toMatchObject({ moved: 0, exhausted: true })
})

test('one that was set aside once more when its first stay was over is moved, and not removed as a copy', async () => {
  await using site = await heldSite(memory)
  await site.bus.broker.declare(parkingQueue('r1', QUEUE, 'quorum'))
  await site.store.write(async ({ held }) => {
    await held.addHeld([row({ id: 'a', place: PARKING, heldAtMs: Date.now() - 90_000 })])
    await held.moved('j0', ['a'], 'discarded', Date.now() - 30_000)
  })
  await site.publish(PARKING, task('a'), { 'x-ebs-held': 'a', 'x-ebs-parked-at': isoAgo(0) })

  expect(await site.mover.run(errand({ from: PARKING, which: 'front', upTo: 1 }))).toMatchObject({ moved: 1 })

  const sent = await site.drain(REPLAY_LANE)
  expect(sent.map((message) => metaOf(message).replay)).toEqual([{ job: 'j1', held: 'a~2' }])
  expect(await site.states()).toEqual({ a: 'discarded', 'a~2': 'released' })
})
