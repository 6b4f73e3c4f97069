import { expect, test } from 'vitest'
import { VirtualClock } from '../../../shared/clock.ts'
import { logSummaries } from '../summary.ts'

const totals = {
  ...{ objects_created: 5, objects_completed: 3, objects_failed: 1 },
  ...{ tasks_created: 15, tasks_finished: 10, tasks_failed: 2, tasks_in_progress: 3, messages_dead: 4 },
}
const LINE = 'objects 5 (3 completed, 1 failed), tasks 15 created, 10 finished, 2 failed, 3 in progress; dead 4'

test('the log says the totals in one line, at most once a second, and once more at the end', async () => {
  const clock = new VirtualClock()
  const lines: string[] = []
  const log = { info: (line: string) => void lines.push(line), warn: () => undefined }
  let dead = totals.messages_dead
  const summaries = logSummaries(log, () => ({ ...totals, messages_dead: dead }), clock)

  for (let i = 0; i < 100; i++) summaries.changed()
  expect(lines).toEqual([])
  await clock.advance(1_000)
  expect(lines).toEqual([LINE])
  await clock.advance(5_000)
  expect(lines).toHaveLength(1)

  // Something was counted that is in none of these totals.
  summaries.changed()
  await clock.advance(1_000)
  expect(lines).toHaveLength(1)

  dead++
  summaries.changed()
  summaries.stop()
  summaries.stop()
  expect(lines).toEqual([LINE, LINE.replace('dead 4', 'dead 5')])
})
