import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { VirtualClock } from '../../clock.ts'
import { MemoryStore } from '../memory-store.ts'
import { startRelay } from '../outbox-relay.ts'
import type { OutboxRow } from '../store.ts'
import { isRefused, RefusedError, rowTo } from './refusing.ts'

/** `a0`, `a1` and so on, to the key `a`. */
const rowsTo = (key: string, count: number, from = 0) =>
  Array.from({ length: count }, (_, at) => rowTo(key, `${key}${from + at}`))

type Line = { readonly level: string; readonly fields: object }

/** A store, a relay over it, and a broker that refuses the keys it is told to refuse and takes all others. */
function rig() {
  const store = new MemoryStore()
  const clock = new VirtualClock()
  const full = new Set<string>()
  /** So many more the full ones take. */
  const room = { left: 0 }
  const tried: string[] = []
  const taken: string[] = []
  const lines: Line[] = []
  const note = (level: string) => (fields: unknown) => {
    if (typeof fields === 'object' && fields !== null) lines.push({ level, fields })
  }
  const publish = async ({ key, body }: OutboxRow) => {
    tried.push(body)
    if (full.has(key) && room.left-- <= 0) throw new RefusedError(`'${key}' is full`)
    taken.push(body)
  }
  const start = () => {
    const log = { info: note('info'), warn: note('warn'), error: note('error') }
    const relay = startRelay({ outbox: store, publish, isRefused, clock, log })
    onTestFinished(() => relay.stop())
    return relay
  }
  onTestFinished(() => store.close())
  const enqueue = (rows: readonly OutboxRow[]) => store.write((tx) => tx.enqueue(rows))
  const told = (level: string) => lines.filter((line) => line.level === level)
  return { store, clock, full, room, tried, taken, told, start, enqueue }
}

const isSettled = async (promise: Promise<unknown>) => {
  let settled = false
  const mark = () => {
    settled = true
  }
  promise.then(mark, mark)
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve))
  return settled
}

