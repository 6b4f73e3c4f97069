import { expect, test, vi } from 'vitest'
import { playground } from './gateway-fixture.ts'

const view = (id: string, type = 'flow') => ({ id, type, version: 3, status: 'running', calls: [{ id: `${id}.1` }] })

test.each([
  ['flow', '/api/flows/f', 'f'],
  ['flow', '/api/flows/f/', 'f'],
  ['group', '/api/groups/lunch', 'lunch'],
  ['group', '/api/groups/a%2Fb%20c%25%3F', 'a/b c%?'],
  ['group', `/api/groups/${encodeURIComponent('€'.repeat(128))}`, '€'.repeat(128)],
])('the %s at %s is what the hub says of it', async (kind, url, id) => {
  const ground = playground()
  const [gateway, hub] = [await ground.gateway(), await ground.hub()]
  hub.views.set(`${kind} ${id}`, view(id, kind))

  const answer = await gateway.get(url)

  expect([answer.statusCode, answer.json()]).toEqual([200, view(id, kind)])
  expect(hub.asked).toEqual([`${kind} ${id}`])
})

test('a flow is no group', async () => {
  const ground = playground()
  const [gateway, hub] = [await ground.gateway(), await ground.hub()]
  hub.views.set('flow f', view('f'))

  const answering = gateway.get('/api/groups/f')
  await vi.waitFor(() => expect(hub.asked).toHaveLength(1))
  await ground.clock.advance(2_000)

  expect((await answering).statusCode).toBe(404)
})

test('what was just accepted is found as soon as the hub knows it', async () => {
  const ground = playground()
  const [gateway, hub] = [await ground.gateway(), await ground.hub()]

  const answering = gateway.get('/api/flows/f')
  await vi.waitFor(() => expect(hub.asked).toHaveLength(1))
  hub.views.set('flow f', view('f'))
  await ground.clock.advance(100)

  expect((await answering).json()).toEqual(view('f'))
  expect(hub.asked).toHaveLength(2)
})

test('only what the hub does not know for two seconds is 404', async () => {
  const ground = playground()
  const [gateway, hub] = [await ground.gateway(), await ground.hub()]
  const answered = vi.fn()

  const answering = gateway.get('/api/groups/nobody')
  void answering.then(answered)
  await vi.waitFor(() => expect(hub.asked).toHaveLength(1))
  await ground.clock.advance(1_999)
  expect(answered).not.toHaveBeenCalled()
  await ground.clock.advance(1)
  const answer = await answering

  expect(answer.statusCode).toBe(404)
  expect(answer.json().detail).toBe('There is no group nobody.')
  expect(hub.asked.length).toBeLessThan(12)
})

test.each(['is not there', 'says nothing'])('503 after three seconds of a hub that %s', async (trouble) => {
  const ground = playground()
  const gateway = await ground.gateway()
  if (trouble === 'says nothing') (await ground.hub()).state.isSilent = true
  const answered = vi.fn()

  const answering = gateway.get('/api/flows/f')
  void answering.then(answered)
  await vi.waitFor(() => expect(gateway.asks).toBeGreaterThan(0))
  await ground.clock.advance(2_000)
  expect(answered).not.toHaveBeenCalled()
  await ground.clock.advance(1_000)
  const answer = await answering

  expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '2'])
  expect(answer.json().detail).toMatch(/hub/)
})

test('a hub that comes back within three seconds is not missed', async () => {
  const ground = playground()
  const gateway = await ground.gateway()

  const answering = gateway.get('/api/flows/f')
  await vi.waitFor(() => expect(gateway.asks).toBeGreaterThan(0))
  await ground.clock.advance(1_000)
  const hub = await ground.hub()
  hub.views.set('flow f', view('f'))
  await ground.clock.advance(1_000)

  expect((await answering).json()).toEqual(view('f'))
})

test('503 at once while the broker is away', async () => {
  const ground = playground()
  const gateway = await ground.gateway()
  ground.memory.stop()

  const answer = await gateway.get('/api/flows/f')

  expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '2'])
  expect(answer.json().detail).toMatch(/broker/)
})

test('400 for an id that nothing can have', async () => {
  const gateway = await playground().gateway()

  const answer = await gateway.get(`/api/flows/${'x'.repeat(129)}`)

  expect([answer.statusCode, answer.json().errors]).toEqual([400, [expect.objectContaining({ field: 'id' })]])
})
