import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SidelineSimulation } from './sideline-simulation.ts'
import { tell } from './sideline-simulation-end.ts'
import { memoryStage } from './sideline-simulation-stage.ts'
import { story } from './sideline-simulation-story.ts'

const STORIES = 100
/** A slow machine tells fewer; and so long a story that fails may be made smaller. */
const TELLING_MS_MAX = 18_000
const TEST_MS_MAX = 6 * TELLING_MS_MAX

test('S2 to S7: whatever is set aside and brought back in whatever order, nothing leaks, is lost, is done twice or is left behind', {
  timeout: TEST_MS_MAX,
}, async () => {
  const ends = new Set<string>()

  await fc.assert(
    fc.asyncProperty(story, async (story) => {
      await using simulation = await SidelineSimulation.start(memoryStage())
      expect(await tell(story, simulation)).toEqual([])
      for (const { act, rule } of simulation.jobs()) ends.add(rule === undefined ? act : `${act} of a rule`)
    }),
    { numRuns: STORIES, interruptAfterTimeLimit: TELLING_MS_MAX },
  )

  // Otherwise the stories were not worth telling.
  expect([...ends]).toEqual(expect.arrayContaining(['replay', 'replay of a rule']))
})
