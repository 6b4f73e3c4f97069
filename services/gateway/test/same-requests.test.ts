import { describe, expect, test, vi } from 'vitest'
import { playground } from './gateway-fixture.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const keyed = (key: string) => ({ 'idempotency-key': key })

describe('an Idempotency-Key without a flowId', () => {
  test('H5: makes requests one flow, whichever replica they come to and whatever they want', async () => {
    const ground = playground()
    const [one, other, hub] = [await ground.gateway(), await ground.gateway(), await ground.hub()]

    const first = await one.post({ length: 3 }, keyed('order 7'))
    const again = await other.post({ length: 4 }, keyed('order 7'))

    const { id } = first.json()
    expect(id).toMatch(UUID)
    expect([again.statusCode, again.headers.location]).toEqual([202, `/api/flows/${id}`])
    await vi.waitFor(() => expect(hub.requests).toHaveLength(2))
    for (const { data } of hub.requests) expect(data).toMatchObject({ flowId: id, requestKey: 'order 7' })
  })

  test('tells requests with different keys, or none, apart', async () => {
    const gateway = await playground().gateway()

    const answers = [
      await gateway.post({ length: 3 }, keyed('a')),
      await gateway.post({ length: 3 }, keyed('b')),
      await gateway.post({ length: 3 }),
      await gateway.post({ length: 3 }),
    ]

    expect(new Set(answers.map((answer) => answer.json().id)).size).toBe(4)
  })

  test('gives way to the flowId', async () => {
    const ground = playground()
    const [gateway] = [await ground.gateway(), await ground.hub()]

    expect((await gateway.post({ flowId: 'f', length: 3 }, keyed('a'))).json().id).toBe('f')
  })
})

describe('a flowId that the hub knows', () => {
  const request = { type: 'FLOW_REQUESTED', flowId: 'f', length: 3, mode: 'parallel' }
  const shown = (more: object = {}) => ({ id: 'f', type: 'flow', version: 7, request: { ...request, ...more } })
  const waits = { prefer: 'wait=15' }

  test.each([
    { what: 'another length', known: {}, wish: { length: 4 }, headers: {} },
    { what: 'another length, for one who waits', known: {}, wish: { length: 4 }, headers: waits },
    { what: 'another key', known: { requestKey: 'a' }, wish: { length: 3 }, headers: keyed('b') },
    { what: 'a key that was none', known: {}, wish: { length: 3 }, headers: keyed('a') },
  ])('H5: with $what is 409, and nothing is published', async ({ known, wish, headers }) => {
    const ground = playground()
    const [gateway, hub] = [await ground.gateway(), await ground.hub()]
    hub.views.set('flow f', shown(known))

    const answer = await gateway.post({ flowId: 'f', ...wish }, headers)

    expect([answer.statusCode, answer.headers.location]).toEqual([409, undefined])
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
    expect(answer.json()).toMatchObject({ kind: 'conflict', id: 'f', detail: expect.stringContaining('another flow') })
    expect(hub.asked).toEqual(['flow f'])
    expect([hub.requests, gateway.watches.size]).toEqual([[], 0])
  })

  test.each([
    { what: 'the same request', known: {}, wish: { length: 3, mode: 'parallel' }, headers: {} },
    { what: 'the same key', known: { requestKey: 'a' }, wish: { length: 4 }, headers: keyed('a') },
    { what: 'too much to be told', known: undefined, wish: { length: 4 }, headers: {} },
  ])('H5: with $what is accepted', async ({ known, wish, headers }) => {
    const ground = playground()
    const [gateway, hub] = [await ground.gateway(), await ground.hub()]
    hub.views.set('flow f', known ? shown(known) : { id: 'f', leftOut: 'too much' })

    const answer = await gateway.post({ flowId: 'f', ...wish }, headers)

    expect([answer.statusCode, answer.headers.location]).toEqual([202, '/api/flows/f'])
    await hub.requested('f')
  })
})

test.each(['is not there', 'says nothing'])(
  'a hub that %s holds up a request with a flowId for 500 ms',
  async (trouble) => {
    const ground = playground()
    const gateway = await ground.gateway()
    if (trouble === 'says nothing') (await ground.hub()).state.isSilent = true
    const answered = vi.fn()

    const answering = gateway.post({ flowId: 'f', length: 3 })
    void answering.then(answered)
    await vi.waitFor(() => expect(gateway.asks).toBe(1))
    await ground.clock.advance(499)
    expect(answered).not.toHaveBeenCalled()
    await ground.clock.advance(1)

    expect((await answering).statusCode).toBe(202)
    expect(gateway.asks).toBe(1)
  },
)

test('the hub is not asked about an id that nobody else can have', async () => {
  const ground = playground()
  const [gateway, hub] = [await ground.gateway(), await ground.hub()]

  await gateway.post({ length: 3 })
  await gateway.post({ length: 3 }, keyed('a'))

  expect(hub.asked).toEqual([])
})
