import type { ConsumeMessage } from 'amqplib'
import { expect, test } from 'vitest'
import { planChange } from '../change.ts'
import { changeRig, idsFrom, idsOf, planOf, type SmallPlan } from './change-fixture.ts'

/** Steps to make one queue anew; one more, so that one is not stopped at all. */
const STEPS = 13
/** A batch of twenty is confirmed in 40 ms; more is a busy machine. */
const WAIT_MS_MAX = 2_000
const isWork = ({ name }: { readonly name: string }) => name === 'work'

test('stopped at any step and run again, each queue has its new arguments and every message, in order; what came twice came while both heard it', async () => {
  await using rig = await changeRig()
  const names = Array.from({ length: STEPS + 1 }, (_, i) => `work${i}`)
  const wanted = planOf(names, 'quorum')
  await rig.declare(planOf(names, 'classic'))
  for (const name of names) await rig.publish(name, idsFrom(0, 50))
  const steps = planChange(wanted, await rig.look.all()).tasks.find(({ name }) => name === 'work0')?.acts
  expect(steps).toHaveLength(STEPS)

  const begun = new Map<string, number>()
  const stopped = rig.apply(wanted, {
    onAct: ({ name }) => {
      const step = begun.get(name) ?? 0
      begun.set(name, step + 1)
      if (name === `work${step}`) throw new Error('killed')
    },
  })
  await expect(stopped).rejects.toThrow('killed')
  for (const name of names) await rig.publish(name, idsFrom(50, 50))
  const { left } = await rig.apply(wanted)

  expect(left).toEqual([])
  expect(planChange(wanted, await rig.look.all()).tasks).toEqual([])
  for (const name of names) {
    const ids = idsOf(await rig.takeAll(name))
    expect([name, [...new Set(ids)]]).toEqual([name, idsFrom(0, 100)])
    expect(ids.slice(0, 50)).toEqual(idsFrom(0, 50))
    expect(ids.length).toBeLessThanOrEqual(150)
  }
  expect((await rig.look.all()).queues.filter(({ name }) => name.endsWith('.moving'))).toEqual([])
})

test('while publishers go on at full rate none is held up and none is lost', async () => {
  await using rig = await changeRig()
  await rig.declare(planOf(['work'], 'quorum'))
  await rig.publish('work', idsFrom(0, 1_000))
  let isOver = false
  let published = 1_000
  const waitsMs: number[] = []
  const publishing = (async () => {
    while (!isOver) {
      const atMs = performance.now()
      await rig.publish('work', idsFrom(published, 20))
      published += 20
      waitsMs.push(performance.now() - atMs)
    }
  })()

  const { left, moved } = await rig.apply(planOf(['work'], 'classic'))

  isOver = true
  await publishing
  expect(left).toEqual([])
  const ids = idsOf(await rig.takeAll('work'))
  expect(new Set(ids)).toEqual(new Set(idsFrom(0, published)))
  expect(ids.slice(0, 1_000)).toEqual(idsFrom(0, 1_000))
  expect(moved).toBeGreaterThan(2_000)
  // Whoever waited for a queue to be made anew would wait for all that is moved.
  expect(Math.max(...waitsMs)).toBeLessThan(WAIT_MS_MAX)
  expect(await rig.takeAll('ebs.unrouted')).toEqual([])
})

