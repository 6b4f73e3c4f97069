import { expect, test } from 'vitest'
import { z } from 'zod'
import { AUDIENCE, handMade, ISSUER, keyFile, nowS, signingKey } from '../shared/service/test/token-fixture.ts'
import { deadQueueOf } from '../shared/topology.ts'
import type { Ask } from './support/http.ts'
import { begin, idIn, register, untilShown } from './support/journeys.ts'
import { type System, startSystem } from './support/system.ts'
import { waitUntil } from './support/wait-until.ts'

const services = ['hub', 'gateway'] as const
/** Of one step, which nobody does. */
const lonely = (change: object = {}, step: object = {}) => ({
  ...{ type: 'lonely', version: 1, deadline: '10m' },
  activities: { wait: { activity: 'nobody-does-it', ...step } },
  ...change,
})
const items = z.object({ items: z.array(z.looseObject({})) })
const list = async (system: System, path: string) => items.parse((await system.ask('hub', path)).json).items

const steps = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`step${n}`, { activity: 'digest' }]))
const chain = (...names: readonly string[]) =>
  Object.fromEntries(names.map((name, n) => [name, { activity: 'digest', after: [names.at(n - 1)] }]))

test('J1: a definition that cannot work is refused with all of its faults, and nothing is registered', async () => {
  await using system = await startSystem({ services })
  const faultsOf = async (definition: unknown) => {
    const { status, json } = await system.ask('hub', '/api/definitions', { json: definition })
    return [
      status,
      ...z
        .object({ errors: z.array(z.object({ field: z.string(), message: z.string() })) })
        .parse(json)
        .errors.map(({ field, message }) => `${field}: ${message}`),
    ]
  }
  const refused = async (activities: object) => faultsOf(lonely({ activities }))

  expect(await refused({})).toEqual([422, 'activities: there are none; a journey has at least one'])
  expect(await refused(chain('a'))).toEqual([422, 'activities.a.after: a step cannot wait for itself'])
  expect(await refused({ ...chain('a', 'b', 'c'), ...chain('d', 'e') })).toEqual([
    422,
    'activities: they wait for each other in a circle: a -> b -> c -> a',
    'activities: they wait for each other in a circle: d -> e -> d',
  ])
  expect(await refused(steps(10_000))).toEqual([422, expect.stringContaining('there are 10000, at most 500')])
  expect(await refused({ undo: { activity: 'digest', compensate: 'undo' } })).toEqual([
    422,
    expect.stringContaining('undo'),
  ])
  expect(await faultsOf([])).toEqual([422, expect.stringContaining('expected a JSON object')])
  expect(
    await faultsOf({
      ...{ type: 'so wrong', version: 0, deadline: 'soon', output: 'outputs.(', whatever: 1 },
      activities: { a: { activity: 'a b', after: ['z', 'a'], when: '1 +', timeout: '-1s' } },
    }),
  ).toEqual([
    422,
    expect.stringMatching(/^type: expected letters/),
    expect.stringMatching(/^version: .*>=1/),
    expect.stringMatching(/^deadline: expected a duration/),
    expect.stringMatching(/^activities.a.activity: expected letters/),
    expect.stringMatching(/^activities.a.timeout: expected a duration/),
    'whatever: there is no such field',
    'activities.a.after: there is no step `z`',
    'activities.a.after: a step cannot wait for itself',
    expect.stringMatching(/^activities.a.when: character 4/),
    expect.stringMatching(/^output: character 9/),
  ])
  expect(await list(system, '/api/definitions')).toEqual([])
})

test('J1: an activity that nobody does is warned of, and its requests wait until somebody does it', async () => {
  await using system = await startSystem({ services })

  const registered = await system.ask('hub', '/api/definitions', { json: lonely({ output: 'outputs.wait' }) })
  const id = await begin(system, { type: 'lonely', payload: {} })

  expect(registered).toMatchObject({ status: 201, json: { warnings: [expect.stringContaining('nobody-does-it')] } })
  await untilShown(system, id, { status: 'RUNNING', activities: { wait: { state: 'running' } } })
  await waitUntil(async () => (await system.vhost.depth('activity.nobody-does-it')) === 1)
  await system.start('processor', { EBS_MOCK_ACTIVITIES: '{"nobody-does-it": [{"output": "done"}]}' })
  await untilShown(system, id, { status: 'COMPLETED', output: 'done' })
})

test('what fails when it is evaluated is a failure for good that names the expression, and asks nobody for anything', async () => {
  await using system = await startSystem({ services })
  const expressions = { input: 'payload.missing.name', when: 'payload.count > 1', output: 'outputs.wait.name' }
  const { input, when, output } = expressions
  const done = { when: 'false' }
  await register(system, lonely({ type: 'by-input' }, { input }))
  await register(system, lonely({ type: 'by-when' }, { when }))
  await register(system, lonely({ type: 'by-output', output }, done))

  for (const [part, expression] of Object.entries(expressions)) {
    const id = await begin(system, { type: `by-${part}`, payload: { count: 'many' } })
    await untilShown(system, id, {
      status: 'NEEDS_REMEDIATION',
      remediation: { cause: 'permanent', error: expect.stringContaining(expression) },
    })
  }
  expect(await system.vhost.depth('activity.nobody-does-it')).toBe(0)
})

