import { describe, expect, test } from 'vitest'
import { MemoryStore } from '../../store/memory-store.ts'
import { RelayStoppedError } from '../../store/outbox-relay.ts'
import { type Message, type Received, ReturnedError } from '../broker.ts'
import type { Arrived, Emission } from '../stateful-consumer.ts'
import {
  eventually,
  finishedBody,
  latch,
  listen,
  pasteInto,
  retryPolicy,
  sites,
  startedBody,
  taskBody,
  typesOf,
} from './bus-fixture.ts'
import { numberOf, startService } from './stateful-fixture.ts'

const task = (n: number, messageId = `m${n}`) => pasteInto('work', taskBody(n), { messageId })
const idsOf = (heard: readonly Received[]) => heard.map(({ properties }) => properties.messageId)
const isDead = ({ properties }: Message) => properties.headers?.['x-ebs-reason'] !== undefined

/** Refuses tasks with these numbers and finishes the others. */
const refusing =
  (...refused: readonly number[]) =>
  (arrived: readonly Arrived[]): Emission[] =>
    arrived.map((one) =>
      refused.includes(numberOf(one))
        ? { refused: one, reason: `task: ${numberOf(one)} is another one` }
        : { cause: one, body: finishedBody(numberOf(one)) },
    )

describe.each(sites)('what a stateful handler gives back, $site', ({ open }) => {
  test('G8: what it refuses is dead once, with its reason; the others of its batch are done', async () => {
    await using site = await open()
    const broker = site.connect()
    const [heard, dead] = [await listen(broker, 'watch'), await listen(broker, 'work.dead')]
    for (const n of [1, 2, 3]) await broker.publish(task(n))
    const { lines, loop } = await startService(site, new MemoryStore(), { handle: refusing(2) })
    await eventually(() =>
      expect(typesOf(heard).toSorted()).toEqual(['MESSAGE_DEAD', 'TASK_FINISHED', 'TASK_FINISHED']),
    )
    await eventually(() => expect(idsOf(dead)).toEqual(['m2']))
    await loop.stop(1_000)

    expect(dead[0]?.properties.headers).toMatchObject({
      'x-ebs-reason': 'unrecoverable',
      'x-ebs-error': 'Unrecoverable: task: 2 is another one',
      'x-ebs-queue': 'work',
      'x-ebs-attempts': 1,
    })
    expect(lines.filter((line) => line.startsWith('dead'))).toEqual(['dead work unrecoverable'])
    expect(await broker.inspect('work')).toMatchObject({ messages: 0 })
  })

  test('G8: what was refused is handled again when it is replayed; what was done is not', async () => {
    await using site = await open()
    const broker = site.connect()
    const [heard, dead] = [await listen(broker, 'watch'), await listen(broker, 'work.dead')]
    const refused = [2]
    const { batches, lines, loop } = await startService(site, new MemoryStore(), {
      handle: (arrived) => {
        batches.push(arrived.map(numberOf))
        return refusing(...refused)(arrived)
      },
    })
    for (const n of [1, 2]) await broker.publish(task(n))
    await eventually(() => expect(idsOf(dead)).toEqual(['m2']))

    refused.pop()
    for (const n of [1, 2]) await broker.publish(task(n))
    await eventually(() => expect(typesOf(heard).filter((type) => type === 'TASK_FINISHED')).toHaveLength(2))
    await loop.stop(1_000)

    expect(batches.flat().toSorted()).toEqual([1, 2, 2])
    expect(lines.filter((line) => line === 'duplicate work')).toHaveLength(1)
    expect(idsOf(dead)).toEqual(['m2'])
  })

  test('G8: what is refused several times in one batch is dead once', async () => {
    await using site = await open()
    const broker = site.connect()
    const dead = await listen(broker, 'work.dead')
    for (const n of [2, 1, 2]) await broker.publish(task(n))
    // So long that all three are in one batch.
    const { lines, loop } = await startService(site, new MemoryStore(), { handle: refusing(2), lingerMs: 100 })
    await eventually(() => expect(lines.filter((line) => line.startsWith('processed'))).toHaveLength(3))
    await loop.stop(1_000)

    await eventually(() => expect(idsOf(dead)).toEqual(['m2']))
    expect(lines.filter((line) => line.startsWith('dead'))).toEqual(['dead work unrecoverable'])
    expect(await broker.inspect('work')).toMatchObject({ messages: 0 })
  })

  test('G8: what cannot be put away keeps nobody waiting, is not acked, and is dead as soon as it can be', async () => {
    await using site = await open()
    const broker = site.connect()
    const heard = await listen(broker, 'watch')
    let isGone = true
    const { connection, loop } = await startService(site, new MemoryStore(), {
      handle: refusing(1),
      gate: async (message) => {
        if (isGone && isDead(message)) throw new ReturnedError('the dead queue is gone')
      },
    })
    for (const n of [1, 2, 3]) await broker.publish(task(n))
    await eventually(() => expect(typesOf(heard).filter((type) => type === 'TASK_FINISHED')).toHaveLength(2))
    await loop.stop(0)
    await connection.close(0)
    await eventually(async () => expect(await broker.inspect('work')).toMatchObject({ messages: 1 }))

    isGone = false
    const next = await startService(site, new MemoryStore(), { handle: refusing(1) })
    await eventually(async () => expect(await broker.inspect('work.dead')).toMatchObject({ messages: 1 }))
    await next.loop.stop(1_000)
    expect(await broker.inspect('work')).toMatchObject({ messages: 0 })
  })

  test('D1: what it refuses dies only when all that was sent with it is confirmed', async () => {
    await using site = await open()
    const broker = site.connect()
    const [heard, dead] = [await listen(broker, 'watch'), await listen(broker, 'work.dead')]
    const confirm = latch()
    await broker.publish(task(1))
    const store = new MemoryStore()
    const { loop } = await startService(site, store, {
      handle: (arrived) => [
        ...arrived.map((cause) => ({ cause, body: startedBody(numberOf(cause)) })),
        ...refusing(1)(arrived),
      ],
      gate: (message) => (message.properties.type === 'TASK_STARTED' ? confirm.opened : Promise.resolve()),
    })
    await eventually(() => expect(store.countPending()).toBe(1))
    expect([heard, dead]).toEqual([[], []])

    confirm.open()
    await eventually(() => expect([typesOf(heard), idsOf(dead)]).toEqual([['TASK_STARTED', 'MESSAGE_DEAD'], ['m1']]))
    await loop.stop(1_000)
  })

  test('a refusal whose batch could not be stored is none', async () => {
    await using site = await open()
    const broker = site.connect()
    const heard = await listen(broker, 'watch')
    let failures = 1
    for (const n of [1, 2]) await broker.publish(task(n))
    const { loop } = await startService(site, new MemoryStore(), {
      handle: (arrived) => {
        if (arrived.length > 1 && failures-- > 0) throw new Error('undone')
        return refusing(2)(arrived)
      },
    })
    await eventually(() => expect(typesOf(heard).toSorted()).toEqual(['MESSAGE_DEAD', 'TASK_FINISHED']))
    await loop.stop(1_000)

    expect(await broker.inspect('work.dead')).toMatchObject({ messages: 1 })
  })

  test('what needs no remembering is handled each time it comes, and leaves nothing behind', async () => {
    await using site = await open()
    const broker = site.connect()
    const store = new MemoryStore()
    const { batches, lines, loop } = await startService(site, store, {
      isIdempotent: (one) => numberOf(one) === 1,
      lingerMs: 0,
    })
    const processed = () => lines.filter((line) => line.startsWith('processed'))
    for (const [i, n] of [1, 2, 1, 2].entries()) {
      await broker.publish(task(n))
      await eventually(() => expect(processed()).toHaveLength(i + 1))
    }
    await loop.stop(1_000)

    expect(batches).toEqual([[1], [2], [1]])
    expect(lines.filter((line) => line === 'duplicate work')).toHaveLength(1)
    const fresh = await store.write((tx) => tx.recordFirstSeen('work', ['m1', 'm2'], 1))
    expect(fresh).toEqual(new Set(['m1']))
  })

  test('D1: while what follows cannot be confirmed nothing is refused; the next time it is', async () => {
    await using site = await open()
    const broker = site.connect()
    const dead = await listen(broker, 'work.dead')
    let failures = 1
    await broker.publish(task(1))
    const { lines, loop } = await startService(site, new MemoryStore(), {
      handle: refusing(1),
      retry: retryPolicy(),
      relayed: async () => {
        if (failures-- > 0) throw new RelayStoppedError('not now')
      },
    })
    await eventually(() => expect(idsOf(dead)).toEqual(['m1']))
    await loop.stop(1_000)

    expect(lines.filter((line) => line.startsWith('dead'))).toEqual(['dead work unrecoverable'])
  })
})
