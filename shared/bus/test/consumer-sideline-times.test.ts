import { describe, expect, test } from 'vitest'
import { subscribe } from '../consumer.ts'
import { finishedBody, gated, latch, listen, pasteInto, retryPolicy, taskBody, virtualSite } from './bus-fixture.ts'
import { ruleOf } from './fake-rules.ts'
import { bodiesOf, replayed, sidelineOn, task } from './sideline-fixture.ts'

const work = {
  queue: 'work',
  retry: retryPolicy({ retries: 0 }),
  handlers: {
    TASK_CREATED: ({ data }: { data: { task: { id: string } } }) => [finishedBody(Number(data.task.id.slice(1)))],
  },
}
const finishedIn = (heard: Parameters<typeof bodiesOf>[0]) =>
  bodiesOf(heard, 'TASK_FINISHED').map(({ taskId }) => taskId)

describe('rules and time', () => {
  test('S2: nothing is consumed before the rules are known, and the consumer is known by its tag', async () => {
    const { site, clock } = virtualSite()
    await using _ = site
    const broker = site.connect()
    const [known, handled] = [latch(), [] as string[]]
    const sideline = sidelineOn(broker)
    const rules = { ...sideline.rules, loaded: () => known.opened }
    await broker.publish(task(1))
    const subscribing = subscribe(site.bus(broker, { rules }), {
      ...work,
      handlers: {
        TASK_CREATED: ({ data }) => {
          handled.push(data.task.id)
          return []
        },
      },
    })
    await clock.advance(1_000)
    expect([handled, sideline.members, await broker.inspect('work')]).toMatchObject([[], [], { consumers: 0 }])

    known.open()
    await clock.advance(0)
    await subscribing
    expect(handled).toEqual(['t1'])
    expect(sideline.members).toMatchObject([
      { queue: 'work', tag: expect.stringMatching(/^test\..+\.\d+\.[0-9a-f]+$/) },
    ])
  })

  test('S2: an attempt that is made again at once is judged again, and parks with its number', async () => {
    const { site, clock } = virtualSite()
    await using _ = site
    const broker = site.connect()
    const sideline = sidelineOn(broker)
    const attempts: number[] = []
    await sideline.restore('r1', 'work')
    await subscribe(site.bus(broker, { rules: sideline.rules }), {
      ...work,
      retry: retryPolicy({ policy: 'immediate', retries: 10 }),
      handlers: {
        TASK_CREATED: (_event, { attempt }) => {
          attempts.push(attempt)
          if (attempt === 3) sideline.set({ rule: ruleOf('r1'), matches: () => true })
          throw new Error('their database is down')
        },
      },
    })
    await broker.publish(task(1))
    await clock.advance(100)

    expect(attempts).toEqual([1, 2, 3])
    const parked = await listen(broker, 'ebs.sideline.r1.work')
    await clock.advance(0)
    expect(parked[0]?.properties.headers).toMatchObject({ 'x-ebs-attempt': 4, 'x-ebs-reason': 'sideline' })
  })

  test('S2: what was judged is under way until it is settled, and says by which rule it is parked', async () => {
    const { site, clock } = virtualSite()
    await using _ = site
    const broker = site.connect()
    const sideline = sidelineOn(broker)
    await sideline.park([2])
    const [handler, confirm] = [latch(), latch()]
    const gate = gated(broker, ({ properties }) =>
      properties.headers?.['x-ebs-rule'] ? confirm.opened : Promise.resolve(),
    )
    await subscribe(site.bus(gate, { rules: sideline.rules }), {
      ...work,
      handlers: {
        TASK_CREATED: async () => {
          await handler.opened
          return []
        },
      },
    })
    for (const n of [1, 2]) await broker.publish(task(n))
    await clock.advance(0)
    const underWay = () => [...(sideline.members[0]?.underWay() ?? [])]
    expect(underWay().map(({ event, parkedBy }) => [event.meta.id, parkedBy])).toEqual([
      ['m1', undefined],
      ['m2', 'r1'],
    ])

    const done: string[] = []
    for (const one of underWay()) void one.done.then(() => done.push(one.event.meta.id))
    confirm.open()
    await clock.advance(0)
    expect([done, underWay().length]).toEqual([['m2'], 1])
    handler.open()
    await clock.advance(0)
    expect([done, underWay().length]).toEqual([['m2', 'm1'], 0])
  })

  test('S3: poison is dead and not judged; a type that is never judged is handled', async () => {
    const { site, clock } = virtualSite()
    await using _ = site
    const broker = site.connect()
    const sideline = sidelineOn(broker)
    sideline.set({ rule: ruleOf('r1'), matches: () => true })
    await subscribe(site.bus(broker, { rules: sideline.rules }), work)

    await broker.publish(pasteInto('work', Buffer.from('hello')))
    await broker.publish(pasteInto('work', { type: 'NOBODY_KNOWS' }))
    await clock.advance(100)

    expect(sideline.judged).toEqual([])
    expect(await broker.inspect('work.dead')).toMatchObject({ messages: 2 })
  })

  test('when neither the park nor the queue can be had, the message waits and is judged again', async () => {
    const { site, clock } = virtualSite()
    await using _ = site
    const broker = site.connect()
    const heard = await listen(broker, 'watch')
    const sideline = sidelineOn(broker)
    sideline.set({ rule: ruleOf('gone'), matches: () => true })
    const rules = { ...sideline.rules, restore: () => Promise.reject(new Error('the broker is away')) }
    await subscribe(site.bus(broker, { rules }), work)
    await broker.publish(task(1))
    await clock.advance(2_500)
    expect(heard).toEqual([])

    sideline.lift()
    await clock.advance(1_000)
    expect(finishedIn(heard)).toEqual(['t1'])
    expect(await broker.inspect('work')).toMatchObject({ messages: 0 })
  })

  test('breakers hear of every attempt', async () => {
    const { site, clock } = virtualSite()
    await using _ = site
    const broker = site.connect()
    const seen: string[] = []
    const outcomes = {
      observe: (queue: string, event: { meta: { id: string; attempt: number } }, hasFailed: boolean) =>
        void seen.push(`${queue} ${event.meta.id} ${event.meta.attempt} ${hasFailed}`),
    }
    await subscribe(site.bus(broker, { outcomes }), {
      ...work,
      retry: retryPolicy({ retries: 1, minMs: 10 }),
      handlers: {
        TASK_CREATED: (_event, { attempt }) => {
          if (attempt === 1) throw new Error('not yet')
          return []
        },
      },
    })
    await broker.publish({ ...pasteInto('work', taskBody(1), { messageId: 'm1' }) })
    await clock.advance(100)

    expect(seen).toEqual(['work m1 1 true', 'work m1 2 false'])
  })

  test('S4: what comes in the moment before a lift is told does not overtake what was held', async () => {
    const { site, clock } = virtualSite()
    await using _ = site
    const broker = site.connect()
    const sideline = sidelineOn(broker)
    sideline.hold([1, 2])
    const handled: string[] = []
    const rules = { ...sideline.rules, changed: () => new Promise<void>(() => undefined) }
    await subscribe(site.bus(broker, { rules }), {
      ...work,
      handlers: {
        TASK_CREATED: ({ data }) => {
          handled.push(data.task.id)
          return []
        },
      },
    })
    for (const n of [1, 2]) await broker.publish(task(n))
    await clock.advance(0)

    sideline.lift()
    await broker.publish(task(3))
    await clock.advance(0)
    expect(handled).toEqual(['t1', 't2', 't3'])
  })

  test('S4: what is held keeps no place from what comes back', async () => {
    const { site, clock } = virtualSite()
    await using _ = site
    const broker = site.connect()
    const heard = await listen(broker, 'watch')
    const sideline = sidelineOn(broker)
    sideline.hold([1, 2])
    await subscribe(site.bus(broker, { rules: sideline.rules }), { ...work, prefetch: 2 })
    for (const n of [1, 2]) await broker.publish(task(n))
    await broker.publish(replayed(3))
    await clock.advance(5_000)

    expect(finishedIn(heard)).toEqual(['t3'])
  })
})
