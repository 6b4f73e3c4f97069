import { describe, expect, test, vi } from 'vitest'
import { playground } from './gateway-fixture.ts'

const V1 = 'application/vnd.ebs.journey.v1+json'
const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\.here$/
const order = { type: 'order', payload: { items: 3 } }

/** What nests arrays this deep. */
const nested = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels))

async function ground() {
  const all = playground()
  return { ...all, gateway: await all.gateway(), hub: await all.hub() }
}

test('J2: a journey is accepted once the broker has it, under an id that names its site and can be asked for', async () => {
  const { gateway, hub } = await ground()

  const answer = await gateway.postJourney(order)

  const { id } = answer.json()
  expect(id).toMatch(ID)
  expect([answer.statusCode, answer.json()]).toEqual([202, { id, status: 'ACCEPTED' }])
  expect(answer.headers.location).toBe(`/api/journeys/${id}`)
  const { data, meta } = await hub.ordered('order')
  expect(data).toEqual({
    type: 'INITIATE_WORKFLOW',
    sagaId: id,
    journeyType: 'order',
    formatVersion: 1,
    tenant: 'default',
    payload: { items: 3 },
    meta: {},
  })
  expect(meta).toMatchObject({ tenant: 'default', replyTo: undefined })
  expect(hub.asked).toEqual([])
})

test('what the client says about the request travels with it', async () => {
  const { gateway, hub } = await ground()
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

  await gateway.postJourney({ ...order, tenant: 'acme', key: 'k 7' }, { 'x-correlation-id': 'order-7', traceparent })

  const { data, meta } = await hub.ordered('order')
  expect(data).toMatchObject({ tenant: 'acme', meta: { key: 'k 7' } })
  expect(meta).toMatchObject({ correlationId: 'order-7', traceparent, tenant: 'acme' })
})

test.each([{}, [], 'text', 7, false, null, JSON.parse('{"__proto_":1,"constructor":{}}'), { a: '\ud800' }])(
  'a payload may be any JSON: %j',
  async (payload) => {
    const { gateway, hub } = await ground()

    expect((await gateway.postJourney({ type: 'order', payload })).statusCode).toBe(202)

    expect((await hub.ordered('order')).data.payload).toEqual(payload)
  },
)

describe('400 names every violation:', () => {
  test.each([
    [{}, {}, ['type', 'payload']],
    [{ type: 'order' }, {}, ['payload']],
    [{ payload: {} }, {}, ['type']],
    [{ type: '', payload: {} }, {}, ['type']],
    [{ type: 'a b', payload: {} }, {}, ['type']],
    [{ type: 'a..b', payload: {} }, {}, ['type']],
    [{ type: '#', payload: {} }, {}, ['type']],
    [{ type: 'x'.repeat(65), payload: {} }, {}, ['type']],
    [{ type: 7, tenant: '', key: '', extra: 1 }, {}, ['type', 'payload', 'tenant', 'key', 'extra']],
    [{ ...order, tenant: 'x'.repeat(65) }, {}, ['tenant']],
    [{ ...order, tenant: '\ud800' }, {}, ['tenant']],
    [{ ...order, key: 'x'.repeat(256) }, {}, ['key']],
    [{ ...order, key: '\udfff' }, {}, ['key']],
    [{ ...order, key: 7 }, { 'idempotency-key': 'x'.repeat(256) }, ['key', 'idempotency-key']],
    [{ type: 'order', payload: 'x'.repeat(65_535) }, {}, ['payload']],
    [{ type: 'order', payload: nested(61) }, {}, ['payload']],
    [[order], {}, ['body']],
    ['text', {}, ['body']],
  ])('%j', async (body, headers, fields) => {
    const { gateway, memory } = await ground()

    const answer = await gateway.postJourney(JSON.stringify(body), { prefer: 'wait=9', ...headers })

    expect(answer.statusCode).toBe(400)
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
    const named = answer.json().errors.map(({ field }: { field: string }) => field)
    expect(new Set(named)).toEqual(new Set(fields))
    expect([memory.depth('hub_consume'), gateway.watches.size]).toEqual([0, 0])
  })

  test('a payload that is too large, or too deep, is told by how much', async () => {
    const { gateway } = await ground()

    const large = await gateway.postJourney({ type: 'order', payload: 'x'.repeat(65_535) })
    const deep = await gateway.postJourney({ type: 'order', payload: nested(61) })

    expect(large.json().detail).toContain('payload: 65537 bytes as JSON, at most 65536 are taken')
    expect(deep.json().detail).toContain('payload: nested 61 levels deep, at most 60 are taken')
  })

  test.each([{ payload: 'x'.repeat(65_534) }, { payload: nested(60) }])(
    'but not for the largest that is taken',
    async (more) => {
      const { gateway } = await ground()

      expect((await gateway.postJourney({ type: 'order', ...more })).statusCode).toBe(202)
    },
  )

  test('what is no JSON, and what is nested too deep to be read', async () => {
    const { gateway } = await ground()

    expect((await gateway.postJourney('{"type":')).json()).toMatchObject({ status: 400, title: 'Invalid JSON' })
    expect((await gateway.postJourney('['.repeat(9_999))).json()).toMatchObject({ status: 400, title: 'Invalid JSON' })
  })
})

