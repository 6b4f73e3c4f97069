import { expect, test } from 'vitest'
import { readStatistics } from '../store.ts'
import { failed, flow, objectFailed, told } from './history.ts'
import { count, open, scratchPath } from './scratch.ts'

test('S7: comes out the same when one process counts live messages and another those that are replayed', async () => {
  const path = scratchPath()
  const [live, replays] = await Promise.all([open(path), open(path)])
  const events = [
    ...Array.from({ length: 20 }, (_, i) => flow(`o${i}`, 3)).flat(),
    ...Array.from({ length: 20 }, (_, i) => [told(failed(`o${i}-1`, true)), told(objectFailed(`o${i}`), 20)]).flat(),
  ]
  const batches = Array.from({ length: Math.ceil(events.length / 7) }, (_, i) => events.slice(i * 7, (i + 1) * 7))
  const alone = await open()
  await count(alone.store, events)

  for (const [i, batch] of batches.entries()) {
    const [ours, theirs] = i % 2 === 0 ? [live, replays] : [replays, live]
    // Both at once, and each what the other has counted last.
    await Promise.all([count(ours.store, batch), count(theirs.store, events.slice(i, i + 3))])
  }
  await count(live.store, events)

  const { updated_at: at, ...totals } = readStatistics(replays.store.read)
  const { updated_at, ...expected } = readStatistics(alone.store.read)
  expect(totals).toEqual(expected)
  expect(at).toBe(updated_at)
})
