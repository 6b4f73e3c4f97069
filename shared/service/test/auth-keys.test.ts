import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { tokenCheck } from '../auth-token.ts'
import { HttpProblem } from '../errors.ts'
import { createLog } from '../log.ts'
import { handMade, keyFile, settingsFor, signingKey } from './token-fixture.ts'

/** A check, and what it says to a token: the name of its owner, or the status of the refusal. */
function checking(jwks: Parameters<typeof settingsFor>[0]) {
  const lines: string[] = []
  const log = createLog({ service: 'x', level: 'info', destination: { write: (line) => void lines.push(line) } })
  const check = tokenCheck(settingsFor(jwks), { log })
  return {
    lines,
    says: (token: string) =>
      check(`Bearer ${token}`).then(
        ({ actor }) => actor,
        (error: unknown) => (error instanceof HttpProblem ? error.status : Promise.reject(error)),
      ),
  }
}

/** An identity provider that answers what the test says. */
async function provider(...keys: readonly object[]) {
  const state: { keys: readonly object[]; status: number; asked: number; text?: string } = {
    keys,
    status: 200,
    asked: 0,
  }
  const server = createServer((_request, response) => {
    state.asked++
    const text = state.text ?? JSON.stringify({ keys: state.keys })
    response.writeHead(state.status, { 'content-type': 'application/json' }).end(text)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close().closeAllConnections())
  const { port } = server.address() as AddressInfo // a TCP server that listens has one
  return { state, server, url: new URL(`http://127.0.0.1:${port}/jwks`) }
}

/** A clock that the test turns; timers run as ever. */
function turnedClock() {
  vi.useFakeTimers({ toFake: ['Date'] })
  onTestFinished(() => void vi.useRealTimers())
  return (ms: number) => vi.setSystemTime(Date.now() + ms)
}

test('keys in a file: a new one counts at once, and one that was taken out no more', async () => {
  const [old, fresh] = [await signingKey('old'), await signingKey('new')]
  const { file, write } = keyFile(old.jwk)
  const { says } = checking({ file })
  expect([await says(await old.token()), await says(await fresh.token())]).toEqual(['ann', 401])

  write(old.jwk, fresh.jwk)
  expect([await says(await old.token()), await says(await fresh.token())]).toEqual(['ann', 'ann'])

  write(fresh.jwk)
  expect([await says(await old.token()), await says(await fresh.token())]).toEqual([401, 'ann'])
})

test('a file that cannot be read is 503, once in the log, and good again when it is back', async () => {
  const { jwk, token } = await signingKey('k')
  const { file, write, remove } = keyFile(jwk)
  const { says, lines } = checking({ file })

  remove()
  expect([await says(await token()), await says(await token())]).toEqual([503, 503])
  expect(lines.filter((line) => line.includes('no token can be checked'))).toHaveLength(1)

  write(jwk)
  expect(await says(await token())).toBe('ann')
  expect(lines.at(-1)).toContain('can be checked again')
})

test('two keys of one kind and a token that names none is 401, which says so', async () => {
  const [one, other] = [await signingKey('a'), await signingKey('b')]
  const { file } = keyFile({ ...one.jwk, kid: undefined }, { ...other.jwk, kid: undefined })
  const check = tokenCheck(settingsFor({ file }), { log: createLog({ service: 'x', level: 'silent' }) })

  const { SignJWT, importJWK } = await import('jose')
  const key = await importJWK(one.privateJwk)
  const token = await new SignJWT({}).setProtectedHeader({ alg: 'ES256' }).sign(key)

  await expect(check(`Bearer ${token}`)).rejects.toThrow(/`kid`/)
})

test('keys at an address are fetched once, and again for a key that is not among them, but not for each such token', async () => {
  const pass = turnedClock()
  const [old, fresh, wrong] = [await signingKey('old'), await signingKey('new'), await signingKey('wrong')]
  const { state, url } = await provider(old.jwk)
  const { says } = checking({ url })
  const token = await old.token()
  expect(await Promise.all([says(token), says(token), says(token)])).toEqual(['ann', 'ann', 'ann'])
  expect(state.asked).toBe(1)

  state.keys = [old.jwk, fresh.jwk]
  expect([await says(await fresh.token()), state.asked]).toEqual([401, 1])
  pass(30_000)
  expect([await says(await fresh.token()), state.asked]).toEqual(['ann', 2])
  for (let i = 0; i < 5; i++) expect(await says(await wrong.token())).toBe(401)
  expect(state.asked).toBe(2)
})

test('a key that was withdrawn is trusted for ten minutes at most', async () => {
  const pass = turnedClock()
  const { jwk, token } = await signingKey('k')
  const { state, url } = await provider(jwk)
  const { says } = checking({ url })
  const early = await token()
  expect(await says(early)).toBe('ann')

  state.keys = [(await signingKey('k2')).jwk]
  pass(599_000)
  expect(await says(early)).toBe('ann')
  pass(1_000)
  expect(await says(early)).toBe(401)
})

test('an identity provider that fails is 503, and asked again two seconds later', async () => {
  const pass = turnedClock()
  const { jwk, token } = await signingKey('k')
  const { state, url } = await provider(jwk)
  state.status = 500
  const { says, lines } = checking({ url })

  expect([await says(await token()), await says(await token()), state.asked]).toEqual([503, 503, 1])
  expect(lines.join()).toContain('the answer was 500')
  state.status = 200
  pass(2_000)
  expect([await says(await token()), state.asked]).toEqual(['ann', 2])
})

test('A1: an identity provider that is not there is 503 with Retry-After', async () => {
  const { token } = await signingKey('k')
  const { server, url } = await provider()
  server.close()
  const check = tokenCheck(settingsFor({ url }), { log: createLog({ service: 'x', level: 'silent' }) })

  const problem = await check(`Bearer ${await token()}`).catch((error: unknown) => error)

  expect(problem).toMatchObject({ status: 503, headers: { 'retry-after': '5' } })
  expect(problem).toHaveProperty('message', expect.stringContaining('identity provider'))
})

test('nobody is asked about a token that is none', async () => {
  const { state, url } = await provider()
  const { says } = checking({ url })

  expect([await says('garbage'), state.asked]).toEqual([401, 0])
})

test('a token with a key that nobody has is 401 while the provider is away, as long as its keys are known', async () => {
  const pass = turnedClock()
  const [good, wrong] = [await signingKey('k'), await signingKey('wrong')]
  const { state, url } = await provider(good.jwk)
  const { says, lines } = checking({ url })
  const token = await good.token()
  expect(await says(token)).toBe('ann')

  state.status = 500
  pass(31_000)
  expect([await says(await wrong.token()), await says(token), state.asked]).toEqual([401, 'ann', 2])
  expect(lines).toEqual([])

  pass(600_000)
  expect([await says(await wrong.token()), await says(token)]).toEqual([503, 503])
})

describe('a key with which no token can be checked', () => {
  const rsa = (modulusLength: number, kid: string) => ({
    ...generateKeyPairSync('rsa', { modulusLength }).publicKey.export({ format: 'jwk' }),
    kid,
  })
  const unusable = [
    { what: 'too short', key: rsa(1_024, 'bad'), alg: 'RS256', fault: /bad: 1024 bits/ },
    { what: 'no number', key: { kty: 'RSA', n: 'AAAA', e: 'AQAB', kid: 'bad' }, alg: 'RS256', fault: /bad: / },
    {
      what: 'no point',
      key: { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA', kid: 'bad' },
      alg: 'ES256',
      fault: /bad: no EC/,
    },
    {
      what: 'of no curve',
      key: { kty: 'OKP', crv: 'X25519', x: 'AA', kid: 'bad' },
      alg: 'EdDSA',
      fault: /bad: no OKP/,
    },
    { what: 'named by a number', key: { kty: 'EC', kid: 7, alg: 8 }, alg: 'ES256', fault: /number 2: .*alg/ },
  ]

  test.each(unusable)('$what: it is left out with one warning, its tokens are 401, others are taken', async (bad) => {
    const { jwk, token } = await signingKey('k')
    const forged = handMade({ alg: bad.alg, kid: 'bad' }, {}, 'AAAA')
    const { url } = await provider(jwk, bad.key)
    for (const jwks of [{ file: keyFile(jwk, bad.key).file }, { url }]) {
      const { says, lines } = checking(jwks)

      expect([await says(forged), await says(await token()), await says(forged)]).toEqual([401, 'ann', 401])

      const warnings = lines.filter((line) => line.includes('left out'))
      expect(warnings).toEqual([expect.stringMatching(bad.fault)])
    }
  })

  test('what an address shows that is private or shared is left out, too; one for another use is nobody’s concern', async () => {
    const { jwk, privateJwk, token } = await signingKey('k')
    const { url } = await provider(
      jwk,
      { ...privateJwk, kid: 'private' },
      { kty: 'oct', k: 'AAAA', kid: 'shared' },
      { ...rsa(1_024, 'other'), use: 'enc' },
    )
    const { says, lines } = checking({ url })

    expect(await says(await token())).toBe('ann')
    expect(await says(await token({ kid: 'private' }))).toBe(401)
    expect(lines.join()).toMatch(/private: [^"]*not a private one.*shared: /)
    expect(lines.join()).not.toContain('other: ')
  })

  test('a set of nothing else is 503: no token can be checked', async () => {
    const { token } = await signingKey('k')
    const { says, lines } = checking({ file: keyFile(rsa(1_024, 'bad')).file })

    expect(await says(await token())).toBe(503)
    expect(lines.join()).toMatch(/None of its keys can be used: bad: 1024 bits/)
  })
})

test.each(['[]', '{"keys":7}', 'null'])('what is no key set, %s, is 503', async (text) => {
  const { state, url } = await provider()
  state.text = text
  const { says } = checking({ url })

  expect(await says(await (await signingKey('k')).token())).toBe(503)
})
