import { expect, test } from 'vitest'
import { hubFixture } from '../../test/hub-fixture.ts'
import { trip } from './journey-site.ts'

/** As node reads what a client writes as UTF-8. */
const headerOf = (text: string) => Buffer.from(text).toString('latin1')

test.each(['ann', 'Jörg Müller ✓'])('who registers a definition, and why, is kept in any script (%s)', async (name) => {
  await using hub = await hubFixture()
  await hub.broker.ready()

  const headers = { 'x-ebs-actor': headerOf(name), 'x-ebs-reason': headerOf(`for ${name}`) }
  const { statusCode } = await hub.post('/api/definitions', trip, headers)

  expect(statusCode).toBe(201)
  expect((await hub.get('/api/definitions/trip')).json()).toMatchObject({ actor: name, reason: `for ${name}` })
})
