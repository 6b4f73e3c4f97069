import fc from 'fast-check'
import { expect, test } from 'vitest'
import { tell } from './journey-simulation-end.ts'
import { type Story, story } from './journey-simulation-story.ts'

/** The rarest end is that of one in four. */
const STORIES = 32
/** A slow machine tells fewer; and so long a story that fails may be made smaller. */
const TELLING_MS_MAX = 30_000
const TEST_MS_MAX = 4 * TELLING_MS_MAX

/** What fast-check has found, and how to see it again. */
const failureOf = (details: fc.RunDetails<[Story]>) =>
  `${fc.defaultReportMessage(details)}
${details.errorInstance}
To tell this story again, give fc.check { seed: ${details.seed}, path: '${details.counterexamplePath}' } in journey-simulation.test.ts.`

test('J2 to J6: whatever fails, is decided, killed or set aside, each journey runs once, to one end, and leaves nothing behind', {
  timeout: TEST_MS_MAX,
}, async () => {
  const ends = new Set<string>()

  const details = await fc.check(
    fc.asyncProperty(story, async (story) => {
      const told = await tell(story)
      expect(told.broken).toEqual([])
      for (const end of told.ends) ends.add(end)
    }),
    { numRuns: STORIES, interruptAfterTimeLimit: TELLING_MS_MAX },
  )

  if (details.failed) throw new Error(failureOf(details))
  // Otherwise the stories were not worth telling.
  expect([...ends].toSorted()).toEqual(['CANCELLED', 'COMPENSATED', 'COMPLETED', 'FAILED'])
})
