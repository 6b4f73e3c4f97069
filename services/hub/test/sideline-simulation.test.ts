import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SidelineSimulation } from './sideline-simulation.ts'
import { tell } from './sideline-simulation-end.ts'
import { memoryStage } from './sideline-simulation-stage.ts'
import { BUSY_MS, type Story, story } from './sideline-simulation-story.ts'

const STORIES = 28
/** A slow machine tells fewer; and so long a story that fails may be made smaller. */
const TELLING_MS_MAX = 30_000
const TEST_MS_MAX = 4 * TELLING_MS_MAX

/** Something dies early, and what is dead is brought back late: by chance alone that is one story of twelve. */
const dying = story.map(
  (told): Story => ({
    ...told,
    sendings: [{ atMs: 0, what: 'task', tenant: 'a', index: 1, manner: 'fails always' }, ...told.sendings],
    acts: [...told.acts, { atMs: BUSY_MS, event: { what: 'dead', act: 'replay', tenant: undefined, pacing: {} } }],
  }),
)

test('S2 to S7: whatever is set aside and brought back in whatever order, nothing leaks, is lost, is done twice or is left behind', {
  timeout: TEST_MS_MAX,
}, async () => {
  const ends = new Set<string>()

  await fc.assert(
    fc.asyncProperty(fc.oneof({ weight: 2, arbitrary: story }, { weight: 1, arbitrary: dying }), async (story) => {
      await using simulation = await SidelineSimulation.start(memoryStage())
      expect(await tell(story, simulation)).toEqual([])
      for (const { act, rule } of simulation.jobs()) ends.add(rule === undefined ? act : `${act} of a rule`)
    }),
    { numRuns: STORIES, interruptAfterTimeLimit: TELLING_MS_MAX },
  )

  // Otherwise the stories were not worth telling.
  expect([...ends]).toEqual(expect.arrayContaining(['replay', 'replay of a rule']))
})