describe('what the broker refuses', () => {
  test('D2: waits aside, with what comes behind it to the same key; all else goes out, and is flushed', async () => {
    const { store, clock, full, tried, taken, start, enqueue } = rig()
    full.add('a')
    const relay = start()
    await enqueue([...rowsTo('a', 1), ...rowsTo('b', 2)])
    await relay.flushed()

    await enqueue([...rowsTo('a', 1, 1), ...rowsTo('b', 1, 2)])
    await relay.flushed()

    expect(taken).toEqual(['b0', 'b1', 'b2'])
    expect(tried.filter((body) => body.startsWith('a'))).toEqual(['a0'])
    expect(relay.refusedRows).toBe(2)
    await clock.advance(100)
    expect(store.countPending()).toBe(2)
  })

  test('D2: goes out in order as soon as the broker takes it, and then there is no difference any more', async () => {
    const { store, clock, full, tried, taken, start, enqueue } = rig()
    full.add('a')
    const relay = start()
    await enqueue(rowsTo('a', 700))
    await relay.flushed()
    expect(relay.refusedRows).toBe(700)

    full.clear()
    await clock.advance(1_000)
    await vi.waitFor(() => expect(relay.refusedRows).toBe(0))
    await enqueue(rowsTo('a', 1, 700))
    await relay.flushed()

    expect(taken).toEqual(rowsTo('a', 701).map(({ body }) => body))
    await clock.advance(200)
    expect(store.countPending()).toBe(0)
    expect(tried).toHaveLength(701 + 500)
  })

  test('is tried with its oldest row, at pauses that double up to 30 s and begin anew when one got through', async () => {
    const { clock, full, room, tried, taken, start, enqueue } = rig()
    full.add('a')
    start()
    await enqueue(rowsTo('a', 3))
    await clock.advance(0)
    expect(tried.splice(0)).toEqual(['a0', 'a1', 'a2'])

    for (const pauseMs of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
      await clock.advance(pauseMs - 1)
      expect(tried).toEqual([])
      await clock.advance(1)
      expect(tried.splice(0)).toEqual(['a0'])
    }
    room.left = 1
    await clock.advance(30_000)
    expect([taken, tried.splice(0)]).toEqual([['a0'], ['a0', 'a1', 'a2']])

    await clock.advance(1_000)
    expect(tried).toEqual(['a1'])
  })

  test('waits for a row to the same key that is still on its way', async () => {
    const [store, clock] = [new MemoryStore(), new VirtualClock()]
    const tried: string[] = []
    let refuse = () => {}
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
    const publish = ({ body }: OutboxRow) =>
      new Promise<void>((_, reject) => {
        tried.push(body)
        if (body === 'a0') refuse = () => reject(new RefusedError('full'))
        else reject(new RefusedError('full'))
      })
    const relay = startRelay({ outbox: store, publish, isRefused, clock, log })
    onTestFinished(() => relay.stop())
    await store.write((tx) => tx.enqueue(rowsTo('a', 2)))

    await clock.advance(10_000)
    expect(tried).toEqual(['a0', 'a1'])
    refuse()
    await clock.advance(30_000)

    expect(tried.slice(2, 3)).toEqual(['a0'])
    refuse()
  })

  test('what was taken in between is not published again, though it cannot be removed from the outbox', async () => {
    const [store, clock] = [new MemoryStore(), new VirtualClock()]
    const taken: string[] = []
    const refusals = new Set(['a0', 'a2'])
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
    const publish = async ({ body }: OutboxRow) => {
      if (refusals.delete(body)) throw new RefusedError('full')
      taken.push(body)
    }
    const remove = vi.spyOn(store, 'removePublished').mockRejectedValue(new Error('disk'))
    const relay = startRelay({ outbox: store, publish, isRefused, clock, log })
    onTestFinished(() => relay.stop())
    await store.write((tx) => tx.enqueue(rowsTo('a', 3)))
    await relay.flushed()

    await clock.advance(60_000)

    expect([taken, relay.refusedRows, store.countPending()]).toEqual([['a1', 'a0', 'a2'], 0, 3])
    remove.mockRestore()
  })

  test('stays in the outbox when the relay stops, which does not wait for it, and is tried again after a restart', async () => {
    const { store, full, taken, start, enqueue } = rig()
    full.add('a')
    const before = start()
    await enqueue([...rowsTo('a', 2), ...rowsTo('b', 1)])
    await before.flushed()
    await before.stop()
    expect(store.readPending(0, 10).map(({ body }) => body)).toEqual(['a0', 'a1'])

    full.clear()
    const after = start()
    await after.flushed()

    expect(taken).toEqual(['b0', 'a0', 'a1'])
  })

  test('D2: however many wait, in number and in length, nothing that goes elsewhere waits, and they go out in order', async () => {
    const { clock, full, taken, told, start, enqueue } = rig()
    full.add('a')
    const relay = start()
    const text = 'x'.repeat(2 * 1_048_576)
    await enqueue(rowsTo('a', 10_001))
    await enqueue(rowsTo('a', 12, 10_001).map((row) => ({ ...row, body: `${row.body}${text}` })))
    await enqueue(rowsTo('b', 1))
    await relay.flushed()

    expect([taken.splice(0), relay.refusedRows, told('error')]).toEqual([['b0'], 10_013, []])

    full.clear()
    await clock.advance(1_000)
    await vi.waitFor(() => expect(relay.refusedRows).toBe(0), { timeout: 10_000 })
    expect(taken.map((body) => Number.parseInt(body.slice(1), 10))).toEqual(
      Array.from({ length: 10_013 }, (_, at) => at),
    )
  })

  test('D2: from 10,000 refused keys on nothing goes out any more, said loudly, until one of them is taken', async () => {
    const { clock, full, taken, told, start, enqueue } = rig()
    const keys = Array.from({ length: 10_000 }, (_, at) => `a${at}`)
    for (const key of keys) full.add(key)
    const relay = start()
    await enqueue(keys.flatMap((key) => rowsTo(key, 1)))
    await relay.flushed()
    await enqueue(rowsTo('b', 1))
    const flushed = relay.flushed()

    expect(await isSettled(flushed)).toBe(false)
    expect([taken, relay.refusedRows]).toEqual([[], 10_000])
    expect(told('error')).toMatchObject([{ fields: { rows: 10_000, destinations: 10_000 } }])

    full.delete('a7')
    for (let tries = 0; tries < 4 && !(await isSettled(flushed)); tries++) await clock.advance(1_000)
    expect(taken).toEqual(['a70', 'b0'])
  })

  test('is told of once a minute and key, of five keys at most, and when it is over', async () => {
    const { clock, full, told, start, enqueue } = rig()
    const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
    for (const key of keys) full.add(key)
    const relay = start()
    await enqueue(keys.flatMap((key) => rowsTo(key, 3)))
    await relay.flushed()

    const toldKeys = () => told('warn').map(({ fields }) => ('key' in fields ? fields.key : undefined))
    expect(toldKeys()).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(told('warn')[0]).toMatchObject({ fields: { exchange: 'ebs', key: 'a', err: expect.any(RefusedError) } })
    await clock.advance(59_000)
    expect(toldKeys()).toHaveLength(5)
    await clock.advance(31_000)
    expect(toldKeys()).toHaveLength(10)

    full.clear()
    await clock.advance(30_000)
    expect(told('info').map(({ fields }) => fields)).toEqual(keys.slice(0, 5).map((key) => ({ exchange: 'ebs', key })))
  })
})
