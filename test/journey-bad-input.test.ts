import { expect } from 'vitest'
import { z } from 'zod'
import { AUDIENCE, handMade, ISSUER, keyFile, nowS, signingKey } from '../shared/service/test/token-fixture.ts'
import { activityQueueOf, deadQueueOf } from '../shared/topology.ts'
import { guest } from './support/guests.ts'
import type { Ask } from './support/http.ts'
import { begin, idIn, register, untilShown } from './support/journeys.ts'
import { testsOfOneSystem } from './support/shared-system.ts'
import type { System } from './support/system.ts'
import { waitUntil } from './support/wait-until.ts'

const test = testsOfOneSystem({ services: ['hub', 'gateway'] })
/** An activity that nobody does, of this type's own. */
const unservedBy = (type: string) => `nobody-does-${type}`
const waitingFor = ({ vhost }: System, type: string) => vhost.depth(activityQueueOf(unservedBy(type)))
/** Of one step, which nobody does. */
const lonely = (type: string, change: object = {}, step: object = {}) => ({
  ...{ type, version: 1, deadline: '10m' },
  activities: { wait: { activity: unservedBy(type), ...step } },
  ...change,
})
const items = z.object({ items: z.array(z.looseObject({})) })
const list = async (system: System, path: string) => items.parse((await system.ask('hub', path)).json).items

const steps = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`step${n}`, { activity: 'digest' }]))
const chain = (...names: readonly string[]) =>
  Object.fromEntries(names.map((name, n) => [name, { activity: 'digest', after: [names.at(n - 1)] }]))

test('J1: a definition that cannot work is refused with all of its faults, and nothing is registered', async ({
  system,
}) => {
  const before = await list(system, '/api/definitions')
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
  const refused = async (activities: object) => faultsOf(lonely('faulty', { activities }))

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
  expect(await list(system, '/api/definitions')).toEqual(before)
})

test('J1: an activity that nobody does is warned of, and its requests wait until somebody does it', async ({
  system,
}) => {
  const definition = lonely('patient', { output: 'outputs.wait' })

  const registered = await system.ask('hub', '/api/definitions', { json: definition })
  const id = await begin(system, { type: 'patient', payload: {} })

  expect(registered).toMatchObject({
    status: 201,
    json: { warnings: [expect.stringContaining(unservedBy('patient'))] },
  })
  await untilShown(system, id, { status: 'RUNNING', activities: { wait: { state: 'running' } } })
  await waitUntil(async () => (await waitingFor(system, 'patient')) === 1)
  const mocks = { [unservedBy('patient')]: [{ output: 'done' }] }
  await guest(system, 'processor', { EBS_MOCK_ACTIVITIES: JSON.stringify(mocks) })
  await untilShown(system, id, { status: 'COMPLETED', output: 'done' })
})

test('what fails when it is evaluated is a failure for good that names the expression, and asks nobody for anything', async ({
  system,
}) => {
  const expressions = { input: 'payload.missing.name', when: 'payload.count > 1', output: 'outputs.wait.name' }
  const { input, when, output } = expressions
  const done = { when: 'false' }
  await register(system, lonely('by-input', {}, { input }))
  await register(system, lonely('by-when', {}, { when }))
  await register(system, lonely('by-output', { output }, done))

  for (const [part, expression] of Object.entries(expressions)) {
    const id = await begin(system, { type: `by-${part}`, payload: { count: 'many' } })
    await untilShown(system, id, {
      status: 'NEEDS_REMEDIATION',
      remediation: { cause: 'permanent', error: expect.stringContaining(expression) },
    })
    expect(await waitingFor(system, `by-${part}`)).toBe(0)
  }
})

test('D5, J3: an answer of 10 MB is dead with a reason and its call times out; one that is over 64 KiB fails for good', async ({
  system,
}) => {
  await register(system, lonely('answered', {}, { timeout: '3s', retry: { retries: 0 } }))
  const [huge, large] = [
    await begin(system, { type: 'answered', payload: {} }),
    await begin(system, { type: 'answered', payload: {} }),
  ]
  await waitUntil(async () => (await waitingFor(system, 'answered')) === 2)

  const answer = (id: string, bytes: number) => ({
    key: 'activities.succeeded',
    body: { type: 'ACTIVITY_SUCCEEDED', callId: `${id}:wait`, output: 'x'.repeat(bytes) },
    properties: { headers: { of: id } },
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
  const isOwn = (id: unknown) => id === huge || id === large
  expect(dead.filter(({ properties }) => isOwn(properties.headers?.of))).toMatchObject([
    {
      properties: {
        headers: {
          of: huge,
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

test('J2: two replicas take the same key at the same time as one journey; with another payload both refuse it', async ({
  system,
}) => {
  await register(system, lonely('shared'))
  const second = await guest(system, 'gateway')
  const request = { type: 'shared', payload: { n: 1 }, key: 'k' }
  const atBoth = (json: unknown, headers = {}) =>
    Promise.all(['gateway', second.name].map((name) => system.ask(name, '/api/journeys', start(json, headers))))

  const [one, other] = await atBoth(request)
  const others = await atBoth({ ...request, payload: { n: 2 } }, WAIT)

  expect([one?.status, other?.status]).toEqual([202, 202])
  expect(one && idIn(one)).toBe(other && idIn(other))
  expect(others).toMatchObject([
    { status: 409, json: { kind: 'conflict' } },
    { status: 409, json: { kind: 'conflict' } },
  ])
  expect(await list(system, '/api/journeys?type=shared')).toMatchObject([{ status: 'RUNNING' }])
  expect(await waitingFor(system, 'shared')).toBe(1)
})

test('A1: only a token of the right issuer, for this audience, in time and with the scope starts a journey, in a format that is known', async ({
  system,
}) => {
  await register(system, lonely('guarded'))
  const [key, stranger] = [await signingKey('k1'), await signingKey('k1')]
  const guard = await guest(system, 'gateway', {
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
      guard.name,
      '/api/journeys',
      start({ type: 'guarded', payload: {} }, { ...authorization, ...headers }),
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
  expect(await list(system, '/api/journeys?type=guarded')).toEqual([])

  const begun = await post(good, { 'content-type': 'application/vnd.ebs.journey.v1+json' })
  expect(begun).toMatchObject({ status: 202 })
  await untilShown(system, idIn(begun), { status: 'RUNNING' })
})