test('messages that a consumer holds are waited for, and it is named; nothing is unbound while somebody consumes', async () => {
  await using rig = await changeRig()
  const wanted = planOf(['work'], 'quorum')
  await rig.declare(planOf(['work'], 'classic'))
  await rig.publish('work', idsFrom(0, 3))
  const consuming = await rig.model.createChannel()
  await consuming.prefetch(2)
  const taken: ConsumeMessage[] = []
  await consuming.consume('work', (message) => message && taken.push(message), { consumerTag: 'worker.desk.1.ab' })
  await expect.poll(() => taken.length).toBe(2)
  await expect.poll(() => rig.look.consumersOf('work'), { timeout: 10_000 }).toEqual(['worker.desk.1.ab'])

  const { left } = await rig.apply(wanted, { waitMs: 300 })
  const plan = planChange(wanted, await rig.look.all())
  // Cancelled: it consumes no more, and holds what it has.
  await consuming.cancel('worker.desk.1.ab')
  await expect.poll(() => rig.look.unsettled('work'), { timeout: 10_000 }).toBe(2)
  const held = await rig.apply(wanted, { waitMs: 1_000, look: rig.look })
  consuming.ackAll()
  const done = await rig.apply(wanted)

  expect(left).toEqual([
    { name: 'work', isMoot: false, why: expect.stringContaining('still consumed, by worker.desk.1.ab') },
  ])
  expect(plan.tasks).toMatchObject([{ name: 'work', acts: { length: STEPS } }])
  expect(held.left).toEqual([{ name: 'work', isMoot: false, why: expect.stringContaining('2 messages in hands') }])
  expect(done.left).toEqual([])
  expect(idsOf(await rig.takeAll('work'))).toEqual(['id-2'])
})

test('a service that declares the queue with its old arguments meanwhile makes it begin again, and loses nothing', async () => {
  await using rig = await changeRig()
  const wanted = planOf(['work'], 'quorum')
  const old = planOf(['work'], 'classic')
  await rig.declare(old)
  await rig.publish('work', idsFrom(0, 10))
  let isGone = false
  const declareAgain = {
    declareQueue: async (queue: SmallPlan['queues'][number]) => {
      // In the one moment in which there is no such queue.
      if (queue.name !== 'work' || isGone) return rig.link.declareQueue(queue)
      isGone = true
      await rig.channel.assertQueue('work', { durable: true, arguments: old.queues.find(isWork)?.arguments })
      await rig.channel.bindQueue('work', 'ebs', 'work')
      await rig.publish('work', idsFrom(10, 10))
      return rig.link.declareQueue(queue)
    },
  }

  const first = await rig.apply(wanted, declareAgain)
  const second = await rig.apply(wanted)

  expect(first.left).toEqual([{ name: 'work', isMoot: true, why: expect.stringContaining('old arguments') }])
  expect(second.left).toEqual([])
  const ids = idsOf(await rig.takeAll('work'))
  expect([...new Set(ids)]).toEqual(idsFrom(0, 20))
  expect((await rig.look.all()).queues.find(isWork)?.type).toBe('quorum')
})

test('a rung of the ladder is not moved: it runs out, and what waits in it comes when it was due', async () => {
  await using rig = await changeRig()
  const rung = (limit: number): SmallPlan => ({
    exchanges: [{ name: 'ebs', type: 'topic', arguments: {} }],
    queues: [
      {
        name: 'ebs.delay.1s',
        arguments: {
          ...{ 'x-queue-type': 'quorum', 'x-message-ttl': 1_500, 'x-dead-letter-exchange': 'ebs' },
          ...{ 'x-dead-letter-strategy': 'at-least-once', 'x-overflow': 'reject-publish' },
          ...{ 'x-dead-letter-routing-key': 'due', 'x-delivery-limit': limit },
        },
      },
    ],
    bindings: [{ source: 'ebs', destination: 'ebs.delay.1s', to: 'queue', key: 'late' }],
  })
  await rig.declare(rung(10))
  await rig.channel.assertQueue('due')
  await rig.channel.bindQueue('due', 'ebs', 'due')
  await rig.publish('late', idsFrom(0, 20))

  const soon = await rig.apply(rung(20), { waitMs: 0 })
  await rig.publish('late', idsFrom(20, 20))
  const done = await rig.apply(rung(20), { look: rig.look })

  expect(soon.left).toEqual([
    { name: 'ebs.delay.1s', isMoot: false, why: expect.stringContaining('has run out: 1s at most') },
  ])
  expect(done).toEqual({ moved: 0, left: [] })
  await expect.poll(async () => (await rig.channel.checkQueue('due')).messageCount, { timeout: 10_000 }).toBe(40)
  expect(idsOf(await rig.takeAll('due'))).toEqual(idsFrom(0, 40))
  expect(planChange(rung(20), await rig.look.all()).tasks).toEqual([])
})
