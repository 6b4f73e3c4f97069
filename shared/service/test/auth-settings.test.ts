import { writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { describe, expect, test } from 'vitest'
import { readServiceConfig } from '../config.ts'
import { ConfigError } from '../errors.ts'
import { keyFile, signingKey } from './token-fixture.ts'

const read = (env: Readonly<Record<string, string>>) => readServiceConfig({ name: 'x', port: 1, own: {} }, env)

function mistakesIn(env: Readonly<Record<string, string>>): ConfigError {
  try {
    read(env)
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
  throw new Error('no mistake was found')
}

const url = 'https://login.example/jwks.json'
const jwt = { EBS_AUTH: 'jwt', EBS_AUTH_ISSUER: 'https://login.example/', EBS_AUTH_AUDIENCE: 'ebs', EBS_AUTH_JWKS: url }

test('nobody asks for tokens unless it is said', () => {
  expect(read({}).auth).toBeUndefined()
  expect(read({ EBS_AUTH: 'off' }).auth).toBeUndefined()
})

test('settings without the switch have no effect, which is worth a warning', () => {
  const { auth, warnings } = read({ EBS_AUTH_ISSUER: 'https://login.example/', EBS_AUTH_JWKS: '/nowhere' })

  expect(auth).toBeUndefined()
  expect(warnings).toEqual([
    expect.stringContaining('EBS_AUTH_ISSUER has no effect'),
    expect.stringContaining('EBS_AUTH_JWKS has no effect'),
  ])
})

test('keys by address', () => {
  const { auth, warnings } = read({ ...jwt, EBS_AUTH_CLOCK_TOLERANCE_S: '30' })

  expect(auth).toEqual({
    issuer: 'https://login.example/',
    audience: 'ebs',
    jwks: { url: new URL(url) },
    clockToleranceS: 30,
  })
  expect(warnings).toEqual([])
})

test('keys by file, also as file://', async () => {
  const { file } = keyFile((await signingKey('k')).jwk)

  expect(read({ ...jwt, EBS_AUTH_JWKS: file }).auth?.jwks).toEqual({ file })
  expect(read({ ...jwt, EBS_AUTH_JWKS: pathToFileURL(file).href }).auth?.jwks).toEqual({ file })
})

test.each([
  ['http://login.example/jwks', 1],
  ['http://127.0.0.1:9/jwks', 0],
  ['https://login.example/jwks', 0],
])('keys that come by %s are worth %i warnings', (address, count) => {
  expect(read({ ...jwt, EBS_AUTH_JWKS: address }).warnings).toHaveLength(count)
})

test('A1: what is missing is listed at once, with every other mistake', () => {
  const { mistakes } = mistakesIn({ EBS_AUTH: 'jwt', EBS_AUTH_CLOCK_TOLERANCE_S: '301', EBS_X_PORT: 'http' })

  expect(mistakes.map(({ variable }) => variable).toSorted()).toEqual([
    'EBS_AUTH_AUDIENCE',
    'EBS_AUTH_CLOCK_TOLERANCE_S',
    'EBS_AUTH_ISSUER',
    'EBS_AUTH_JWKS',
    'EBS_X_PORT',
  ])
})

test.each(['on', 'JWT', 'none', 'basic'])('EBS_AUTH is not %s', (given) => {
  expect(mistakesIn({ ...jwt, EBS_AUTH: given }).message).toContain(`EBS_AUTH is "${given}". Accepted: one of off, jwt`)
})

test.each([
  ['ftp://login.example/jwks', /https:\/\//],
  ['https://ann:geheim@login.example/jwks', /without a user and password/],
  ['/nowhere/jwks.json', /ENOENT/],
  ['/', /Key Set/],
])('no keys are at %s', (given, why) => {
  const { message } = mistakesIn({ ...jwt, EBS_AUTH_JWKS: given })

  expect(message).toMatch(why)
  expect(message).not.toContain('geheim')
})

describe('a file of keys', () => {
  const secret = Buffer.from('a shared secret').toString('base64url')

  test.each([
    ['is not JSON', '-----BEGIN PUBLIC KEY-----', /not JSON/],
    ['is no key set', '{"kty":"RSA"}', /keys/],
    ['is empty', '{"keys":[]}', /keys/],
    ['has a shared secret', JSON.stringify({ keys: [{ kty: 'oct', k: secret }] }), /public key/],
    ['is larger than 1 MiB', JSON.stringify({ keys: [{ kty: 'EC', x: 'x'.repeat(1_048_576) }] }), /at most 1048576/],
  ])('that %s is a mistake', (_, content, why) => {
    const { file } = keyFile()
    writeFileSync(file, content)

    expect(mistakesIn({ ...jwt, EBS_AUTH_JWKS: file }).message).toMatch(why)
  })

  test('with private keys is refused, and not shown', async () => {
    const { privateJwk } = await signingKey('k')
    const { file } = keyFile(privateJwk)

    const { message } = mistakesIn({ ...jwt, EBS_AUTH_JWKS: file })

    expect(message).toMatch(/not a private one/)
    expect(message).not.toContain(privateJwk.d)
  })
})

describe('A1: an address that other machines reach', () => {
  test('is taken when tokens are asked for', () => {
    expect(read({ ...jwt, EBS_HOST: '0.0.0.0' }).host).toBe('0.0.0.0')
  })

  test('is refused otherwise, and told of both ways out', () => {
    const { message } = mistakesIn({ EBS_AUTH: 'off', EBS_HOST: '0.0.0.0' })

    expect(message).toMatch(/EBS_AUTH=jwt.*EBS_INSECURE_PUBLIC=true/)
  })
})

test.each([
  ['', undefined],
  ['1', 1],
  ['1000000000', 1_000_000_000],
])('EBS_REQUESTS_PER_MINUTE may be "%s"', (given, max) => {
  expect(read({ EBS_REQUESTS_PER_MINUTE: given }).requestsPerMinuteMax).toBe(max)
})

test.each(['0', '-1', '1000000001', 'many'])('EBS_REQUESTS_PER_MINUTE may not be "%s"', (given) => {
  expect(mistakesIn({ EBS_REQUESTS_PER_MINUTE: given }).message).toContain('EBS_REQUESTS_PER_MINUTE')
})
