import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SidelineSimulation } from './sideline-simulation.ts'
import { shortTime, tell } from './sideline-simulation-end.ts'
import { rabbitStage } from './sideline-simulation-stage.ts'
import { story } from './sideline-simulation-story.ts'

/** Of stories with overlapping rules, faults in two of them. Each is a hub and three consumers: more would only wait for the machine. */
const SEEDS = [3, 4, 6]

test.concurrent.for(SEEDS)(
  'S2 to S7 on RabbitMQ: a story of overlapping rules ends with everything handled, dead or dropped, %i',
  {
    timeout: 90_000,
  },
  async (seed) => {
    const [told] = fc.sample(story, { seed, numRuns: 1 })
    if (!told) throw new Error('There is no story.')
    await using simulation = await SidelineSimulation.start(await rabbitStage())

    expect(await tell(told, simulation, shortTime)).toEqual([])
  },
)
