import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { InjectOptions } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pagePolicy, securityHeaders } from '../../../shared/service/security-headers.ts'
import { AUDIENCE, ISSUER, signingKey } from '../../../shared/service/test/token-fixture.ts'
import { type ServiceName, serviceNames } from '../../services.ts'
import { apis, Site } from '../site.ts'

/** Six services start; on a busy machine that takes longer than vitest gives a hook. */
const START_MS_MAX = 60_000
const ANSWER_MS_MAX = 120_000
const BODY_BYTES_MAX = 1_048_576

const folder = mkdtempSync(join(tmpdir(), 'ebs-surface-'))
let site: Site
let token = ''

/** All services as they run where other machines reach them, and a token that allows everything. */
beforeAll(async () => {
  const key = await signingKey('k')
  token = await key.token({ scope: 'objects:write journeys:write ops:read ops:write' })
  const file = join(folder, 'jwks.json')
  writeFileSync(file, JSON.stringify({ keys: [key.jwk] }))
  site = await Site.open({
    ...{ EBS_HOST: '0.0.0.0', EBS_AUTH: 'jwt', EBS_AUTH_JWKS: file },
    ...{ EBS_AUTH_ISSUER: ISSUER, EBS_AUTH_AUDIENCE: AUDIENCE, EBS_AUTH_FAILURES_PER_MINUTE: '1000000' },
  })
}, START_MS_MAX)
afterAll(async () => {
  await site[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

const ask = (service: ServiceName, request: InjectOptions) =>
  site.during(site.http(service).inject(request), ANSWER_MS_MAX)
const asAnyone = (): Record<string, string> => ({ authorization: `Bearer ${token}` })

type Route = { readonly method: 'GET' | 'HEAD' | 'POST'; readonly url: string }
const isMethod = (word: string): word is Route['method'] => ['GET', 'HEAD', 'POST'].includes(word)

/** Every route that a service has, hidden ones too, as the router prints its tree: four characters to a level. */
function routesOf(service: ServiceName): readonly Route[] {
  const path: string[] = []
  return site
    .http(service)
    .printRoutes({ commonPrefix: false })
    .split('\n')
    .flatMap((line) => {
      const [, indent, segment, methods] = /^([│ ]*)[├└]── (\S+) \((.+)\)$/.exec(line) ?? []
      if (indent === undefined || segment === undefined || methods === undefined) return []
      path.splice(indent.length / 4, path.length, segment)
      // Files of a page: their route is asked for one that is there.
      const url = path.join('').replace('*', '/static/index.css').replaceAll(/:\w+/g, 'x-7')
      return methods
        .split(', ')
        .filter(isMethod)
        .map((method) => ({ method, url }))
    })
}

test('the tree of routes is read: all of what the documents describe is in it', async () => {
  for (const api of apis) {
    const { paths } = (await ask(api, { url: '/openapi.json' })).json()
    const described = Object.keys(paths).map((path) => path.replaceAll(/\{\w+\}/g, 'x-7'))
    expect(routesOf(api).map(({ url }) => url)).toEqual(expect.arrayContaining(described))
  }
})

describe('A1: without a token', () => {
  const operational = ['/health/live', '/health/ready', '/health/serving', '/metrics']
  const pages = ['/openapi.json', '/docs', '/docs/static/index.html', '/docs/static/swagger-initializer.js']
  const more = ['/docs/static/index.css', '/docs/json', '/docs/yaml']

  test.each(serviceNames)('%s answers what is documented as open, and everything else with 401', async (service) => {
    const open = new Set<string>()
    for (const route of routesOf(service)) {
      const { statusCode } = await ask(service, { ...route, ...(route.method === 'POST' && { payload: {} }) })
      if (statusCode !== 401) open.add(route.url)
    }

    const hasPages = apis.some((api) => api === service)
    expect([...open].toSorted()).toEqual([...operational, ...(hasPages ? [...pages, ...more] : [])].toSorted())
  })

  test('what is open is said in docs/security.md', () => {
    const text = readFileSync(join(import.meta.dirname, '../../../docs/security.md'), 'utf8')

    expect(text).toContain(
      '`/health/live`, `/health/ready`, `/health/serving`, `/metrics`, `/openapi.json` and `/docs`',
    )
  })
})

test('whoever keeps what may not be lost is ready only while its store takes writes', async () => {
  for (const service of serviceNames) {
    const { checks } = (await ask(service, { url: '/health/ready' })).json()
    const hasStore = ['datagen', 'hub', 'statistics'].includes(service)
    expect([service, checks.store]).toEqual([service, hasStore ? 'ok' : undefined])
  }
})

test('only the hub has acts of operators, so only it keeps an audit', async () => {
  for (const api of apis) {
    const { paths } = (await ask(api, { url: '/openapi.json' })).json()
    expect([api, JSON.stringify(paths).includes('ops:write')]).toEqual([api, api === 'hub'])
  }
})

describe('A3: every answer has the headers that browsers obey:', () => {
  /** What of an answer is not as it should be. */
  async function faultsOf(service: ServiceName, request: InjectOptions): Promise<readonly string[]> {
    const { headers, statusCode } = await ask(service, request)
    const url = String(request.url)
    const isPage = /^\/docs(\/|$)/.test(url) && statusCode < 400
    const wanted = {
      ...securityHeaders,
      'content-security-policy': isPage ? pagePolicy : securityHeaders['content-security-policy'],
      'strict-transport-security': undefined,
      ...(!isPage && { 'cache-control': 'no-store' }),
    }
    const faults = Object.entries(wanted).filter(([name, value]) => headers[name] !== value)
    return faults.map(([name]) => `${service} ${request.method} ${url} ${statusCode}: ${name} is ${headers[name]}`)
  }

  test.each(serviceNames)('%s, on each of its routes, with a token and without', async (service) => {
    const faults: string[] = []
    for (const route of routesOf(service))
      for (const headers of [asAnyone(), {}]) {
        const request = { ...route, headers, ...(route.method === 'POST' && { payload: {} }) }
        faults.push(...(await faultsOf(service, request)))
      }

    expect(faults).toEqual([])
  })

  test.each(serviceNames)('%s, on what it refuses', async (service) => {
    const tooLarge = JSON.stringify('x'.repeat(BODY_BYTES_MAX))
    const json = { ...asAnyone(), 'content-type': 'application/json' }
    const posts = routesOf(service).filter(({ method }) => method === 'POST')
    const refused: readonly (readonly [number, InjectOptions])[] = [
      [404, { method: 'GET', url: '/nothing' }],
      [404, { method: 'GET', url: '/docs/static/nothing' }],
      [405, { method: 'DELETE', url: '/metrics' }],
      [400, { method: 'GET', url: '/%E0%A4%A' }],
      ...posts.slice(0, 1).flatMap(({ method, url }): (readonly [number, InjectOptions])[] => [
        [413, { method, url, headers: json, payload: tooLarge }],
        [415, { method, url, headers: { ...json, 'content-type': 'text/plain' }, payload: 'x' }],
        [400, { method, url, headers: json, payload: '{' }],
      ]),
    ]
    for (const [status, request] of refused) {
      expect([request.url, (await ask(service, request)).statusCode]).toEqual([request.url, status])
      expect(await faultsOf(service, request)).toEqual([])
    }
  })

  test('files of a page may be kept, answers may not', async () => {
    const file = await ask('hub', { url: '/docs/static/index.css' })

    expect([file.statusCode, file.headers['cache-control']]).toEqual([200, expect.stringMatching(/^public/)])
  })
})
