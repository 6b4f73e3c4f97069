import { describe, expect, test } from 'vitest'
import { subscribe } from '../consumer.ts'
import { eventually, finishedBody, gated, latch, listen, retryPolicy, sites, testPlan, typesOf } from './bus-fixture.ts'
import { keepQueues } from './reduced-plans.ts'
import { bodiesOf, idsOf, sidelineOn, task } from './sideline-fixture.ts'

const work = {
  queue: 'work',
  retry: retryPolicy({ retries: 0 }),
  handlers: {
    TASK_CREATED: ({ data }: { data: { task: { id: string } } }) => [finishedBody(Number(data.task.id.slice(1)))],
  },
}
const finishedIn = (heard: Parameters<typeof bodiesOf>[0]) =>
  bodiesOf(heard, 'TASK_FINISHED').map(({ taskId }) => taskId)

describe.each(sites)('a rule and the stateless loop, $site', ({ open }) => {
  test('S2, S3: parks what matches, in order, and leaves the rest alone', async () => {
    await using site = await open()
    const broker = site.connect()
    const heard = await listen(broker, 'watch')
    const sideline = sidelineOn(broker)
    await sideline.park([1, 3, 5])
    const bus = site.bus(broker, { rules: sideline.rules })
    await subscribe(bus, work)

    for (const n of [1, 2, 3, 4, 5, 6]) await broker.publish(task(n, { 'x-mine': 'kept', 'x-ebs-tenant': 'acme' }))
    await eventually(() => expect(typesOf(heard)).toHaveLength(6))
    const parked = await listen(broker, 'ebs.sideline.r1.work')
    await eventually(() => expect(idsOf(parked)).toBe('m1 m3 m5'))

    expect(finishedIn(heard)).toEqual(['t2', 't4', 't6'])
    expect(bodiesOf(heard, 'MESSAGE_PARKED')[0]).toEqual({
      type: 'MESSAGE_PARKED',
      queue: 'work',
      messageId: 'm1',
      reason: 'their database is down',
      rule: 'r1#1',
      parkedType: 'TASK_CREATED',
      parkedKey: 'task-requests',
      subject: { kind: 'task', id: 't1' },
    })
    const news = heard.filter(({ properties }) => properties.type === 'MESSAGE_PARKED')
    expect(parked.map(({ properties }) => properties.headers['x-ebs-held'])).toEqual(
      news.map(({ properties }) => properties.messageId),
    )
    expect(parked[0]?.properties.headers).toMatchObject({
      'x-mine': 'kept',
      'x-ebs-tenant': 'acme',
      'x-ebs-key': 'task-requests',
      'x-ebs-queue': 'work',
      'x-ebs-reason': 'sideline',
      'x-ebs-rule': 'r1#1',
      'x-ebs-parked-at': expect.stringMatching(/^\d{4}-.*Z$/),
    })
    expect(parked[0]?.properties.type).toBe('TASK_CREATED')
    expect(bus.recorder.lines.filter((line) => line === 'parked work r1')).toHaveLength(3)
    expect(await broker.inspect('work')).toMatchObject({ messages: 0 })
  })

  test('S3: killed between park and ack: parked again under the same held id, and never handled', async () => {
    await using site = await open()
    const [watching, consuming] = [site.connect(), site.connect('consumer')]
    const heard = await listen(watching, 'watch')
    const sideline = sidelineOn(watching)
    await sideline.park([1])
    // The park is confirmed; before the event is, the process is gone.
    const reached = latch()
    const killed = gated(consuming, async ({ properties }) => {
      if (properties.type !== 'MESSAGE_PARKED') return
      reached.open()
      await new Promise(() => undefined)
    })
    await watching.publish(task(1))
    await subscribe(site.bus(killed, { rules: sideline.rules }), work)
    await reached.opened
    await consuming.close(0)

    await subscribe(site.bus(watching, { rules: sideline.rules }), work)
    const parked = await listen(watching, 'ebs.sideline.r1.work')
    await eventually(() => expect(idsOf(parked)).toBe('m1 m1'))
    await eventually(() => expect(typesOf(heard)).toEqual(['MESSAGE_PARKED']))

    expect(new Set(parked.map(({ properties }) => properties.headers['x-ebs-held']))).toEqual(
      new Set([heard[0]?.properties.messageId]),
    )
  })

  test('a parking queue that somebody deleted is made anew, and nothing is lost or handled', async () => {
    await using site = await open()
    const broker = site.connect()
    const heard = await listen(broker, 'watch')
    const sideline = sidelineOn(broker)
    await sideline.park([1, 2])
    expect(await broker.removeEmpty('ebs.sideline.r1.work')).toBe(true)
    await subscribe(site.bus(broker, { rules: sideline.rules }), work)

    for (const n of [1, 2, 3]) await broker.publish(task(n))
    await eventually(() =>
      expect(typesOf(heard).toSorted()).toEqual(['MESSAGE_PARKED', 'MESSAGE_PARKED', 'TASK_FINISHED']),
    )

    expect(sideline.restored).toContain('r1 work')
    expect((await broker.inspect('ebs.sideline.r1.work'))?.messages).toBe(2)
    expect(finishedIn(heard)).toEqual(['t3'])
  })

  test('S4: what is held waits, others pass, and after the lift it is handled in order, before what came later', async () => {
    await using site = await open()
    const broker = site.connect()
    const handled: string[] = []
    const sideline = sidelineOn(broker)
    sideline.hold([1, 2, 3, 5])
    await subscribe(site.bus(broker, { rules: sideline.rules }), {
      ...work,
      handlers: {
        TASK_CREATED: ({ data }) => {
          handled.push(data.task.id)
          return []
        },
      },
    })
    for (const n of [1, 2, 3, 4]) await broker.publish(task(n))
    await eventually(() => expect(handled).toEqual(['t4']))
    expect([...(sideline.members[0]?.underWay() ?? [])]).toEqual([])

    sideline.lift()
    await broker.publish(task(5))
    await eventually(() => expect(handled).toHaveLength(5))

    expect(handled).toEqual(['t4', 't1', 't2', 't3', 't5'])
    await eventually(async () => expect(await broker.inspect('work')).toMatchObject({ messages: 0 }))
  })

  test('D6: a stop while messages are held gives them back', async () => {
    await using site = await open()
    const [watching, consuming] = [site.connect(), site.connect('consumer')]
    const sideline = sidelineOn(consuming)
    sideline.hold([1, 2])
    const loop = await subscribe(site.bus(consuming, { rules: sideline.rules }), work)
    for (const n of [1, 2]) await watching.publish(task(n))
    await eventually(() => expect(new Set(sideline.judged)).toEqual(new Set(['hold work m1', 'hold work m2'])))

    await loop.stop(5_000)

    await eventually(async () => expect(await watching.inspect('work')).toMatchObject({ messages: 2, consumers: 0 }))
    expect(sideline.members).toEqual([])
  })
})

test.each(sites)('a queue without a lane for what comes back is consumed alone, $site', async ({ open }) => {
  await using site = await open(keepQueues(testPlan(false), (name) => name !== 'work.replay'))
  const broker = site.connect()
  const heard = await listen(broker, 'watch')
  await subscribe(site.bus(broker), { ...work, withoutReplay: true })
  await broker.publish(task(1))

  await eventually(() => expect(finishedIn(heard)).toEqual(['t1']))
})
