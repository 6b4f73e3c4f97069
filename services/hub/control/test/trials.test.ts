import { expect, test } from 'vitest'
import { parseEvent } from '../../../../shared/bus/envelope.ts'
import type { Body } from '../../../../shared/events.ts'
import { controlStream } from '../../../../shared/topology.ts'
import { runTrial } from '../trials.ts'
import { controlSite } from './control-fixture.ts'

type Site = Awaited<ReturnType<typeof controlSite>>
const trial = { filter: 'tenant == "acme"', queues: ['process_consume', 'distributor_consume'], sample: 100 }

/** Consumers that answer each trial. */
async function answering(site: Site, answers: readonly Omit<Body<'SIDELINE_TRIED'>, 'type' | 'trial'>[]) {
  const asked: Body[] = []
  await site.bus.broker.follow(controlStream, (message) => {
    const event = parseEvent(message)
    if (!('data' in event) || event.type !== 'SIDELINE_TRIAL') return
    asked.push(event.data)
    for (const answer of answers) void site.say({ type: 'SIDELINE_TRIED', trial: event.data.trial, ...answer })
  })
  return asked
}
const tried = (queue: string, consumer: string, matched: number) => ({
  ...{ queue, consumer, sampled: 100, matched, unclear: 1, examples: [`${consumer}-m`] },
})

test('adds up what every consumer found, by queue, as soon as all have answered', async () => {
  await using site = await controlSite()
  site.consume('process_consume', ['p1', 'p2', 'p1.replay'])
  site.consume('distributor_consume', 1)
  const asked = await answering(site, [
    tried('process_consume', 'p1', 10),
    tried('process_consume', 'p2', 20),
    tried('distributor_consume', 'd1', 0),
  ])

  const result = runTrial(site, trial)
  await site.clock.advance(0)

  expect(await result).toEqual({
    ...{ sampled: 300, matched: 30, unclear: 3, answered: 3, missing: [], examples: ['p1-m', 'p2-m', 'd1-m'] },
    queues: [
      { queue: 'process_consume', sampled: 200, matched: 30, unclear: 2 },
      { queue: 'distributor_consume', sampled: 100, matched: 0, unclear: 1 },
    ],
  })
  expect(asked).toMatchObject([{ filter: 'tenant == "acme"', queues: trial.queues, sample: 100 }])
})

test('names those that have not answered after a second, and hears no more of them', async () => {
  await using site = await controlSite()
  site.consume('process_consume', ['p1', 'slow'])
  site.consume('distributor_consume', 2)
  await answering(site, [tried('process_consume', 'p1', 10)])

  const result = runTrial(site, trial)
  await site.clock.advance(1_100)

  expect(await result).toMatchObject({
    ...{ answered: 1, matched: 10, missing: ['slow', '2 of 2 consumers of distributor_consume'] },
  })
})

test('of nobody nothing is expected', async () => {
  await using site = await controlSite()

  expect(await runTrial(site, trial)).toMatchObject({ sampled: 0, answered: 0, missing: [], examples: [] })
})
