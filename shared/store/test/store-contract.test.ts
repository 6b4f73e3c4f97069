import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { JOB_MS_MAX } from '../group-commit.ts'
import { INBOX_KEEP_MS } from '../inbox-retention.ts'
import { MemoryStore } from '../memory-store.ts'
import { messagingTables } from '../migrations.ts'
import type { Outbox } from '../outbox-relay.ts'
import { SqliteStore } from '../sqlite-store.ts'
import { type Store, StoreUnavailableError, type Transaction } from '../store.ts'
import { row, rows } from './rows.ts'
import { scratch } from './scratch.ts'

type AnyStore = Store<Transaction> & Outbox & { prune(nowMs: number): Promise<number> }

const stores: [string, () => Promise<AnyStore>][] = [
  ['sqlite', () => SqliteStore.open({ path: join(scratch(), 'store.db'), migrations: [messagingTables] })],
  ['memory', async () => new MemoryStore()],
]

describe.each(stores)('a %s store', (_, make) => {
  async function open(): Promise<AnyStore> {
    const store = await make()
    onTestFinished(() => store.close())
    return store
  }
  const bodies = async (store: AnyStore) => (await store.readPending(0, 1_000)).map(({ body }) => body)

  test('gives back what a job returns, at once or later', async () => {
    const store = await open()

    expect(await store.write(() => 1)).toBe(1)
    expect(await store.write(async () => 2)).toBe(2)
  })

  test('runs jobs strictly one after another, in the order given, asynchronous ones too', async () => {
    const store = await open()
    const steps: string[] = []

    await Promise.all(
      ['a', 'b', 'c'].map((name) =>
        store.write(async () => {
          steps.push(`${name} begins`)
          await new Promise((resolve) => setImmediate(resolve))
          steps.push(`${name} ends`)
        }),
      ),
    )

    expect(steps).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
  })

  test.each([
    ['at once', () => Promise.reject(new Error('no'))],
    [
      'later',
      async () => {
        await new Promise((resolve) => setImmediate(resolve))
        throw new Error('no')
      },
    ],
  ])('undoes a job that fails %s alone, in a group and by itself', async (_, fail) => {
    const store = await open()
    const good = (body: string) => store.write((tx) => tx.enqueue([row(body)]))
    const bad = () =>
      store.write(async (tx) => {
        await tx.enqueue([row('bad')])
        await tx.recordFirstSeen('q', ['bad'], 1)
        await fail()
      })

    const group = await Promise.allSettled([good('1'), bad(), good('2')])
    const alone = await Promise.allSettled([bad()])

    expect([...group, ...alone].map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected'])
    expect(await bodies(store)).toEqual(['1', '2'])
    expect(await store.write((tx) => tx.recordFirstSeen('q', ['bad'], 1))).toEqual(new Set(['bad']))
  })

  test('takes a job that throws without a promise like one that rejects', async () => {
    const store = await open()

    const failing = store.write(() => {
      throw new Error('thrown')
    })

    await expect(failing).rejects.toThrow('thrown')
  })

  test('undoes a job that hangs, after 10 s, and goes on', async () => {
    const store = await open()
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    onTestFinished(() => void vi.useRealTimers())

    const hanging = expect(
      store.write(async (tx) => {
        await tx.enqueue([row('hangs')])
        await new Promise(() => undefined)
      }),
    ).rejects.toThrow('longer than')
    await vi.waitFor(() => expect(vi.getTimerCount()).toBe(1))
    vi.advanceTimersByTime(JOB_MS_MAX)
    await hanging

    await store.write((tx) => tx.enqueue([row('next')]))
    expect(await bodies(store)).toEqual(['next'])
  })

  test('works through more jobs than a group holds', async () => {
    const store = await open()

    await Promise.all(rows(1_000).map((r) => store.write((tx) => tx.enqueue([r]))))

    expect(await bodies(store)).toEqual(rows(1_000).map(({ body }) => body))
  })

  test('D3: says once per queue and id that it is first seen', async () => {
    const store = await open()
    const seen = (queue: string, ids: string[]) =>
      store.write(async (tx) => [...(await tx.recordFirstSeen(queue, ids, 1))])

    expect(await seen('q', [])).toEqual([])
    expect(await seen('q', ['a', 'b', 'a'])).toEqual(['a', 'b'])
    expect(await seen('q', ['c', 'a'])).toEqual(['c'])
    expect(await seen('other', ['a'])).toEqual(['a'])
  })

  test('D3: sees ids of earlier jobs of the same group', async () => {
    const store = await open()
    const once = () => store.write(async (tx) => (await tx.recordFirstSeen('q', ['a'], 1)).size)

    expect(await Promise.all([once(), once()])).toEqual([1, 0])
  })

  test('forgets the ids that it is told to, of that queue only: they are new again', async () => {
    const store = await open()
    const seen = (queue: string) => store.write(async (tx) => [...(await tx.recordFirstSeen(queue, ['a', 'b'], 1))])
    await Promise.all([seen('q'), seen('other')])

    await store.write((tx) => tx.forget('q', ['a', 'never there']))

    expect(await seen('q')).toEqual(['a'])
    expect(await seen('q')).toEqual([])
    expect(await seen('other')).toEqual([])
  })

  test('forgets within a job what the job or one before it recorded; undone with the job', async () => {
    const store = await open()
    const record = (id: string) => store.write(async (tx) => (await tx.recordFirstSeen('q', [id], 1)).size)
    await record('before')
    const sizes = await store.write(async (tx) => {
      const first = await tx.recordFirstSeen('q', ['now', 'before'], 1)
      await tx.forget('q', ['now', 'before'])
      const second = await tx.recordFirstSeen('q', ['now', 'before'], 1)
      await tx.forget('q', ['now'])
      return [first.size, second.size]
    })
    const undone = store.write(async (tx) => {
      await tx.forget('q', ['before'])
      throw new Error('undone')
    })

    await expect(undone).rejects.toThrow('undone')
    expect(sizes).toEqual([1, 2])
    expect([await record('now'), await record('before')]).toEqual([1, 0])
  })

  test('forgets ids after 30 days and no earlier', async () => {
    const store = await open()
    const old = Array.from({ length: 5_000 }, (_, i) => `old ${i}`)
    await store.write((tx) => tx.recordFirstSeen('q', old, 0))
    await store.write((tx) => tx.recordFirstSeen('q', ['new'], 1))

    expect(await store.prune(INBOX_KEEP_MS)).toBe(0)
    expect(await store.prune(INBOX_KEEP_MS + 1)).toBe(5_000)

    expect(await store.write((tx) => tx.recordFirstSeen('q', ['old 0', 'new'], 2))).toEqual(new Set(['old 0']))
  })

  test('hands out the outbox in order, behind a place, as many as asked for', async () => {
    const store = await open()
    await store.write((tx) => tx.enqueue(rows(5)))
    const all = await store.readPending(0, 10)
    const [first] = all

    expect(all.map(({ body }) => body)).toEqual(['0', '1', '2', '3', '4'])
    expect(first).toMatchObject(row('0'))
    expect((await store.readPending(first?.seq ?? 0, 2)).map(({ body }) => body)).toEqual(['1', '2'])
    expect(all.at(-1)?.seq).toBe(store.lastSeq)
  })

  test.each([
    { what: 'as many as fit into 16 MiB', mib: [1, 14, 0.9, 0.2], handedOut: [1, 14, 0.9] },
    { what: 'the one that is larger alone', mib: [17, 1], handedOut: [17] },
    { what: 'those before a larger one', mib: [1, 17], handedOut: [1] },
    { what: 'no more than asked for, of small ones', mib: [0, 0, 0, 0, 0, 0], handedOut: [0, 0, 0, 0] },
  ])('hands out $what', async ({ mib, handedOut }) => {
    const store = await open()
    const large = (size: number) => row('x'.repeat(size * 1_048_576))
    await store.write((tx) => tx.enqueue(mib.map(large)))

    const first = await store.readPending(0, 4)
    const rest = await store.readPending(first.at(-1)?.seq ?? 0, 4)

    expect(first.map(({ body }) => body.length)).toEqual(handedOut.map((size) => large(size).body.length))
    expect(rest[0]?.seq).toBe((first.at(-1)?.seq ?? 0) + 1)
  })

  test('counts bytes where a character has several, and those of properties', async () => {
    const store = await open()
    const half = 8 * 1_048_576
    await store.write((tx) =>
      tx.enqueue([row('\u{20AC}'.repeat(half / 3)), { ...row(''), properties: 'x'.repeat(half) }, row('more')]),
    )

    expect((await store.readPending(0, 10)).map(({ body }) => body.length)).toEqual([Math.floor(half / 3), 0])
  })

  test('counts what is pending and forgets what was published', async () => {
    const store = await open()
    await store.write((tx) => tx.enqueue(rows(5)))
    expect(await store.countPending()).toBe(5)

    await store.removePublished((await store.readPending(0, 3)).map(({ seq }) => seq))
    await store.removePublished([])
    await store.write((tx) => tx.enqueue([row('5')]))

    expect(await bodies(store)).toEqual(['3', '4', '5'])
    expect(await store.countPending()).toBe(3)
  })

  test('never gives a seq twice, also when the outbox was empty in between', async () => {
    const store = await open()
    await store.write((tx) => tx.enqueue(rows(3)))
    const before = store.lastSeq
    await store.removePublished((await store.readPending(0, 10)).map(({ seq }) => seq))

    await store.write((tx) => tx.enqueue([row('new')]))

    expect((await store.readPending(0, 10))[0]?.seq).toBeGreaterThan(before)
  })

  test('tells listeners of new rows before the writer hears of it, and only then', async () => {
    const store = await open()
    const told: number[] = []
    const stop = store.onEnqueued(() => told.push(store.lastSeq))

    await store.write(() => undefined)
    expect(told).toEqual([])
    await store.write((tx) => tx.enqueue(rows(2)))
    expect(told).toEqual([store.lastSeq])
    stop()
    await store.write((tx) => tx.enqueue(rows(1)))
    expect(told).toHaveLength(1)
  })

  test('finishes the jobs it has when it is closed, and takes no more', async () => {
    const store = await make()
    const last = store.write(async (tx) => {
      await tx.enqueue(rows(1))
      return 'done'
    })

    const closing = store.close()

    await expect(store.write(() => undefined)).rejects.toThrow(StoreUnavailableError)
    await closing
    expect(await last).toBe('done')
  })
})
