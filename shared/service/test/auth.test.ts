import { SignJWT } from 'jose'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { tokenCheck } from '../auth-token.ts'
import { createHealth } from '../health.ts'
import { createHttp } from '../http.ts'
import { createLog } from '../log.ts'
import { createMetrics } from '../metrics.ts'
import { AUDIENCE, handMade, ISSUER, keyFile, nowS, settingsFor, signingKey } from './token-fixture.ts'

let key: Awaited<ReturnType<typeof signingKey>>
let other: typeof key
beforeAll(async () => {
  key = await signingKey('k1')
  other = await signingKey('k2')
})

type Options = { readonly requestsPerMinuteMax?: number | false; readonly docs?: boolean }

/** A service with routes of each sort, that takes tokens of `key`. */
async function guarded({ requestsPerMinuteMax = false, docs = false }: Options = {}) {
  const lines: string[] = []
  const log = createLog({ service: 'x', level: 'trace', destination: { write: (line) => void lines.push(line) } })
  const { file } = keyFile(key.jwk)
  const http = await createHttp({
    name: 'x',
    title: 'x',
    log,
    docs,
    health: createHealth(),
    metrics: createMetrics(),
    auth: tokenCheck(settingsFor({ file }), { log }),
    requestsPerMinuteMax,
    isLoopbackLimited: true,
  })
  onTestFinished(() => http.close())
  http.post('/start', { config: { scopes: ['journeys:write'] } }, ({ actor }) => ({ actor }))
  http.get('/look', { config: { scopes: ['ops:read', 'journeys:write'] } }, ({ actor }) => ({ actor }))
  http.get('/plain', () => 'seen')
  http.post('/plain', () => 'done')
  const send = (method: 'GET' | 'POST', url: string, authorization?: string) =>
    http.inject({ method, url, headers: authorization === undefined ? {} : { authorization } })
  return { http, lines, send, start: async (token: string) => send('POST', '/start', `Bearer ${token}`) }
}

test('a token that is in order lets its owner in, who is then known by name', async () => {
  const { start } = await guarded()

  const answer = await start(await key.token())

  expect([answer.statusCode, answer.json()]).toEqual([200, { actor: 'ann' }])
})

test.each(['RS256', 'PS256', 'ES384', 'EdDSA'])('keys may be of the kind %s', async (alg) => {
  const { jwk, token } = await signingKey('k', alg)
  const check = tokenCheck(settingsFor({ file: keyFile(jwk).file }), {
    log: createLog({ service: 'x', level: 'silent' }),
  })

  expect(await check(`bearer ${await token()}`)).toEqual({ actor: 'ann', scopes: new Set(['journeys:write']) })
})

describe('A1: 401 for', () => {
  const claims = () => ({ iss: ISSUER, aud: AUDIENCE, sub: 'ann', exp: nowS() + 60, scope: 'journeys:write' })
  const publicKey = () => new TextEncoder().encode(JSON.stringify(key.jwk))
  const tokens: Readonly<Record<string, { token: () => Promise<string>; why: RegExp }>> = {
    'one that has expired': { token: () => key.token({ claims: { exp: nowS() - 60 } }), why: /expired/ },
    'one that never expires': { token: () => key.token({ claims: { exp: undefined } }), why: /when it expires/ },
    'one that is not valid yet': { token: () => key.token({ claims: { nbf: nowS() + 60 } }), why: /not valid yet/ },
    'one for another audience': { token: () => key.token({ claims: { aud: 'shop' } }), why: /another audience/ },
    'one for nobody': { token: () => key.token({ claims: { aud: undefined } }), why: /another audience/ },
    'one of another issuer': { token: () => key.token({ claims: { iss: 'https://x/' } }), why: /another issuer/ },
    'one with an unknown key': { token: () => other.token(), why: /key that the issuer does not have/ },
    'one that is signed by another key of the same name': { token: () => other.token({ kid: 'k1' }), why: /signature/ },
    'alg none': { token: async () => handMade({ alg: 'none' }, claims()), why: /not signed in a way/ },
    'alg none with a signature': {
      token: async () => handMade({ alg: 'NONE' }, claims(), 'eA'),
      why: /not signed in a way/,
    },
    'alg HS256 with the public key as its secret': {
      token: () => new SignJWT(claims()).setProtectedHeader({ alg: 'HS256', kid: 'k1' }).sign(publicKey()),
      why: /not signed in a way/,
    },
    'one that was changed': {
      token: async () => {
        const [header, , signature] = (await key.token({ scope: 'ops:read' })).split('.')
        return `${header}.${Buffer.from(JSON.stringify(claims())).toString('base64url')}.${signature}`
      },
      why: /signature/,
    },
    garbage: { token: async () => 'garbage', why: /no JSON Web Token/ },
    'dots alone': { token: async () => '..', why: /no JSON Web Token/ },
    'a long text': { token: async () => 'x'.repeat(8_000), why: /no JSON Web Token/ },
  }

  test.each(Object.entries(tokens))('%s', async (_, { token, why }) => {
    const { start } = await guarded()

    const answer = await start(await token())

    expect(answer.statusCode).toBe(401)
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
    expect(answer.headers['www-authenticate']).toMatch(
      /^Bearer realm="ebs", error="invalid_token", error_description="[^"]+"$/,
    )
    expect(answer.json()).toMatchObject({ status: 401, detail: expect.stringMatching(why) })
  })

  test('no token at all, which is not called an error', async () => {
    const { send } = await guarded()

    const answer = await send('POST', '/start')

    expect([answer.statusCode, answer.headers['www-authenticate']]).toEqual([401, 'Bearer realm="ebs"'])
  })

  test.each(['', 'Bearer', 'Bearer ', 'Basic YW5uOmdlaGVpbQ==', 'Bearer a b'])('the header "%s"', async (header) => {
    const { send } = await guarded()

    expect((await send('POST', '/start', header)).statusCode).toBe(401)
  })
})

