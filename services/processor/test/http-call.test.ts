import type { RequestListener } from 'node:http'
import { createRequire } from 'node:module'
import { gzipSync } from 'node:zlib'
import { expect, test, vi } from 'vitest'
import { z } from 'zod'
import { calling } from './http-calling.ts'
import { otherSystem, saying } from './other-system.ts'

const json = { 'content-type': 'application/json; charset=utf-8' }

test('J7: sends what it is given with the idempotency key, and gives status, some headers and the JSON', async () => {
  const other = await otherSystem(
    saying({ status: 201, headers: { ...json, location: '/payments/1', 'set-cookie': 'secret' }, body: '{"id":1}' }),
  )

  const output = await calling(
    other.host,
    {
      method: 'PUT',
      url: `${other.url}/payments?a=1`,
      query: { b: 'x y', n: 2, ok: true },
      headers: { Authorization: 'Bearer t' },
      body: { amount: 1 },
    },
    { idempotencyKey: 's1.main:charge#1' },
  )

  expect(output).toEqual({ status: 201, headers: { ...json, location: '/payments/1' }, body: { id: 1 } })
  expect(other.seen).toMatchObject([
    {
      method: 'PUT',
      url: '/payments?a=1&b=x+y&n=2&ok=true',
      body: '{"amount":1}',
      headers: {
        ...{ 'content-type': 'application/json' },
        authorization: 'Bearer t',
        'idempotency-key': 's1.main:charge#1',
      },
    },
  ])
})

test.each([
  { what: 'no body is a GET', input: {}, method: 'GET', body: '', type: undefined },
  { what: 'a body is a POST', input: { body: [1] }, method: 'POST', body: '[1]', type: 'application/json' },
  {
    what: 'text goes as it is',
    input: { body: 'a=1' },
    method: 'POST',
    body: 'a=1',
    type: 'text/plain; charset=utf-8',
  },
  {
    what: 'text of a type',
    input: { body: '<a/>', headers: { 'Content-Type': 'application/xml' } },
    method: 'POST',
    body: '<a/>',
    type: 'application/xml',
  },
  { what: 'null is a body', input: { body: null }, method: 'POST', body: 'null', type: 'application/json' },
])('$what', async ({ input, method, body, type }) => {
  const other = await otherSystem(saying({ status: 200 }))

  await calling(other.host, { url: other.url, ...input })

  expect(other.seen).toMatchObject([{ method, body }])
  expect(other.seen[0]?.headers['content-type']).toBe(type)
})

test.each([
  { what: 'nothing', answer: { status: 204 }, body: null },
  { what: 'text', answer: { status: 200, body: 'fine' }, body: 'fine' },
  { what: 'JSON that is none', answer: { status: 200, headers: json, body: '{' }, body: '{' },
  {
    what: 'JSON of a type of its own',
    answer: { status: 200, headers: { 'content-type': 'application/hal+json' }, body: '[]' },
    body: [],
  },
])('a success with $what', async ({ answer, body }) => {
  const other = await otherSystem(saying(answer))

  expect(await calling(other.host, { url: other.url })).toMatchObject({ status: answer.status, body })
})

test.each([
  { status: 400, fails: 400 },
  { status: 404, fails: 404 },
  { status: 409, fails: 409 },
  { status: 408, fails: 503 },
  { status: 425, fails: 503 },
  { status: 429, fails: 503 },
  { status: 500, fails: 500 },
  { status: 503, fails: 503 },
  { status: 304, fails: 400 },
  { status: 600, fails: 400 },
])('J3: $status is a failure with $fails, and says what the other system said', async ({ status, fails }) => {
  const other = await otherSystem(
    saying({ status, headers: { 'retry-after': '120' }, body: status === 304 ? '' : 'sorry' }),
  )

  await expect(calling(other.host, { url: `${other.url}/a?token=secret` })).rejects.toMatchObject({
    status: fails,
    message: expect.stringMatching(new RegExp(`^GET http://.*/a was answered ${status} \\(Retry-After: 120\\)`)),
  })
})

