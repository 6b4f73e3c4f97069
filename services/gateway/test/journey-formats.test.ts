import { expect, test } from 'vitest'
import { z } from 'zod'
import { FORMAT_VERSION } from '../../../shared/journey-events.ts'
import { journeyFormat, journeyFormats } from '../journey-formats.ts'
import { playground } from './gateway-fixture.ts'

test('every version of the format has a row, the newest first', () => {
  expect(journeyFormats.map(({ version }) => version)).toEqual(
    Array.from({ length: FORMAT_VERSION }, (_, i) => FORMAT_VERSION - i),
  )
})

/** As if there had been a version before the first one, in which a payload was called data. */
const zeroth = journeyFormat(0, z.object({ kind: z.string().min(3), data: z.json() }).strict(), ({ kind, data }) => ({
  type: kind,
  payload: data,
}))
const V0 = { 'content-type': 'application/vnd.ebs.journey.v0+json' }

async function replica() {
  const ground = playground()
  const gateway = await ground.gateway({ formats: [...journeyFormats, zeroth] })
  return { gateway, hub: await ground.hub() }
}

test('what an older client asks for is the same journey', async () => {
  const { gateway, hub } = await replica()

  const answer = await gateway.postJourney({ kind: 'order', data: { items: 3 } }, V0)

  expect(answer.statusCode).toBe(202)
  const { data } = await hub.ordered('order')
  expect(data).toMatchObject({ payload: { items: 3 }, tenant: 'default', formatVersion: FORMAT_VERSION })
})

test('an older client is told every violation in the words of its version', async () => {
  const { gateway } = await replica()

  const answer = await gateway.postJourney({ kind: 'x', payload: 1 }, { ...V0, 'idempotency-key': '' })

  const named = answer.json().errors.map((error: { in: string; field: string }) => `${error.in} ${error.field}`)
  expect([answer.statusCode, named]).toEqual([
    400,
    ['body kind', 'body data', 'body payload', 'headers idempotency-key'],
  ])
})

test('the newest version does not take what only an older one has', async () => {
  const { gateway } = await replica()

  expect((await gateway.postJourney({ kind: 'order', data: 1 })).statusCode).toBe(400)
})
