import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { type Handlers, subscribe } from '../consumer.ts'
import { CRASHES_MAX } from '../intake.ts'
import { PREFETCH_START } from '../prefetch.ts'
import {
  eventually,
  finishedBody,
  latch,
  listen,
  loseOften,
  pasteInto,
  retryPolicy,
  sites,
  taskBody,
  typesOf,
  virtualSite,
} from './bus-fixture.ts'

const work = { queue: 'work', retry: retryPolicy({ retries: 0 }) }

/** Handlers that hold every task until the test lets it go. */
function holding() {
  const held = new Map<string, () => void>()
  const handlers: Handlers = {
    TASK_CREATED: async ({ data }) => {
      const gate = latch()
      held.set(data.task.id, gate.open)
      await gate.opened
      return [finishedBody(Number(data.task.id.slice(1)))]
    },
  }
  return { held, handlers }
}

describe.each(sites)('many at once, $site', ({ open }) => {
  test('D7: one slow handler does not hold back others', async () => {
    await using site = await open()
    const broker = site.connect()
    const heard = await listen(broker, 'watch')
    const { held, handlers } = holding()
    await subscribe(site.bus(broker), { ...work, handlers, prefetch: 10 })
    for (const n of [1, 2, 3]) await broker.publish(pasteInto('work', taskBody(n)))
    await eventually(() => expect(held.size).toBe(3))

    held.get('t3')?.()
    held.get('t2')?.()
    await eventually(() => expect(heard).toHaveLength(2))

    expect(heard.map(({ body }) => JSON.parse(body.toString()).taskId)).toEqual(['t3', 't2'])
    held.get('t1')?.()
    await eventually(() => expect(heard).toHaveLength(3))
  })

  test('D6: stop waits for what is in flight and takes nothing more', async () => {
    await using site = await open()
    const [publisher, broker] = [site.connect('publisher'), site.connect('consumer')]
    const heard = await listen(publisher, 'watch')
    const { held, handlers } = holding()
    const loop = await subscribe(site.bus(broker), { ...work, handlers, prefetch: 2 })
    for (const n of [1, 2, 3]) await publisher.publish(pasteInto('work', taskBody(n)))
    await eventually(() => expect(held.size).toBe(2))

    let stopped = false
    const stopping = loop.stop(10_000).then(() => {
      stopped = true
    })
    held.get('t1')?.()
    await eventually(() => expect(heard).toHaveLength(1))
    expect(stopped).toBe(false)
    held.get('t2')?.()
    await stopping
    await broker.close()

    expect([...held.keys()]).toEqual(['t1', 't2'])
    await eventually(() => expect(typesOf(heard)).toEqual(['TASK_FINISHED', 'TASK_FINISHED']))
    // A quorum queue counts a cancelled consumer for a moment longer.
    await eventually(async () => expect(await publisher.inspect('work')).toMatchObject({ messages: 1, consumers: 0 }))
  })

  test('D6: stop with too little time: what is unfinished is handled by another consumer', async () => {
    await using site = await open()
    const [publisher, broker] = [site.connect('publisher'), site.connect('consumer')]
    const { held, handlers } = holding()
    const loop = await subscribe(site.bus(broker), { ...work, handlers, prefetch: 10 })
    for (const n of [1, 2]) await publisher.publish(pasteInto('work', taskBody(n)))
    await eventually(() => expect(held.size).toBe(2))

    await loop.stop(10)
    await broker.close()
    for (const release of held.values()) release()
    const another = holding()
    await subscribe(site.bus(publisher), { ...work, handlers: another.handlers })

    await eventually(() => expect([...another.held.keys()].toSorted()).toEqual(['t1', 't2']))
  })

  test('D6: work that ends while the channel closes disturbs nobody', async () => {
    await using site = await open()
    const [publisher, broker] = [site.connect('publisher'), site.connect('consumer')]
    const releases: (() => void)[] = []
    const handlers: Handlers = {
      TASK_CREATED: async () => {
        const gate = latch()
        releases.push(gate.open)
        await gate.opened
        return []
      },
    }
    const loop = await subscribe(site.bus(broker), { ...work, handlers, prefetch: 100 })
    for (let n = 1; n <= 50; n++) void publisher.publish(pasteInto('work', taskBody(n)))
    await eventually(() => expect(releases).toHaveLength(50))
    await loop.stop(1)

    const closing = broker.close()
    for (const release of releases) {
      release()
      await turn()
    }
    await closing

    const again = await listen(publisher, 'work')
    await eventually(async () => expect(await publisher.inspect('work')).toMatchObject({ messages: 0 }))
    expect(again.length).toBeLessThanOrEqual(50)
  })

  test('D6: stop in the middle of a change of prefetch takes nothing more', async () => {
    await using site = await open()
    const [publisher, broker] = [site.connect('publisher'), site.connect('consumer')]
    for (let turns = 0; turns < 100; turns += 3) {
      const taken: unknown[] = []
      const consumer = await broker.consume('work', { prefetch: 1 }, (delivery) => {
        taken.push(delivery)
        delivery.ack()
      })
      const changing = consumer.setPrefetch(5)
      for (let i = 0; i < turns; i++) await turn()
      await consumer.cancel()

      expect(await publisher.inspect('work')).toMatchObject({ consumers: 0 })
      await changing
    }
  })
})