test('a failure says 500 characters of what was said, and no query', async () => {
  const other = await otherSystem(saying({ status: 503, body: 'x'.repeat(200_000) }))

  const failure = calling(other.host, { url: `${other.url}/a?token=secret` })

  await expect(failure).rejects.toMatchObject({ status: 503, message: expect.stringMatching(/^[^?]*: x{500}$/) })
})

test.each([
  { bytes: 65_000, given: { status: 200 } },
  {
    bytes: 65_537,
    given: { name: 'CarriedOutError', status: 400, message: expect.stringContaining('more than 65536 bytes') },
  },
])('an answer of $bytes bytes: what is larger than is kept fails for good', async ({ bytes, given }) => {
  const other = await otherSystem(saying({ status: 200, body: 'x'.repeat(bytes) }))

  const outcome = await calling(other.host, { url: other.url }).catch((error: unknown) => error)

  expect(outcome).toMatchObject(given)
})

test('nobody who answers within timeoutMs: another attempt may succeed', async () => {
  const other = await otherSystem(() => undefined)

  await expect(calling(other.host, { url: `${other.url}/slow`, timeoutMs: 20 })).rejects.toMatchObject({
    status: 504,
    message: expect.stringMatching(/slow got no answer within 20 ms/),
  })
})

test('an answer that does not end is no answer', async () => {
  const other = await otherSystem((_, response) => void response.writeHead(200).write('begun'))

  await expect(calling(other.host, { url: other.url, timeoutMs: 50 })).rejects.toMatchObject({ status: 504 })
})

/** Undici's clock for its own limits, which it lets tests turn. */
const { tick } = z
  .object({ tick: z.custom<(ms: number) => void>((value) => typeof value === 'function') })
  .parse(createRequire(import.meta.url)('undici/lib/util/timers.js'))

test.each(['beginning', 'end'])('there is no limit to waiting for the %s of an answer but timeoutMs', async (part) => {
  let finish = () => {}
  const other = await otherSystem((_, response) => {
    if (part === 'end') response.writeHead(200).write('do')
    finish = () => response.end(part === 'end' ? 'ne' : 'done')
  })

  const answer = calling(other.host, { url: other.url, timeoutMs: 600_000 })
  await vi.waitFor(() => expect(other.seen).toHaveLength(1))
  for (let passedMs = 0; passedMs < 590_000; passedMs += 5_000) {
    // Lets what is on its way come in.
    await new Promise((resolve) => setImmediate(resolve))
    tick(5_000)
  }
  finish()

  expect(await answer).toMatchObject({ status: 200, body: 'done' })
})

test('an answer is asked for as it is, and one in an encoding all the same is not kept, and was carried out', async () => {
  const packed = gzipSync('{"ok":true}')
  const other = await otherSystem((_, response) =>
    response.writeHead(200, { ...json, 'content-encoding': 'gzip' }).end(packed),
  )
  const broken = await otherSystem((_, response) =>
    response.writeHead(422, { ...json, 'content-encoding': 'gzip' }).end(packed),
  )

  await expect(calling(other.host, { url: other.url })).rejects.toMatchObject({
    name: 'CarriedOutError',
    status: 400,
    message: expect.stringMatching(/answered 200 with an encoding, gzip, which is not kept/),
  })
  expect(other.seen[0]?.headers['accept-encoding']).toBe('identity')
  await expect(calling(broken.host, { url: broken.url })).rejects.toMatchObject({
    status: 422,
    message: `GET ${broken.url}/ was answered 422`,
  })
})

test.each([
  { type: 'text/plain; charset=iso-8859-1', bytes: Buffer.from('Grüße', 'latin1'), body: 'Grüße' },
  { type: 'application/json; Charset="UTF-16LE"', bytes: Buffer.from('["ü"]', 'utf16le'), body: ['ü'] },
  { type: 'text/plain; charset=us-ascii', bytes: Buffer.from('plain'), body: 'plain' },
  { type: 'application/json', bytes: Buffer.from('\uFEFF{"a":1}'), body: { a: 1 } },
])('an answer of the type $type is read as that', async ({ type, bytes, body }) => {
  const other = await otherSystem((_, response) => response.writeHead(200, { 'content-type': type }).end(bytes))

  expect(await calling(other.host, { url: other.url })).toMatchObject({ body })
})

