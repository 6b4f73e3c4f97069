import { beforeAll, expect, test, vi } from 'vitest'
import { tokenCheck } from '../../../shared/service/auth-token.ts'
import { createLog } from '../../../shared/service/log.ts'
import { keyFile, nowS, settingsFor, signingKey } from '../../../shared/service/test/token-fixture.ts'
import { playground } from './gateway-fixture.ts'

let key: Awaited<ReturnType<typeof signingKey>>
beforeAll(async () => {
  key = await signingKey('k')
})

const order = { type: 'order', payload: { items: 3 } }
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

async function guarded({ docs = false } = {}) {
  const ground = playground()
  const { file } = keyFile(key.jwk)
  const auth = tokenCheck(settingsFor({ file }), { log: createLog({ service: 'gateway', level: 'silent' }) })
  return { ...ground, file, gateway: await ground.gateway({ auth, docs }), hub: await ground.hub() }
}

test('A1: who may start journeys does, and the journey knows who it was', async () => {
  const { gateway, hub } = await guarded()

  const answer = await gateway.postJourney({ ...order, key: 'a' }, bearer(await key.token()))

  expect(answer.statusCode).toBe(202)
  expect((await hub.ordered('order')).data.meta).toEqual({ key: 'a', actor: 'ann' })
})

test.each(['', 'ops:read', 'ops:read ops:write objects:write'])(
  'A1: with the scope "%s" nothing is started',
  async (scope) => {
    const { gateway, memory } = await guarded()
    const headers = bearer(await key.token({ scope }))

    const answers = [await gateway.postJourney(order, headers), await gateway.post({ length: 3 }, headers)]

    for (const answer of answers)
      expect([answer.statusCode, answer.json()]).toEqual([403, expect.objectContaining({ scopes: ['journeys:write'] })])
    expect(memory.depth('hub_consume')).toBe(0)
  },
)

test('A1: without a token, or with one that has expired, nothing is started or shown', async () => {
  const { gateway, hub, memory } = await guarded()
  const expired = bearer(await key.token({ claims: { exp: nowS() - 60 } }))

  for (const headers of [{}, expired])
    for (const answer of [
      await gateway.postJourney(order, headers),
      await gateway.post({ length: 3 }, headers),
      await gateway.get('/api/journeys/j', headers),
      await gateway.get('/api/flows/f', headers),
      await gateway.get('/api/groups/g', headers),
    ]) {
      expect([answer.statusCode, answer.headers['www-authenticate']]).toEqual([401, expect.stringMatching(/^Bearer /)])
    }
  expect([memory.depth('hub_consume'), hub.asked]).toEqual([0, []])
})

test.each(['ops:read', 'journeys:write'])(
  'A1: with the scope %s journeys, flows and groups are shown',
  async (scope) => {
    const { gateway, hub } = await guarded()
    for (const kind of ['journey', 'flow', 'group']) hub.views.set(`${kind} x`, { id: 'x', kind })
    const headers = bearer(await key.token({ scope }))

    for (const kind of ['journey', 'flow', 'group'])
      expect((await gateway.get(`/api/${kind}s/x`, headers)).json()).toEqual({ id: 'x', kind })
  },
)

test('A1: when the keys are away, it is 503 with Retry-After, and nothing is started', async () => {
  const ground = playground()
  const { file, remove } = keyFile(key.jwk)
  const auth = tokenCheck(settingsFor({ file }), { log: createLog({ service: 'gateway', level: 'silent' }) })
  const gateway = await ground.gateway({ auth })
  remove()

  const answer = await gateway.postJourney(order, bearer(await key.token()))

  expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '5'])
  expect(ground.memory.depth('hub_consume')).toBe(0)
})

test('a token is no part of what goes over the bus', async () => {
  const { gateway, hub } = await guarded()
  const token = await key.token()

  await gateway.postJourney(order, bearer(token))
  await vi.waitFor(() => expect(hub.journeys).toHaveLength(1))

  expect(JSON.stringify(hub.journeys)).not.toContain(token.split('.')[1])
})

test('the documentation shows the scopes', async () => {
  const { gateway } = await guarded({ docs: true })

  const { paths } = (await gateway.get('/openapi.json')).json()

  const either = [{ token: ['journeys:write'] }, { token: ['ops:read'] }]
  expect(paths['/api/journeys'].post.security).toEqual([{ token: ['journeys:write'] }])
  expect(paths['/api/flows'].post.security).toEqual([{ token: ['journeys:write'] }])
  expect(paths['/api/journeys/{id}'].get.security).toEqual(either)
  expect(paths['/metrics'].get.security).toEqual([])
})
