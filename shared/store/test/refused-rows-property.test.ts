import fc from 'fast-check'
import { expect, test } from 'vitest'
import { VirtualClock } from '../../clock.ts'
import { MemoryStore } from '../memory-store.ts'
import { startRelay } from '../outbox-relay.ts'
import type { OutboxRow } from '../store.ts'
import { isRefused, RefusedError, rowTo } from './refusing.ts'

const KEYS = ['a', 'b', 'c']
const sendings = fc.array(
  fc.record({
    key: fc.constantFrom(...KEYS),
    /** What becomes of it before it is taken. */
    fates: fc.array(fc.constantFrom('refused', 'refused', 'lost'), { maxLength: 3 }),
    /** How long the broker takes for each answer. */
    answerMs: fc.integer({ min: 0, max: 3_000 }),
    /** How long the store takes to read. */
    readMs: fc.constantFrom(0, 0, 5, 500),
    /** Until the next row is put in. */
    pauseMs: fc.constantFrom(0, 0, 0, 10, 900, 4_000),
  }),
  { minLength: 1, maxLength: 30 },
)

test('D2: whatever is refused or lost on the way, each row is published once, and no row is sent past an earlier one to its key that waits', async () => {
  await fc.assert(
    fc.asyncProperty(sendings, async (all) => {
      const [store, clock] = [new MemoryStore(), new VirtualClock()]
      const fates = all.map((sending) => [...sending.fates])
      const onItsWay = new Set<number>()
      const taken: number[] = []
      const overtaken: string[] = []
      const publish = async ({ key, body }: OutboxRow) => {
        const at = Number(body)
        for (const [earlier, one] of all.slice(0, at).entries())
          if (one.key === key && !taken.includes(earlier) && !onItsWay.has(earlier))
            overtaken.push(`${at} went past ${earlier}`)
        onItsWay.add(at)
        await new Promise<void>((resolve) => clock.after(all[at]?.answerMs ?? 0, resolve))
        onItsWay.delete(at)
        const fate = fates[at]?.shift()
        if (fate) throw fate === 'refused' ? new RefusedError('full') : new Error('the connection was lost')
        taken.push(at)
      }
      const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
      let reads = 0
      const outbox = {
        get lastSeq() {
          return store.lastSeq
        },
        onEnqueued: (listener: () => void) => store.onEnqueued(listener),
        removePublished: (seqs: readonly number[]) => store.removePublished(seqs),
        countPending: () => store.countPending(),
        // What it gives is how it was when it was asked.
        async readPending(afterSeq: number, limit: number) {
          const rows = store.readPending(afterSeq, limit)
          const { readMs = 0 } = all[reads++ % all.length] ?? {}
          if (readMs > 0) await new Promise<void>((resolve) => clock.after(readMs, resolve))
          return rows
        },
      }
      const relay = startRelay({ outbox, publish, isRefused, clock, log })

      for (const [at, { key, pauseMs }] of all.entries()) {
        await store.write((tx) => tx.enqueue([rowTo(key, String(at))]))
        await clock.advance(pauseMs)
      }
      await clock.advance(900_000)
      await relay.flushed()
      await relay.stop()

      expect(taken.toSorted((a, b) => a - b)).toEqual(all.map((_, at) => at))
      expect(overtaken).toEqual([])
      expect([relay.refusedRows, store.countPending()]).toEqual([0, 0])
      await store.close()
    }),
    { numRuns: 60 },
  )
})
