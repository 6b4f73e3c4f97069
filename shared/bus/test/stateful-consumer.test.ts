import { describe, expect, test } from 'vitest'
import { MemoryStore } from '../../store/memory-store.ts'
import type { Received } from '../broker.ts'
import { deriveId } from '../ids.ts'
import { CRASHES_MAX } from '../intake.ts'
import {
  delayPlan,
  eventually,
  finishedBody,
  latch,
  listen,
  loseOften,
  objectBody,
  pasteInto,
  retryPolicy,
  sites,
  taskBody,
  typesOf,
} from './bus-fixture.ts'
import { numberOf, startService } from './stateful-fixture.ts'

const task = (n: number, messageId = `m${n}`) => pasteInto('work', taskBody(n), { messageId })
const finished = (heard: readonly Received[]) =>
  heard
    .filter(({ properties }) => properties.type === 'TASK_FINISHED')
    .map(({ body }) => JSON.parse(body.toString()).taskId)
    .toSorted()

describe.each(sites)('stateful loop, $site', ({ open }) => {
  test('D3: one effect, however often the message comes: in one batch, in two, after a restart', async () => {
    await using site = await open()
    const broker = site.connect()
    const heard = await listen(broker, 'watch')
    const store = new MemoryStore()
    for (const n of [1, 2, 1]) await broker.publish(task(n))
    const first = await startService(site, store)
    await eventually(() => expect(finished(heard)).toEqual(['t1', 't2']))
    await broker.publish(task(2))
    await eventually(() => expect(first.lines.filter((line) => line === 'duplicate work')).toHaveLength(2))
    await first.loop.stop(1_000)
    await first.relay.stop()
    await first.connection.close()

    const second = await startService(site, store)
    for (const n of [1, 2, 3]) await broker.publish(task(n))
    await eventually(() => expect(finished(heard)).toEqual(['t1', 't2', 't3']))
    await second.loop.stop(1_000)
    await second.connection.close()

    expect([...first.batches, ...second.batches].flat().toSorted()).toEqual([1, 2, 3])
    expect(second.lines.filter((line) => line === 'duplicate work')).toHaveLength(2)
    expect(await broker.inspect('work')).toMatchObject({ messages: 0, consumers: 0 })
    await eventually(() => expect(store.countPending()).toBe(0))
  })

  test('R2: a message that fails is undone alone and comes back; the others of its batch are done', async () => {
    await using site = await open(delayPlan())
    const broker = site.connect()
    const heard = await listen(broker, 'watch')
    for (const n of [1, 2, 3]) await broker.publish(task(n))
    const attempts: number[] = []
    const { lines, loop } = await startService(site, new MemoryStore(), {
      retry: retryPolicy({ minMs: 50 }),
      check: (arrived) => {
        if (numberOf(arrived) !== 2) return
        attempts.push(arrived.meta.attempt)
        if (arrived.meta.attempt < 3) throw new Error('not yet')
      },
    })
    await eventually(() => expect(finished(heard)).toEqual(['t1', 't2', 't3']))
    await loop.stop(1_000)

    expect(new Set(attempts)).toEqual(new Set([1, 2, 3]))
    expect(lines.filter((line) => line === 'retried work')).toHaveLength(2)
    expect(await broker.inspect('work.dead')).toMatchObject({ messages: 0 })
    expect(typesOf(heard)).toHaveLength(3)
  })

  test('D1: acked only when all that follows is confirmed; a duplicate waits for it too', async () => {
    await using site = await open()
    const broker = site.connect()
    const heard = await listen(broker, 'watch')
    const store = new MemoryStore()
    const confirm = latch()
    const gate = () => confirm.opened
    await broker.publish(task(1))
    const first = await startService(site, store, { gate })
    await eventually(() => expect(store.countPending()).toBe(1))
    await first.connection.close(0)

    const second = await startService(site, store, { gate })
    await eventually(() => expect(second.lines).toContain('duplicate work'))
    await second.loop.stop(50)
    await second.connection.close(0)
    expect(heard).toEqual([])

    const third = await startService(site, store)
    await eventually(() => expect(third.lines).toContain('processed work TASK_CREATED'))
    await third.loop.stop(1_000)
    await third.connection.close()
    confirm.open()

    expect([second.batches, third.batches]).toEqual([[], []])
    expect(finished(heard)).toEqual(['t1'])
    expect(await broker.inspect('work')).toMatchObject({ messages: 0 })
  })

  test('D3: what follows has an id from its cause and place, whoever shares the batch', async () => {
    await using site = await open()
    const broker = site.connect()
    const heard = await listen(broker, 'watch')
    const twice = (store: MemoryStore) =>
      startService(site, store, {
        handle: (arrived) =>
          [0, 1].flatMap((round) =>
            arrived.map((cause) => ({ cause, body: { ...finishedBody(numberOf(cause)), result: `${round}` } })),
          ),
      })
    for (const n of [1, 2]) await broker.publish(task(n))
    const together = await twice(new MemoryStore())
    await eventually(() => expect(heard).toHaveLength(4))
    await together.loop.stop(1_000)
    // As if its transaction had been lost: another store knows nothing of the message.
    await twice(new MemoryStore())
    await broker.publish(task(2))
    await eventually(() => expect(heard).toHaveLength(6))

    const idOf = (n: number, position: number) =>
      deriveId({ cause: `m${n}`, queue: 'work', type: 'TASK_FINISHED', position })
    const ids = heard.map(({ properties }) => properties.messageId)
    expect(new Set(ids)).toEqual(new Set([idOf(1, 0), idOf(1, 1), idOf(2, 0), idOf(2, 1)]))
    expect(ids.slice(4)).toEqual([idOf(2, 0), idOf(2, 1)])
    expect(heard[0]?.properties).toMatchObject({ correlationId: 'm1', headers: { 'x-ebs-causation': 'm1' } })
  })

  test('R6: suspects have a transaction each; what came back too often is dead without being handled', async () => {
    await using site = await open()
    const broker = site.connect()
    const heard = await listen(broker, 'watch')
    await loseOften(site, CRASHES_MAX, [task(9)])
    await loseOften(site, 2, [task(1), task(2), task(3)])
    for (const n of [4, 5]) await broker.publish(task(n))
    const { batches, lines, loop } = await startService(site, new MemoryStore())
    await eventually(() => expect(typesOf(heard)).toHaveLength(6))
    await loop.stop(1_000)

    expect(finished(heard)).toEqual(['t1', 't2', 't3', 't4', 't5'])
    expect(lines.filter((line) => line.startsWith('dead'))).toEqual(['dead work crashed'])
    for (const batch of batches.filter((numbers) => numbers.some((n) => n <= 3))) expect(batch).toHaveLength(1)
    expect(await broker.inspect('work.dead')).toMatchObject({ messages: 1 })
  })

  test('D5: poison in a batch dies alone; strangers are taken where strangers are taken', async () => {
    await using site = await open()
    const broker = site.connect()
    const [heard, dead] = [await listen(broker, 'watch'), await listen(broker, 'work.dead')]
    const strange: string[] = []
    const bodies = ['not json', '{"type":"NOBODY_KNOWS"}', JSON.stringify(objectBody(1)), JSON.stringify(taskBody(1))]
    for (const body of bodies) await broker.publish(pasteInto('work', Buffer.from(body)))
    const { lines, loop } = await startService(site, new MemoryStore(), {
      takesStrangers: true,
      handle: (arrived) => {
        for (const one of arrived) if ('stranger' in one) strange.push(one.stranger)
        return arrived.filter((one) => 'data' in one).map((cause) => ({ cause, body: finishedBody(numberOf(cause)) }))
      },
    })
    await eventually(() => expect(typesOf(heard).toSorted()).toEqual(['MESSAGE_DEAD', 'MESSAGE_DEAD', 'TASK_FINISHED']))
    await loop.stop(1_000)

    expect(strange).toEqual(['NOBODY_KNOWS'])
    expect(lines.filter((line) => line === 'dead work poison')).toHaveLength(2)
    await eventually(() => expect(dead).toHaveLength(2))
    expect(await broker.inspect('work')).toMatchObject({ messages: 0 })
  })
})