test('10 MB are 413', async () => {
  const { gateway } = await ground()

  expect((await gateway.postJourney({ type: 'order', payload: 'x'.repeat(10_000_000) })).statusCode).toBe(413)
})

describe('the format', () => {
  test.each(['application/json', 'application/json; charset=utf-8', V1, `${V1}; charset=utf-8`, V1.toUpperCase()])(
    'of a request may be %s',
    async (type) => {
      const { gateway, hub } = await ground()

      expect((await gateway.postJourney(order, { 'content-type': type })).statusCode).toBe(202)

      expect((await hub.ordered('order')).data.formatVersion).toBe(1)
    },
  )

  test.each([
    'application/vnd.ebs.journey.v2+json',
    'application/vnd.ebs.journey+json',
    'text/plain',
    'application/xml',
  ])('%s is 415, which names what is taken', async (type) => {
    const { gateway, memory } = await ground()

    const answer = await gateway.postJourney(order, { 'content-type': type })

    expect([answer.statusCode, memory.depth('hub_consume')]).toEqual([415, 0])
    expect(answer.json().detail).toBe(`The content type is ${type}; this takes application/json, ${V1}.`)
  })

  test('of journeys is none of flows', async () => {
    const { gateway } = await ground()

    expect((await gateway.post({ length: 3 }, { 'content-type': V1 })).statusCode).toBe(415)
  })

  test.each([
    [undefined, /^application\/json/],
    ['*/*', /^application\/json/],
    ['application/json', /^application\/json/],
    [V1, /^application\/vnd\.ebs\.journey\.v1\+json/],
    [`text/html, ${V1};q=0.2`, /^application\/vnd\.ebs\.journey\.v1\+json/],
  ])('of an answer to %s', async (accept, type) => {
    const { gateway, hub } = await ground()
    hub.views.set('journey j', { id: 'j', type: 'order' })
    const headers = accept === undefined ? {} : { accept }

    const [started, shown] = [await gateway.postJourney(order, headers), await gateway.get('/api/journeys/j', headers)]

    expect([started.statusCode, started.headers['content-type']]).toEqual([202, expect.stringMatching(type)])
    expect([shown.statusCode, shown.headers['content-type']]).toEqual([200, expect.stringMatching(type)])
    expect(shown.json()).toEqual({ id: 'j', type: 'order' })
  })

  test.each(['text/html', 'application/vnd.ebs.journey.v2+json', 'application/json;q=0'])(
    'that is wanted as %s is 406, which names what there is, and nothing is started',
    async (accept) => {
      const { gateway, hub, memory } = await ground()

      const started = await gateway.postJourney(order, { accept })
      const shown = await gateway.get('/api/journeys/j', { accept })

      for (const answer of [started, shown]) {
        expect([answer.statusCode, answer.headers['content-type']]).toEqual([
          406,
          expect.stringMatching(/problem\+json/),
        ])
        expect(answer.json().detail).toContain('application/json')
        expect(answer.json().detail).toContain(V1)
      }
      expect([memory.depth('hub_consume'), hub.asked]).toEqual([0, []])
    },
  )
})

test('D4: without a broker it is 503 with Retry-After at once, and nothing happens later', async () => {
  const { gateway, memory, clock } = await ground()
  memory.stop()

  const answer = await gateway.postJourney(order, { prefer: 'wait=15' })

  const { id, detail } = answer.json()
  expect([answer.statusCode, answer.headers['retry-after'], answer.headers.location]).toEqual([503, '5', undefined])
  expect(detail).toContain(`journey ${id} was not started`)
  memory.start()
  await clock.advance(1_000)
  expect([memory.depth('hub_consume'), gateway.watches.size]).toEqual([0, 0])
})

test('a journey that there is not is 404 after two seconds', async () => {
  const { gateway, hub, clock } = await ground()
  const answered = vi.fn()

  const answering = gateway.get('/api/journeys/nobody')
  void answering.then(answered)
  await vi.waitFor(() => expect(hub.asked).toEqual(['journey nobody']))
  await clock.advance(1_999)
  expect(answered).not.toHaveBeenCalled()
  await clock.advance(1)

  expect((await answering).json()).toMatchObject({ status: 404, detail: 'There is no journey nobody.' })
})

test('the documentation shows how journeys are asked for', async () => {
  const gateway = await playground().gateway({ docs: true })

  const { paths, components } = (await gateway.get('/openapi.json')).json()

  const { requestBody, responses } = paths['/api/journeys'].post
  expect(Object.keys(requestBody.content)).toEqual(['application/json', V1])
  expect(Object.keys(requestBody.content[V1].schema.properties)).toEqual(['type', 'payload', 'tenant', 'key'])
  expect(Object.keys(responses[202].content)).toEqual(['application/json', V1])
  expect(paths['/api/journeys/{id}'].get.summary).toContain('journey')
  expect(components?.securitySchemes).toBeUndefined()
})