test.each([
  { what: 'a charset that nobody knows', type: 'text/plain; charset=klingon', body: 'nuq', says: /text in klingon/ },
  {
    what: 'a number beyond all doubles',
    type: 'application/json',
    body: '{"n":[1e400]}',
    says: /number at 0 is beyond/,
  },
])('a success with $what is not kept as something else, and was carried out', async ({ type, body, says }) => {
  const other = await otherSystem(saying({ status: 200, headers: { 'content-type': type }, body }))

  await expect(calling(other.host, { url: other.url })).rejects.toMatchObject({
    name: 'CarriedOutError',
    status: 400,
    message: expect.stringMatching(says),
  })
})

test('the deadline ends a call, with its own reason', async () => {
  const other = await otherSystem(() => controller.abort(new Error('the deadline')))
  const controller = new AbortController()

  await expect(calling(other.host, { url: other.url }, { signal: controller.signal })).rejects.toThrow('the deadline')
})

const cutting: RequestListener = (request) => void request.socket.destroy()

test.each([
  { what: 'a connection that is refused', listener: undefined, says: /ECONNREFUSED/ },
  {
    what: 'a connection that is cut',
    listener: cutting,
    says: /no answer/,
  },
])('$what: another attempt may succeed', async ({ listener, says }) => {
  const other = listener && (await otherSystem(listener))
  const host = other?.host ?? '127.0.0.1:1'

  await expect(calling(host, { url: `http://${host}/a` })).rejects.toMatchObject({
    status: 503,
    message: expect.stringMatching(says),
  })
})

test('no host is allowed unless it is listed: the refusal names the variable, and nothing is sent', async () => {
  const other = await otherSystem(saying({ status: 200 }))

  for (const allow of ['example.com', '127.0.0.1', 'localhost:1'])
    await expect(calling(allow, { url: other.url })).rejects.toMatchObject({
      status: 400,
      message: expect.stringMatching(/^127\.0\.0\.1:\d+ is not allowed: EBS_HTTP_ALLOW/),
    })

  expect(other.seen).toEqual([])
})

test.each([
  { url: 'ftp://127.0.0.1/a', says: /only http and https/ },
  { url: 'file:///etc/passwd', says: /only http and https/ },
  { url: 'http://user:pass@127.0.0.1/a', says: /do not belong into a url/ },
  { url: 'http://127.0.0.2/a', says: /127\.0\.0\.2 is not allowed/ },
  { url: 'http://127.0.0.1:81/a', says: /127\.0\.0\.1:81 is not allowed/ },
  { url: 'http://127.0.0.1.evil.com/', says: /127\.0\.0\.1\.evil\.com is not allowed/ },
])('$url is refused', async ({ url, says }) => {
  await expect(calling('127.0.0.1', { url })).rejects.toMatchObject({
    status: 400,
    message: expect.stringMatching(says),
  })
})

test.each([
  { what: 'no url', input: {}, field: 'url' },
  { what: 'a url that is none', input: { url: 'api/orders' }, field: 'url' },
  { what: 'an unknown method', input: { url: 'http://a', method: 'TRACE' }, field: 'method' },
  { what: 'a GET with a body', input: { url: 'http://a', method: 'GET', body: 1 }, field: 'body' },
  { what: 'an unknown field', input: { url: 'http://a', retries: 1 }, field: 'retries' },
  {
    what: 'a header that is the connection’s',
    input: { url: 'http://a', headers: { Host: 'b' } },
    field: 'headers.Host',
  },
  {
    what: 'a key of its own',
    input: { url: 'http://a', headers: { 'Idempotency-Key': 'b' } },
    field: 'headers.Idempotency-Key',
  },
  {
    what: 'an encoding of its own',
    input: { url: 'http://a', headers: { 'Accept-Encoding': 'gzip' } },
    field: 'headers.Accept-Encoding',
  },
  { what: 'a header in a header', input: { url: 'http://a', headers: { a: 'b\r\nc: d' } }, field: 'headers.a' },
  { what: 'no time at all', input: { url: 'http://a', timeoutMs: 0 }, field: 'timeoutMs' },
])('bad input, $what: the field is named', async ({ input, field }) => {
  await expect(calling('a', input)).rejects.toThrow(field)
})