test.each([
  [-2, 200],
  [-60, 401],
])('clocks that differ: a token that expires in %i s is answered %i', async (inS, status) => {
  const { start } = await guarded()

  expect((await start(await key.token({ claims: { exp: nowS() + inS } }))).statusCode).toBe(status)
})

describe('A1: a token without the scope is 403, which names it:', () => {
  test.each([
    ['POST', '/start', 'ops:read ops:write', 'journeys:write'],
    ['POST', '/start', '', 'journeys:write'],
    ['POST', '/start', 'journeys:writer xjourneys:write', 'journeys:write'],
    ['GET', '/look', 'objects:write', 'ops:read, journeys:write'],
    ['GET', '/plain', 'journeys:write', 'ops:read'],
    ['POST', '/plain', 'ops:read', 'ops:write'],
  ] as const)('%s %s with "%s" needs %s', async (method, url, scope, missing) => {
    const { send } = await guarded()

    const answer = await send(method, url, `Bearer ${await key.token({ scope })}`)

    expect(answer.statusCode).toBe(403)
    expect(answer.json().detail).toContain(missing)
    expect(answer.headers['www-authenticate']).toBe(
      `Bearer realm="ebs", error="insufficient_scope", scope="${missing.replace(',', '')}"`,
    )
  })

  test.each([
    ['GET', '/look', { scope: 'ops:read' }],
    ['GET', '/look', { scope: 'openid journeys:write' }],
    ['GET', '/plain', { scope: '', claims: { scp: ['ops:read'] } }],
    ['POST', '/plain', { scope: '', claims: { scp: 'ops:read ops:write' } }],
  ] as const)('%s %s takes %j', async (method, url, change) => {
    const { send } = await guarded()

    expect((await send(method, url, `Bearer ${await key.token(change)}`)).statusCode).toBe(200)
  })
})

test.each(['/health/live', '/health/ready', '/metrics', '/openapi.json', '/docs'])('%s needs no token', async (url) => {
  const { send } = await guarded({ docs: true })

  expect((await send('GET', url)).statusCode).toBe(200)
})

test('a caller is known by the first name that his token has', async () => {
  const { start } = await guarded()
  const nameOf = async (claims: object) =>
    (await start(await key.token({ claims: { sub: undefined, ...claims } }))).json()

  expect(await nameOf({ client_id: 'shop', azp: 'web' })).toEqual({ actor: 'shop' })
  expect(await nameOf({ azp: 'web' })).toEqual({ actor: 'web' })
  expect(await nameOf({})).toEqual({ actor: 'unnamed' })
  expect(await nameOf({ sub: 'n'.repeat(500) })).toEqual({ actor: 'n'.repeat(128) })
})

test('the body of a caller without a token is not read', async () => {
  const { http } = await guarded()

  const answer = await http.inject({
    method: 'POST',
    url: '/start',
    payload: '{',
    headers: { 'content-type': 'text/x' },
  })

  expect(answer.statusCode).toBe(401)
})

test('whoever tries many tokens is held back by the rate limit', async () => {
  const { start } = await guarded({ requestsPerMinuteMax: 2 })

  const statuses = [await start('a'), await start('b'), await start('c')].map(({ statusCode }) => statusCode)

  expect(statuses).toEqual([401, 401, 429])
})

test('A3: no part of a token comes into the log or an answer', async () => {
  const { start, lines } = await guarded()
  const tokens = [
    await key.token(),
    await key.token({ claims: { sub: 'quite-unusual', exp: nowS() - 60 } }),
    await key.token({ claims: { sub: 'quite-unusual', aud: 'shop' } }),
    await other.token({ claims: { sub: 'quite-unusual' } }),
  ]

  const answers = await Promise.all(tokens.map(start))

  const said = [...lines, ...answers.map(({ body, headers }) => body + JSON.stringify(headers))].join('\n')
  expect(lines.length).toBeGreaterThan(0)
  for (const part of tokens.flatMap((token) => token.split('.').slice(1))) expect(said).not.toContain(part)
  expect(said).not.toContain('quite-unusual')
})

test('the documentation shows which routes want which token', async () => {
  const { send } = await guarded({ docs: true })

  const { components, paths } = (await send('GET', '/openapi.json')).json()

  expect(components.securitySchemes.token).toEqual({ type: 'http', scheme: 'bearer', bearerFormat: 'JWT' })
  expect(paths['/start'].post.security).toEqual([{ token: ['journeys:write'] }])
  expect(paths['/look'].get.security).toEqual([{ token: ['ops:read'] }, { token: ['journeys:write'] }])
  expect(paths['/plain'].post.security).toEqual([{ token: ['ops:write'] }])
  expect(paths['/health/live'].get.security).toEqual([])
})
