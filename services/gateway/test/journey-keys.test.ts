import { describe, expect, test, vi } from 'vitest'
import { playground } from './gateway-fixture.ts'

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\.here$/
const order = { type: 'order', payload: { items: 3 } }
const keyed = (key: string) => ({ 'idempotency-key': key })

async function replicas() {
  const ground = playground()
  return { ...ground, one: await ground.gateway(), other: await ground.gateway(), hub: await ground.hub() }
}

test('J2: the same key is the same journey, said in body or header, whichever replica it comes to', async () => {
  const { one, other, hub } = await replicas()

  const answers = await Promise.all([
    one.postJourney({ ...order, key: 'a' }),
    other.postJourney({ ...order, key: 'a' }),
    one.postJourney(order, keyed('a')),
    other.postJourney({ ...order, key: 'a' }, keyed('a')),
  ])

  const ids = answers.map((answer) => answer.json().id)
  expect(ids[0]).toMatch(ID)
  expect(new Set(ids).size).toBe(1)
  expect(new Set(answers.map(({ statusCode }) => statusCode))).toEqual(new Set([202]))
  await vi.waitFor(() => expect(hub.journeys).toHaveLength(4))
  for (const { data } of hub.journeys) expect(data).toMatchObject({ sagaId: ids[0], meta: { key: 'a' } })
  expect(new Set(hub.journeys.map(({ meta }) => meta.id)).size).toBe(4)
})

test('J2: another key, type or tenant is another journey, and without a key each request is', async () => {
  const { one, other } = await replicas()

  const answers = [
    await one.postJourney({ ...order, key: 'a' }),
    await other.postJourney({ ...order, key: 'b' }),
    await other.postJourney({ ...order, type: 'refund', key: 'a' }),
    await other.postJourney({ ...order, tenant: 'acme', key: 'a' }),
    await one.postJourney({ type: 'a', tenant: 'b', payload: 1, key: 'c","d' }),
    await one.postJourney({ type: 'a', tenant: 'b","c', payload: 1, key: 'd' }),
    await one.postJourney(order),
    await one.postJourney(order),
  ]

  expect(new Set(answers.map((answer) => answer.json().id)).size).toBe(8)
})

test('two keys that differ are 400', async () => {
  const { one, memory } = await replicas()

  const answer = await one.postJourney({ ...order, key: 'a' }, keyed('b'))

  expect([answer.statusCode, answer.json().errors]).toEqual([
    400,
    [{ field: 'key', in: 'body', message: expect.stringContaining('Idempotency-Key') }],
  ])
  expect(memory.depth('hub_consume')).toBe(0)
})

describe('a key that the hub knows', () => {
  const payload = { b: [1, { c: null }], a: 'x' }
  const shown = (more: object) => ({ id: 'j', type: 'order', status: 'RUNNING', tenant: 'default', ...more })

  /** A journey with this key, as the hub shows it. */
  async function known(more: object) {
    const all = await replicas()
    const { id } = (await all.one.postJourney({ type: 'order', payload, key: 'a' })).json()
    await all.hub.ordered('order')
    all.hub.journeys.splice(0)
    all.hub.views.set(`journey ${id}`, shown(more))
    return { ...all, id }
  }

  test.each([
    [{ b: [1, { c: null }], a: 'y' }],
    [{ b: [1, { c: null }] }],
    [{ b: [{ c: null }, 1], a: 'x' }],
    [{ b: [1, {}], a: 'x' }],
    [null],
  ])('J2: with the payload %j is 409 at any replica, and nothing is published', async (another) => {
    const { other, hub, id } = await known({ payload })

    const answer = await other.postJourney({ type: 'order', payload: another, key: 'a' }, { prefer: 'wait=9' })

    expect([answer.statusCode, answer.headers.location]).toEqual([409, undefined])
    expect(answer.json()).toMatchObject({ kind: 'conflict', id, detail: expect.stringContaining('another payload') })
    expect([hub.journeys, other.watches.size]).toEqual([[], 0])
  })

  test.each([
    ['the same payload', { payload }],
    ['the same payload in another order', { payload: { a: 'x', b: [1, { c: null }] } }],
    ['a payload that is too large to be shown', { leftOut: 'too much' }],
  ])('J2: with %s is the same journey', async (_, more) => {
    const { other, hub, id } = await known(more)

    const answer = await other.postJourney({ type: 'order', payload, key: 'a' })

    expect([answer.statusCode, answer.json().id]).toEqual([202, id])
    await hub.ordered('order')
  })

  test('a zero is a zero, with any sign', async () => {
    const { other } = await known({ payload: 0 })

    expect((await other.postJourney('{"type":"order","payload":-0,"key":"a"}')).statusCode).toBe(202)
  })
})

test('J2: a hub that says nothing holds up a request with a key for 500 ms, and then it goes its way', async () => {
  const { one, hub, clock } = await replicas()
  hub.state.isSilent = true
  const answered = vi.fn()

  const answering = one.postJourney({ ...order, key: 'a' })
  void answering.then(answered)
  await vi.waitFor(() => expect(one.asks).toBe(1))
  await clock.advance(499)
  expect(answered).not.toHaveBeenCalled()
  await clock.advance(1)

  expect((await answering).statusCode).toBe(202)
})

test('a client that hangs up while the hub is asked about its key has nothing started, and nobody waits for it', async () => {
  const { one, hub, clock, memory } = await replicas()
  hub.state.isSilent = true

  const { hangUp } = await one.postAndHangUp({ ...order, key: 'a' }, { prefer: 'wait=60' })
  await vi.waitFor(() => expect(one.asks).toBe(1))
  await hangUp()
  await clock.advance(1_000)

  expect(one.watches.size).toBe(0)
  expect([hub.journeys, memory.depth('hub_consume')]).toEqual([[], 0])
})
