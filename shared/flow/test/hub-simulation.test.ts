import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Body } from '../../events.ts'
import { Simulation } from './simulation.ts'
import { brokenPromises } from './simulation-checks.ts'
import { endOf, nameEnd } from './simulation-ends.ts'
import { answersTo, faultsOf, lengthOf, sendingsOf, story } from './simulation-story.ts'

/** The rarest end is that of one in twelve. */
const STORIES = 150
/** A slow machine tells fewer; and so long a story that fails may be made smaller. */
const TELLING_MS_MAX = 60_000
const TEST_MS_MAX = 2 * TELLING_MS_MAX

test('H1, H7, G1 to G9: whatever happens to the hub, each conversation has one end, at its due time or as soon as a hub lives', {
  timeout: TEST_MS_MAX,
}, async () => {
  const ends = new Set<string>()

  await fc.assert(
    fc.asyncProperty(story, async (story) => {
      await using simulation = await Simulation.start((call) => answersTo(story, call))
      await simulation.run(sendingsOf(story), faultsOf(story), lengthOf(story))
      expect(await brokenPromises(simulation)).toEqual([])
      for (const { message } of simulation.heard.values()) {
        const end = endOf(message)
        if (end) ends.add(nameEnd(end))
      }
    }),
    { numRuns: STORIES, interruptAfterTimeLimit: TELLING_MS_MAX },
  )

  // Otherwise the stories were not worth telling.
  expect([...ends].toSorted()).toEqual([
    'FLOW_SUCCEEDED',
    'OBJECT_COMPLETED',
    'OBJECT_FAILED',
    'flow: hub-timeout',
    'flow: worker-error',
    'group: all',
    'group: error',
    'group: quorum',
    'group: timeout',
  ])
})

test('H7: a wake-up that lay in the outbox while the hub was dead comes no later for it', async () => {
  await using simulation = await Simulation.start(() => [])
  const create: Body = { type: 'EventGroupCollectorCreate', id: 'g', expected: ['a'], ttl: 2 }

  await simulation.run(
    [{ atMs: 10, id: 'create', body: create }],
    [{ atMs: 0, forMs: 1_500, what: 'before publish', count: 0 }],
    5_000,
  )

  const end = [...simulation.heard.values()].find(({ message }) => endOf(message))
  expect(end?.atMs).toBeGreaterThanOrEqual(simulation.startMs + 2_010)
  expect(end?.atMs).toBeLessThan(simulation.startMs + 2_040)
})
