import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { HttpProblem, unavailable } from '../errors.ts'
import { createHealth } from '../health.ts'
import { createHttp, type Http } from '../http.ts'
import { createLog } from '../log.ts'
import { createMetrics } from '../metrics.ts'

const lines: string[] = []
const health = createHealth()
let app: Http

const body = z.object({ name: z.string().min(1), tenant: z.string().min(2) }).strict()

beforeEach(async () => {
  lines.length = 0
  const log = createLog({ service: 'x', level: 'debug', destination: { write: (line) => void lines.push(line) } })
  app = await createHttp({ name: 'x', title: 'Example', log, health, metrics: createMetrics(), docs: true })
  const count = z.object({ count: z.coerce.number().int().max(10).optional() })
  app.post('/things', { schema: { body: body.optional(), querystring: count } }, ({ body, correlationId }) => ({
    body: body ?? 'none',
    correlationId,
  }))
  app.get('/things/:id', { schema: { params: z.object({ id: z.string() }) } }, ({ params }) => params)
  app.get('/bug', () => {
    throw new Error('secret detail')
  })
  app.get('/away', () => {
    throw unavailable('The broker is away.', 7)
  })
  app.get('/conflict', () => {
    throw new HttpProblem(409, { title: 'Taken', detail: 'Key k is taken.', extensions: { key: 'k' } })
  })
})
afterEach(() => app.close())

const post = (payload: string | Buffer, headers: Record<string, string> = { 'content-type': 'application/json' }) =>
  app.inject({ method: 'POST', url: '/things', payload, headers })

describe('a problem is application/problem+json', () => {
  test('with all that RFC 9457 wants and every violation of body and query', async () => {
    const response = await app.inject({
      method: 'POST',
      url: '/things?count=99',
      payload: { name: '', tenant: 7, extra: 1 },
    })

    expect(response.statusCode).toBe(400)
    expect(response.headers['content-type']).toMatch(/^application\/problem\+json/)
    const problem = response.json()
    expect(problem).toMatchObject({
      type: 'about:blank',
      title: 'Invalid request',
      status: 400,
      instance: '/things?count=99',
    })
    const fields = problem.errors.map((e: { in: string; field: string }) => `${e.in} ${e.field}`)
    expect(fields.toSorted()).toEqual(['body extra', 'body name', 'body tenant', 'query count'])
  })

  test('400 for what is not JSON, says where', async () => {
    const response = await post('{"name":')
    expect([response.statusCode, response.json().title]).toEqual([400, 'Invalid JSON'])
    expect(response.json().detail).toMatch(/not JSON: .*end of/i)
  })

  test.each([
    ['invalid UTF-8', Buffer.from([0x22, 0xff, 0xfe, 0x22]), /UTF-8/],
    ['20,000 nested arrays', '['.repeat(20_000) + ']'.repeat(20_000), /deeper than 64/],
    ['65 levels', '['.repeat(65) + ']'.repeat(65), /deeper than 64/],
    ['a poisoned prototype', '{"__proto__":{"admin":true}}', /__proto__/],
    ['an escaped one', '{"_\\u005fproto__":{"admin":true}}', /__proto__/],
    ['a number beyond all doubles', '{"n":[{"cents":-1e400}]}', /number at cents is beyond .*as text/],
  ])('400 for %s', async (_, payload, detail) => {
    const response = await post(payload)
    expect([response.statusCode, response.json().detail]).toEqual([400, expect.stringMatching(detail)])
  })

  test('64 levels and brackets inside of strings are no matter of depth', async () => {
    for (const payload of ['['.repeat(64) + ']'.repeat(64), JSON.stringify({ name: '['.repeat(99), tenant: 'tt' })]) {
      expect((await post(payload)).json().detail ?? '').not.toMatch(/deeper/)
    }
  })

  test('413 above 1 MiB', async () => {
    const response = await post(JSON.stringify('x'.repeat(1_048_576)))
    expect([response.statusCode, response.json().detail]).toEqual([413, 'The body is larger than 1048576 bytes.'])
  })

  test.each(['text/plain', 'application/xml', 'application/x-www-form-urlencoded', 'nonsense'])(
    '415 for %s',
    async (type) => {
      const response = await post('x=1', { 'content-type': type })
      expect(response.statusCode).toBe(415)
      expect(response.headers['content-type']).toMatch(/^application\/problem\+json/)
    },
  )

  test('404 lists what exists, also for a body that nobody wants', async () => {
    const response = await app.inject({
      method: 'POST',
      url: '/nope',
      payload: '{',
      headers: { 'content-type': 'application/json' },
    })
    expect(response.statusCode).toBe(404)
    expect(response.json().detail).toMatch(/nothing at \/nope.*POST \/things, GET \/things\/:id/)
    expect(response.json().detail).not.toMatch(/HEAD|docs\/static/)
  })

  test.each([
    ['DELETE', '/things', 'POST'],
    ['PUT', '/things/7/', 'GET, HEAD'],
  ] as const)('405 for %s %s with Allow: %s', async (method, url, allow) => {
    const response = await app.inject({ method, url })
    expect([response.statusCode, response.headers.allow]).toEqual([405, allow])
  })

  test('400 for a url that cannot be decoded', async () => {
    const response = await app.inject('/things/%E0%A4%A')
    expect([response.statusCode, response.json().status]).toEqual([400, 400])
  })

  test('503 with Retry-After, and what a route adds', async () => {
    const away = await app.inject('/away')
    expect([away.statusCode, away.headers['retry-after']]).toEqual([503, '7'])
    const conflict = await app.inject('/conflict')
    expect(conflict.json()).toMatchObject({ status: 409, title: 'Taken', detail: 'Key k is taken.', key: 'k' })
  })

  test('500 keeps the error to the log, under the request id that the client sees', async () => {
    const response = await app.inject('/bug')

    expect(response.statusCode).toBe(500)
    expect(response.body).not.toMatch(/secret detail|\.ts/)
    const logged = lines.map((line) => JSON.parse(line)).find(({ msg }) => msg === 'request failed')
    expect(logged).toMatchObject({
      level: 'error',
      requestId: response.json().requestId,
      err: { message: 'secret detail' },
    })
    expect(response.headers['x-request-id']).toBe(response.json().requestId)
  })
})

