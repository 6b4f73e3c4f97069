import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { VirtualClock } from '../../clock.ts'
import { MemoryStore } from '../memory-store.ts'
import { RelayStoppedError, startRelay } from '../outbox-relay.ts'
import { row, rows } from './rows.ts'

type Sent = { readonly body: string; confirm(): void; fail(): void }

/** A store, a relay over it, and a broker that confirms only when told to (or at once, with `confirms`). */
function rig({ confirms = false } = {}) {
  const store = new MemoryStore()
  const clock = new VirtualClock()
  const sent: Sent[] = []
  const warnings: unknown[] = []
  const publish = ({ body }: { body: string }) =>
    new Promise<void>((resolve, reject) => {
      sent.push({ body, confirm: resolve, fail: () => reject(new Error('nacked')) })
      if (confirms) resolve()
    })
  const start = () => {
    const relay = startRelay({
      outbox: store,
      publish,
      clock,
      log: { info: () => undefined, warn: (fields: unknown) => warnings.push(fields), error: () => undefined },
    })
    onTestFinished(() => {
      for (const one of sent) one.confirm()
      return relay.stop()
    })
    return relay
  }
  const bodies = () => sent.map(({ body }) => body)
  /** Rows are removed some time after they were confirmed, many together. */
  const emptied = async () => {
    await clock.advance(100)
    await vi.waitFor(() => expect(store.countPending()).toBe(0))
  }
  onTestFinished(() => store.close())
  return {
    store,
    clock,
    sent,
    warnings,
    start,
    bodies,
    emptied,
    enqueue: (n: number) => store.write((tx) => tx.enqueue(rows(n))),
  }
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

describe('the outbox relay', () => {
  test('publishes on start what was left behind, in order, and empties the outbox', async () => {
    const { start, bodies, emptied, enqueue } = rig({ confirms: true })
    await enqueue(1_200)

    await start().flushed()

    expect(bodies()).toEqual(rows(1_200).map(({ body }) => body))
    await emptied()
  })

  test('publishes new rows as soon as they are durable', async () => {
    const { start, bodies, enqueue } = rig({ confirms: true })
    const relay = start()
    await relay.flushed()

    await enqueue(3)
    await relay.flushed()

    expect(bodies()).toEqual(['0', '1', '2'])
  })

  test('keeps at most 500 rows in flight', async () => {
    const { start, sent, enqueue } = rig()
    await enqueue(600)
    start()
    await vi.waitFor(() => expect(sent).toHaveLength(500))

    for (const one of sent.slice(0, 10)) one.confirm()

    await vi.waitFor(() => expect(sent).toHaveLength(510))
  })

  test('removes what is confirmed in one go, and at once when it stops', async () => {
    const { store, clock, start, sent, enqueue } = rig()
    const removed = vi.spyOn(store, 'removePublished')
    await enqueue(5)
    const relay = start()
    await vi.waitFor(() => expect(sent).toHaveLength(5))
    for (const one of sent.slice(0, 3)) one.confirm()
    await clock.advance(99)
    expect(removed).not.toHaveBeenCalled()
    await clock.advance(1)
    expect(removed.mock.calls).toEqual([[[1, 2, 3]]])

    for (const one of sent) one.confirm()
    await relay.stop()

    expect(removed.mock.calls.slice(1)).toEqual([[[4, 5]]])
  })

  test('D1: rows that another process has put in are published, too, before it is flushed', async () => {
    const { store, start, bodies, enqueue } = rig({ confirms: true })
    vi.spyOn(store, 'onEnqueued').mockReturnValue(() => undefined)
    const relay = start()
    await relay.flushed()
    await enqueue(2)

    await relay.flushed()

    expect(bodies()).toEqual(['0', '1'])
  })

  test('leaves rows that another process has put in to that process, as long as nobody waits for them', async () => {
    const { store, clock, start, bodies, enqueue } = rig({ confirms: true })
    let tell = () => {}
    vi.spyOn(store, 'onEnqueued').mockImplementation((listener) => {
      tell = listener
      return () => undefined
    })
    const relay = start()
    await relay.flushed()
    await enqueue(1)
    tell()
    await clock.advance(1_000)
    expect(bodies()).toEqual(['0'])

    await store.write((tx) => tx.enqueue([row('of another')]))
    await clock.advance(1_000)

    expect(bodies()).toEqual(['0'])
  })

  test('keeps at most 16 million characters in flight', async () => {
    const { store, start, sent } = rig()
    const large = { ...row('x'), body: 'x'.repeat(6_000_000) }
    await store.write((tx) => tx.enqueue([large, large, large, large]))
    start()
    await vi.waitFor(() => expect(sent).toHaveLength(3))

    sent[0]?.confirm()

    await vi.waitFor(() => expect(sent).toHaveLength(4))
  })

  test('D1: is flushed when all rows up to then are confirmed, in whatever order that happens', async () => {
    const { start, sent, enqueue } = rig()
    const relay = start()
    await enqueue(2)
    const flushed = relay.flushed()
    await enqueue(1)
    await vi.waitFor(() => expect(sent).toHaveLength(3))

    sent[1]?.confirm()
    expect(await isSettled(flushed)).toBe(false)
    sent[0]?.confirm()
    await flushed

    expect(await isSettled(relay.flushed())).toBe(false)
    sent[2]?.confirm()
    await relay.flushed()
  })

  test('D2: sends a refused row again before anything newer, after a pause', async () => {
    const { store, clock, start, sent, warnings, bodies, emptied, enqueue } = rig()
    await enqueue(3)
    const relay = start()
    await vi.waitFor(() => expect(sent).toHaveLength(3))

    sent[2]?.fail()
    sent[0]?.fail()
    sent[1]?.confirm()
    await store.write((tx) => tx.enqueue([row('new')]))
    await clock.advance(99)
    expect(bodies()).toEqual(['0', '1', '2'])
    await clock.advance(1)
    expect(bodies()).toEqual(['0', '1', '2', '0', '2', 'new'])

    for (const one of sent.slice(3)) one.confirm()
    await relay.flushed()
    expect(warnings).toHaveLength(1)
    await emptied()
  })

  test('D2: doubles the pause while the broker is away and never gives up', async () => {
    const { clock, start, sent, enqueue } = rig()
    await enqueue(1)
    start()

    for (const [tries, pauseMs] of [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000].entries()) {
      await vi.waitFor(() => expect(sent).toHaveLength(tries + 1))
      sent[tries]?.fail()
      await clock.advance(pauseMs - 1)
      expect(sent).toHaveLength(tries + 1)
      await clock.advance(1)
    }
  })

  test('waits on stop for what is in flight, and leaves the rest in the outbox', async () => {
    const { store, start, sent, enqueue } = rig()
    await enqueue(501)
    const relay = start()
    await vi.waitFor(() => expect(sent).toHaveLength(500))
    const flushed = relay.flushed()

    const stopping = relay.stop()
    expect(await isSettled(stopping)).toBe(false)
    for (const one of sent) one.confirm()
    await stopping

    await expect(flushed).rejects.toThrow(RelayStoppedError)
    expect(store.readPending(0, 10).map(({ body }) => body)).toEqual(['500'])
  })

  test('stops after 5 s when the broker never answers', async () => {
    const { store, clock, start, sent, enqueue } = rig()
    await enqueue(1)
    const relay = start()
    await vi.waitFor(() => expect(sent).toHaveLength(1))

    const stopping = relay.stop()
    await clock.advance(4_999)
    expect(await isSettled(stopping)).toBe(false)
    await clock.advance(1)
    await stopping

    expect(store.countPending()).toBe(1)
  })

  test('tries again when the outbox cannot be read or emptied', async () => {
    const { store, clock, start, bodies, emptied, enqueue } = rig({ confirms: true })
    await enqueue(1)
    vi.spyOn(store, 'readPending').mockImplementationOnce(() => {
      throw new Error('disk')
    })
    vi.spyOn(store, 'removePublished').mockRejectedValueOnce(new Error('disk'))

    const relay = start()
    await clock.advance(100)
    await relay.flushed()
    await clock.advance(300)

    await emptied()
    expect(bodies()).toEqual(['0'])
  })
})
