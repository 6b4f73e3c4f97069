import { expect, test } from 'vitest'
import type { Body } from '../../../events.ts'
import { anyKind } from '../../any-kind.ts'
import { EARLY_KEEP_MS, send, startKernel } from '../../test/kernel-fixture.ts'
import { journeyKind } from '../journey.ts'
import { definitionOf, initiationOf, Registered, SAGA, stepOf, TIMEOUT_MS } from './journey-run.ts'

const start = () => {
  const definitions = new Registered(definitionOf([stepOf('a'), stepOf('b', 'a')]))
  return startKernel({ kinds: [anyKind(journeyKind({ definitions, hasWebhook: false }))] })
}
type Rig = Awaited<ReturnType<typeof start>>
const done = (step: string): Body => ({ type: 'ACTIVITY_SUCCEEDED', callId: `${SAGA}:${step}`, status: 200 })
/** Attempts by call, as they went over the bus: by their bodies and by their headers. */
const asked = (rig: Rig) =>
  rig.sent
    .filter(({ properties }) => properties.type === 'ACTIVITY_REQUESTED')
    .map(({ key, properties }) => `${key} #${properties.headers?.['x-ebs-call-attempt']}`)

test('a journey goes from its request to its end over the bus, and each request says which attempt it is', async () => {
  await using rig = await start()
  await send(rig, initiationOf())
  await rig.clock.advance(100)
  // Nobody answers the first attempt.
  await rig.clock.advance(TIMEOUT_MS + 500)
  await send(rig, done('a'))
  await rig.clock.advance(100)
  await send(rig, done('b'))
  await rig.clock.advance(100)

  expect(asked(rig)).toEqual(['activity.do-a #1', 'activity.do-a #2', 'activity.do-b #1'])
  expect(rig.said('JOURNEY_COMPLETED')).toHaveLength(1)
})

test('J3: an answer that overtakes its journey is kept, and counts when that opens', async () => {
  await using rig = await start()
  await send(rig, done('a'))
  await rig.clock.advance(100)
  await send(rig, initiationOf())
  await rig.clock.advance(100)

  expect(asked(rig)).toEqual(['activity.do-a #1', 'activity.do-b #1'])
})

test('one whose journey never opens is counted in the end', async () => {
  await using rig = await start()
  await send(rig, done('a'))
  await rig.clock.advance(100)
  const before = await rig.store.reader.listIgnored()
  await rig.clock.advance(EARLY_KEEP_MS)
  await rig.store.write((tx) => rig.hub.kernel.sweep(tx))

  expect(before).toEqual([])
  expect(await rig.store.reader.listIgnored()).toMatchObject([{ kind: 'journey', why: 'unknown', count: 1 }])
})

test('an answer to no step of a journey that has just begun changes nothing', async () => {
  await using rig = await start()
  await send(rig, done('z'))
  await send(rig, initiationOf())
  await rig.clock.advance(100)

  expect(asked(rig)).toEqual(['activity.do-a #1'])
})