describe('a body', () => {
  test.each([
    ['no content type', {}],
    ['application/json', { 'content-type': 'application/json' }],
    ['what curl -d says', { 'content-type': 'application/x-www-form-urlencoded' }],
  ])('that is empty counts as none with %s', async (_, headers) => {
    const response = await post('', headers)
    expect([response.statusCode, response.json().body]).toEqual([200, 'none'])
  })
})

test('an id of 128 characters is found, whatever script it is written in', async () => {
  const id = '語'.repeat(128)

  const response = await app.inject({ url: `/things/${encodeURIComponent(id)}` })

  expect(response.json()).toEqual({ id })
})

test('a trailing slash is accepted', async () => {
  expect((await app.inject('/things/7/')).json()).toEqual({ id: '7' })
  expect((await app.inject('/health/live/')).statusCode).toBe(200)
})

test('the correlation id of the caller is kept in answer and log; a wild one is replaced by the request id', async () => {
  const headers = { 'x-correlation-id': 'order-7' }
  const kept = await app.inject({ method: 'POST', url: '/things', headers })
  expect([kept.json().correlationId, kept.headers['x-correlation-id']]).toEqual(['order-7', 'order-7'])
  expect(lines.some((line) => JSON.parse(line).correlationId === 'order-7')).toBe(true)

  const wild = await app.inject({ method: 'POST', url: '/things', headers: { 'x-correlation-id': 'a b"c' } })
  expect(wild.headers['x-correlation-id']).toBe(wild.headers['x-request-id'])
})

test('every answer tells browsers not to guess its type', async () => {
  for (const url of ['/things/7', '/nope', '/metrics']) {
    expect((await app.inject(url)).headers['x-content-type-options']).toBe('nosniff')
  }
})

test('OpenAPI describes the routes and the docs page is there', async () => {
  const api = (await app.inject('/openapi.json')).json()
  expect(api.info.title).toBe('Example')
  expect(Object.keys(api.paths)).toEqual(expect.arrayContaining(['/things', '/things/{id}', '/health/ready']))
  const page = await app.inject('/docs')
  expect([page.statusCode, page.body.includes('swagger')]).toEqual([200, true])
})

test('ready is 200 with its checks, or a 503 that names what is missing; live is 200 in both', async () => {
  health.add('broker', () => true)
  expect((await app.inject('/health/ready')).json()).toEqual({ status: 'ready', checks: { broker: 'ok' } })

  health.add('broker', () => 'no connection yet')
  health.add('store', () => {
    throw new Error('disk is full')
  })
  const response = await app.inject('/health/ready')
  expect([response.statusCode, response.headers['retry-after']]).toEqual([503, '1'])
  expect(response.json()).toMatchObject({
    detail: 'broker: no connection yet; store: disk is full',
    checks: { broker: 'no connection yet', store: 'disk is full' },
  })
  expect((await app.inject('/health/live')).statusCode).toBe(200)
})

describe('the rate limit', () => {
  const limited = async () => {
    const log = createLog({ service: 'x', level: 'silent' })
    const http = await createHttp({
      name: 'x',
      title: 'x',
      log,
      health,
      metrics: createMetrics(),
      requestsPerMinuteMax: 3,
    })
    http.get('/thing', () => 'ok')
    return http
  }
  const statuses = async (http: Http, url: string, remoteAddress: string) => {
    const all: number[] = []
    for (let i = 0; i < 5; i++) all.push((await http.inject({ url, remoteAddress })).statusCode)
    return all
  }

  test('holds back another machine with 429 and Retry-After', async () => {
    await using http = { app: await limited(), [Symbol.asyncDispose]: () => http.app.close() }
    expect(await statuses(http.app, '/thing', '10.0.0.7')).toEqual([200, 200, 200, 429, 429])
    const refused = await http.app.inject({ url: '/thing', remoteAddress: '10.0.0.7' })
    expect(refused.headers['content-type']).toMatch(/^application\/problem\+json/)
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
  })

  test('leaves loopback and probes alone', async () => {
    await using http = { app: await limited(), [Symbol.asyncDispose]: () => http.app.close() }
    expect(await statuses(http.app, '/thing', '127.0.0.1')).toEqual([200, 200, 200, 200, 200])
    expect(await statuses(http.app, '/health/live', '10.0.0.7')).toEqual([200, 200, 200, 200, 200])
  })
})