test('D5, J3: an answer of 10 MB is dead with a reason and its call times out; one that is over 64 KiB fails for good', async () => {
  await using system = await startSystem({ services })
  await register(system, lonely({}, { timeout: '3s', retry: { retries: 0 } }))
  const [huge, large] = [
    await begin(system, { type: 'lonely', payload: {} }),
    await begin(system, { type: 'lonely', payload: {} }),
  ]
  await waitUntil(async () => (await system.vhost.depth('activity.nobody-does-it')) === 2)

  const answer = (id: string, bytes: number) => ({
    key: 'activities.succeeded',
    body: { type: 'ACTIVITY_SUCCEEDED', callId: `${id}:wait`, output: 'x'.repeat(bytes) },
  })
  await system.publishMany([answer(huge, 10_000_000), answer(large, 70_000)])

  await untilShown(system, large, {
    status: 'NEEDS_REMEDIATION',
    remediation: { cause: 'permanent', error: expect.stringContaining('65536') },
  })
  await untilShown(system, huge, {
    status: 'NEEDS_REMEDIATION',
    remediation: { cause: 'exhausted', steps: ['wait'] },
    activities: { wait: { state: 'failed', attempt: 1 } },
  })
  const dead = await system.vhost.peek(deadQueueOf('hub_consume'), 10)
  expect(dead).toMatchObject([
    {
      properties: {
        headers: {
          'x-ebs-queue': 'hub_consume',
          'x-ebs-reason': 'poison',
          'x-ebs-error': expect.stringMatching(/^Unrecoverable: body: 100\d+ bytes/),
        },
      },
    },
  ])
})

const WAIT = { prefer: 'wait=10' }
const start = (json: unknown, headers: Readonly<Record<string, string>> = {}): Ask => ({ json, headers })

test('J2: two replicas take the same key at the same time as one journey; with another payload both refuse it', async () => {
  await using system = await startSystem({ services: [...services, 'gateway'] })
  await register(system, lonely())
  const request = { type: 'lonely', payload: { n: 1 }, key: 'k' }
  const atBoth = (json: unknown, headers = {}) =>
    Promise.all(['gateway', 'gateway-2'].map((name) => system.ask(name, '/api/journeys', start(json, headers))))

  const [first, second] = await atBoth(request)
  const others = await atBoth({ ...request, payload: { n: 2 } }, WAIT)

  expect([first?.status, second?.status]).toEqual([202, 202])
  expect(first && idIn(first)).toBe(second && idIn(second))
  expect(others).toMatchObject([
    { status: 409, json: { kind: 'conflict' } },
    { status: 409, json: { kind: 'conflict' } },
  ])
  expect(await list(system, '/api/journeys')).toMatchObject([{ status: 'RUNNING' }])
  expect(await system.vhost.depth('activity.nobody-does-it')).toBe(1)
})

test('A1: only a token of the right issuer, for this audience, in time and with the scope starts a journey, in a format that is known', async () => {
  await using system = await startSystem({ services: ['hub'] })
  await register(system, lonely())
  const [key, stranger] = [await signingKey('k1'), await signingKey('k1')]
  await system.start('gateway', {
    ...{ EBS_AUTH: 'jwt', EBS_AUTH_ISSUER: ISSUER, EBS_AUTH_AUDIENCE: AUDIENCE },
    EBS_AUTH_JWKS: keyFile(key.jwk).file,
  })
  const claims = { iss: ISSUER, aud: AUDIENCE, sub: 'ann', exp: nowS() + 60, scope: 'journeys:write' }
  const tokens = {
    none: undefined,
    unsigned: handMade({ alg: 'none' }, claims),
    expired: await key.token({ claims: { exp: nowS() - 60 } }),
    'for another audience': await key.token({ claims: { aud: 'somebody else' } }),
    'of another issuer': await key.token({ claims: { iss: 'https://evil.example/' } }),
    forged: await stranger.token(),
  }
  const good = await key.token()
  const post = async (token: string | undefined, headers: Readonly<Record<string, string>> = {}) => {
    const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const answer = await system.ask(
      'gateway',
      '/api/journeys',
      start({ type: 'lonely', payload: {} }, { ...authorization, ...headers }),
    )
    return answer
  }

  for (const [what, token] of Object.entries(tokens)) {
    const { status, headers } = await post(token)
    expect(status, what).toBe(401)
    expect(headers.get('www-authenticate'), what).toContain('Bearer')
  }
  expect(await post(await key.token({ scope: 'ops:read' }))).toMatchObject({ status: 403 })
  for (const type of ['application/vnd.ebs.journey.v9+json', 'text/plain', 'application/xml'])
    expect(await post(good, { 'content-type': type }), type).toMatchObject({ status: 415 })
  expect(await post(good, { accept: 'application/vnd.ebs.journey.v9+json' })).toMatchObject({ status: 406 })
  expect(await list(system, '/api/journeys')).toEqual([])

  const begun = await post(good, { 'content-type': 'application/vnd.ebs.journey.v1+json' })
  expect(begun).toMatchObject({ status: 202 })
  await untilShown(system, idIn(begun), { status: 'RUNNING' })
})
