import { expect } from 'vitest'
import { z } from 'zod'
import { withOwnCounts } from './support/own-counts.ts'
import { expectAllDone } from './support/settled.ts'
import { testsOfOneSystem } from './support/shared-system.ts'
import { waitUntil } from './support/wait-until.ts'

const test = testsOfOneSystem()

const problem = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.number(),
  detail: z.string(),
  errors: z.array(z.object({ field: z.string(), message: z.string(), in: z.string() })).optional(),
})
const MEGABYTE = 1_000_000

type Bad = {
  readonly method?: string
  readonly path?: string
  readonly body?: string
  readonly contentType?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly status: number
  /** Fields that the problem names. */
  readonly fields?: readonly string[]
  readonly detail?: RegExp
}

const bad: Readonly<Record<string, Bad>> = {
  'values of the wrong type': {
    body: '{"tenant":7,"name":true,"content":{}}',
    status: 400,
    fields: ['tenant', 'name', 'content'],
  },
  'a body that is no object': { body: '[1]', status: 400, fields: ['body'] },
  'an unknown field': { body: '{"tenannt":"acme"}', status: 400, fields: ['tenannt'] },
  'an empty name': { body: '{"name":""}', status: 400, fields: ['name'] },
  'broken JSON': { body: '{"name": ', status: 400, detail: /not JSON/ },
  'deep JSON': { body: `{"name":${'['.repeat(20_000)}${']'.repeat(20_000)}}`, status: 400, detail: /nested deeper/ },
  '2 MB': { body: JSON.stringify({ content: 'x'.repeat(2 * MEGABYTE) }), status: 413, detail: /larger than \d+ bytes/ },
  'another content type': {
    body: '<object/>',
    contentType: 'text/xml',
    status: 415,
    detail: /text\/xml.*application\/json/,
  },
  'count 0': { path: '/api/objects?count=0', status: 400, fields: ['count'] },
  'count 10001': { path: '/api/objects?count=10001', status: 400, fields: ['count'] },
  'count abc': { path: '/api/objects?count=abc', status: 400, fields: ['count'] },
  'count 1.5': { path: '/api/objects?count=1.5', status: 400, fields: ['count'] },
  'too much content at once': {
    path: '/api/objects?count=100',
    body: JSON.stringify({ content: 'x'.repeat(50_000) }),
    status: 413,
    detail: /5000000 characters, at most 4194304/,
  },
  'an unknown parameter': { path: '/api/objects?cuont=2', status: 400, fields: ['cuont'] },
  'an endless key': { headers: { 'idempotency-key': 'k'.repeat(300) }, status: 400, fields: ['idempotency-key'] },
  'a nonsensical cursor': {
    method: 'GET',
    path: '/api/objects?cursor=-1&limit=0',
    status: 400,
    fields: ['cursor', 'limit'],
  },
  'an object that is not there': { method: 'GET', path: '/api/objects/nobody', status: 404, detail: /nobody/ },
  'an unknown route': { path: '/api/object', status: 404, detail: /POST \/api\/objects/ },
  'a method that is not taken': { method: 'DELETE', path: '/api/objects', status: 405, detail: /GET.*POST|POST.*GET/ },
}

test('datagen refuses what is wrong with a problem that names the field, and creates nothing', async ({
  system: shared,
}) => {
  const system = await withOwnCounts(shared)
  const { url } = system.process('datagen')
  const list = z.object({ items: z.array(z.object({ id: z.string() })) })
  const objects = async () => list.parse(await (await fetch(`${url}/api/objects?limit=1000`)).json()).items
  const before = await objects()
  for (const [
    name,
    { method = 'POST', path = '/api/objects', body, status, fields, detail, ...rest },
  ] of Object.entries(bad)) {
    const headers = {
      ...rest.headers,
      ...(body !== undefined && { 'content-type': rest.contentType ?? 'application/json' }),
    }
    const answer = await fetch(`${url}${path}`, { method, headers, ...(body !== undefined && { body }) })
    const text = await answer.text()
    expect(answer.status, name).toBe(status)
    expect(answer.headers.get('content-type'), name).toMatch(/^application\/problem\+json/)
    expect(text, name).not.toMatch(/node_modules|\.js:\d+|\.ts:\d+|"stack"/)
    const said = problem.parse(JSON.parse(text))
    expect(said.status, name).toBe(status)
    if (fields) expect(said.errors?.map(({ field }) => field).sort(), name).toEqual([...fields].sort())
    if (detail) expect(said.detail, name).toMatch(detail)
    if (status === 405) expect(answer.headers.get('allow')?.split(', ').sort()).toEqual(['GET', 'HEAD', 'POST'])
  }
  expect(await objects()).toEqual(before)
  expect((await system.statistics()).objects_created).toBe(0)
})

test('an Idempotency-Key makes a repeated request the same object, and refuses another body', async ({
  system: shared,
}) => {
  const system = await withOwnCounts(shared)
  const { url } = system.process('datagen')
  const post = async (body: unknown, path = '/api/objects') => {
    const headers = { 'content-type': 'application/json', 'idempotency-key': 'one' }
    const answer = await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
    return { status: answer.status, location: answer.headers.get('location'), json: await answer.json() }
  }
  const first = await post({ name: 'a' })
  expect(first.status).toBe(201)

  // At the same time, too: the second must not slip in while the first is being made.
  const repeated = await Promise.all([post({ name: 'a' }), post({ name: 'a' }), post({ name: 'a' }, '/objects')])

  for (const one of repeated) expect(one).toEqual(first)
  expect(await post({ name: 'b' })).toMatchObject({
    status: 422,
    json: { status: 422, detail: expect.stringContaining('Idempotency-Key') },
  })
  expect((await post({ name: 'a' }, '/api/objects?count=2')).status).toBe(422)
  await expectAllDone(system, { objects: 1 })
})

test('an empty body, a trailing slash and the alias are taken', async ({ system: shared }) => {
  const system = await withOwnCounts(shared)
  const { url } = system.process('datagen')
  const json = { 'content-type': 'application/json' }
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  for (const [path, init] of [
    ['/api/objects', {}],
    ['/api/objects/', {}],
    ['/objects', { headers: json, body: '{}' }],
    ['/objects/', { headers: json, body: '' }],
    // As `curl -d ''` sends it.
    ['/api/objects?count=1', { headers: form, body: '' }],
  ] as const)
    expect((await fetch(`${url}${path}`, { method: 'POST', ...init })).status, path).toBe(201)
  await waitUntil(async () => (await fetch(`${url}/health/ready/`)).status === 200)
  await expectAllDone(system, { objects: 5 })
})