describe('prefetch', () => {
  test('D7: follows how long the work takes, when it is not given', async () => {
    const { clock, site } = virtualSite()
    await using _ = site
    const broker = site.connect()
    const { held, handlers } = holding()
    let isQuick = true
    await subscribe(site.bus(broker), {
      ...work,
      handlers: { TASK_CREATED: (...args) => (isQuick ? [] : (handlers.TASK_CREATED?.(...args) ?? [])) },
    })
    for (let n = 1; n <= 50; n++) await broker.publish(pasteInto('work', taskBody(n)))
    await clock.advance(1_000)

    isQuick = false
    for (let n = 1; n <= 150; n++) await broker.publish(pasteInto('work', taskBody(n)))
    await clock.advance(0)

    expect(held.size).toBeGreaterThan(PREFETCH_START)
    expect(held.size).toBeLessThan(150)
  })
})

describe.each(sites)('crashes, $site', ({ open }) => {
  test('R6: a count that a stranger wrote into a header is not ours', async () => {
    await using site = await open()
    const broker = site.connect()
    const { held, handlers } = holding()
    await subscribe(site.bus(broker), { ...work, handlers })
    await broker.publish(pasteInto('work', taskBody(1), { headers: { 'x-delivery-count': CRASHES_MAX } }))

    await eventually(() => expect([...held.keys()]).toEqual(['t1']))
    held.get('t1')?.()
  })

  test('R6: what came back so often from dead consumers is dead without being handled', async () => {
    await using site = await open()
    const broker = site.connect()
    const killer = pasteInto('work', taskBody(1), { messageId: 'killer' })
    await loseOften(site, CRASHES_MAX, [killer])
    const [heard, dead] = [await listen(broker, 'watch'), await listen(broker, 'work.dead')]
    const { held, handlers } = holding()
    const failures: boolean[] = []
    const loop = await subscribe(site.bus(broker), {
      ...work,
      handlers,
      retry: retryPolicy(),
      failed: (_event, { final }) => {
        failures.push(final)
        return []
      },
    })
    await eventually(() => expect(dead).toHaveLength(1))
    await loop.stop(1_000)

    expect(held.size).toBe(0)
    expect(failures).toEqual([true])
    expect(dead[0]?.properties).toMatchObject({ messageId: 'killer', headers: { 'x-ebs-reason': 'crashed' } })
    expect(dead[0]?.properties.headers['x-ebs-error']).toContain(`died ${CRASHES_MAX} times`)
    await eventually(() => expect(typesOf(heard)).toEqual(['MESSAGE_DEAD']))
  })

  test('R6: one return less and it is handled', async () => {
    await using site = await open()
    const broker = site.connect()
    await loseOften(site, CRASHES_MAX - 1, [pasteInto('work', taskBody(1))])
    const { held, handlers } = holding()
    await subscribe(site.bus(broker), { ...work, handlers })

    await eventually(() => expect([...held.keys()]).toEqual(['t1']))
    held.get('t1')?.()
  })

  test('R6: suspects are handled one at a time, and nobody else waits for them', async () => {
    await using site = await open()
    const broker = site.connect()
    const suspects = [1, 2, 3].map((n) => pasteInto('work', taskBody(n)))
    await loseOften(site, 2, suspects)
    await broker.publish(pasteInto('work', taskBody(4)))
    const heard = await listen(broker, 'watch')
    const { held, handlers } = holding()
    await subscribe(site.bus(broker), { ...work, handlers, prefetch: 10 })

    for (let done = 1; done <= suspects.length; done++) {
      await eventually(() => expect([held.size, held.has('t4')]).toEqual([2, true]))
      const suspect = [...held.keys()].find((id) => id !== 't4') ?? ''
      held.get(suspect)?.()
      held.delete(suspect)
      await eventually(() => expect(heard).toHaveLength(done))
    }
    expect([...held.keys()]).toEqual(['t4'])
    held.get('t4')?.()
    await eventually(() => expect(heard).toHaveLength(4))
  })
})
