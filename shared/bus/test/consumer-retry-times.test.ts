import { describe, expect, test } from 'vitest'
import { subscribe } from '../consumer.ts'
import { Retryable } from '../retry.ts'
import { failing, pasteInto, retryPolicy, taskBody, virtualSite } from './bus-fixture.ts'

const MINUTE_MS = 60_000
const task = { exchange: 'ebs', key: 'task-requests' }

describe('retry by the clock', () => {
  test('R1: linear by default: n seconds after attempt n, not a moment earlier, whatever the hour', async () => {
    const { clock, site } = virtualSite()
    await using _ = site
    const broker = site.connect()
    const seenAt: number[] = []
    await subscribe(site.bus(broker), {
      queue: 'work',
      retry: retryPolicy({ minMs: 1_000, retries: 3 }),
      handlers: {
        TASK_CREATED: () => {
          seenAt.push(clock.now())
          throw new Error('no')
        },
      },
    })
    const startMs = clock.now()

    await broker.publish({ ...pasteInto('', taskBody(1)), ...task })
    await clock.advance(999)
    expect(seenAt).toEqual([startMs])
    await clock.advance(60 * MINUTE_MS)

    expect(seenAt.map((atMs) => atMs - startMs)).toEqual([0, 1_000, 3_000, 6_000])
    expect(await broker.inspect('work.dead')).toMatchObject({ messages: 1 })
  })

  test('R1: the defaults: 26 deliveries over 325 seconds, then dead', async () => {
    const { clock, memory, site } = virtualSite()
    await using _ = site
    const broker = site.connect()
    const { attempts, handlers } = failing(99)
    await subscribe(site.bus(broker), { queue: 'work', handlers, retry: retryPolicy({ minMs: 1_000 }) })

    await broker.publish({ ...pasteInto('', taskBody(1)), ...task })
    await clock.advance(324_999)
    expect(attempts).toHaveLength(25)
    await clock.advance(1)

    expect(attempts).toHaveLength(26)
    expect([memory.depth('work.dead'), memory.depth('work')]).toEqual([1, 0])
  })

  test('R1: immediate: 25 in a row, then by the ladder', async () => {
    const { clock, site } = virtualSite()
    await using _ = site
    const broker = site.connect()
    const { attempts, handlers } = failing(99)
    await subscribe(site.bus(broker), {
      queue: 'work',
      handlers,
      retry: retryPolicy({ policy: 'immediate', retries: 27, minMs: MINUTE_MS }),
    })

    await broker.publish({ ...pasteInto('', taskBody(1)), ...task })
    await clock.advance(MINUTE_MS - 1)
    expect(attempts).toHaveLength(26)
    await clock.advance(1)
    expect(attempts).toHaveLength(27)
    await clock.advance(MINUTE_MS)

    expect(attempts.map(({ attempt }) => attempt)).toEqual(Array.from({ length: 28 }, (__, i) => i + 1))
    expect(await broker.inspect('work.dead')).toMatchObject({ messages: 1 })
  })

  test('R1: a negative number of retries is for ever', async () => {
    const { clock, site } = virtualSite()
    await using _ = site
    const broker = site.connect()
    const { attempts, handlers } = failing(200)
    await subscribe(site.bus(broker), { queue: 'work', handlers, retry: retryPolicy({ retries: -1, maxMs: 100 }) })

    await broker.publish({ ...pasteInto('', taskBody(1)), ...task })
    await clock.advance(200 * 100)

    expect(attempts).toHaveLength(201)
    expect(await broker.inspect('work.dead')).toMatchObject({ messages: 0 })
  })

  test('R2: a delayed message does not hold up one that is due earlier', async () => {
    const { clock, site } = virtualSite()
    await using _ = site
    const broker = site.connect()
    const handled: string[] = []
    await subscribe(site.bus(broker), {
      queue: 'work',
      retry: retryPolicy(),
      handlers: {
        TASK_CREATED: ({ data }, { attempt }) => {
          handled.push(`${data.task.id} ${attempt}`)
          if (attempt === 1) throw new Retryable('later', { retryAfterMs: data.task.id === 't1' ? MINUTE_MS : 12_340 })
          return []
        },
      },
    })

    for (const n of [1, 2]) await broker.publish({ ...pasteInto('', taskBody(n)), ...task })
    await clock.advance(2 * MINUTE_MS)

    expect(handled).toEqual(['t1 1', 't2 1', 't2 2', 't1 2'])
  })
})
