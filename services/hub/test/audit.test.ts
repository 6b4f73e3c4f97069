import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import type { CheckToken } from '../../../shared/service/auth-token.ts'
import { HttpProblem, unavailable } from '../../../shared/service/errors.ts'
import { StoreUnavailableError } from '../../../shared/store/store.ts'
import { groupBody, hubFixture } from './hub-fixture.ts'
import { shownKinds } from './shown-kinds.ts'

const document = z.looseObject({ paths: z.record(z.string(), z.record(z.string(), z.unknown())) })
const described = join(import.meta.dirname, '../../../docs/openapi/hub.json')
/** As the hub's document has them; all that changes something is a POST. */
const routes = Object.entries(document.parse(JSON.parse(readFileSync(described, 'utf8'))).paths).flatMap(
  ([path, methods]) => Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path })),
)
const acts = routes.filter(({ method }) => method !== 'GET').map(({ path }) => path)

/** Ben may act, Cleo may look, nobody else is known. */
const auth: CheckToken = async (authorization) => {
  if (authorization === 'Bearer ben') return { actor: 'ben', scopes: new Set(['ops:read', 'ops:write']) }
  if (authorization === 'Bearer dora') throw unavailable('No token can be checked.')
  if (authorization === 'Bearer cleo') return { actor: 'cleo', scopes: new Set(['ops:read']) }
  throw new HttpProblem(401, { detail: 'Who are you?' })
}

async function auditFixture(isGuarded: boolean) {
  const lines: string[] = []
  const hub = await hubFixture({ kinds: shownKinds, lines, ...(isGuarded && { auth }) })
  return {
    ...hub,
    /** What is committed at this very moment. */
    entries: async () => (await hub.store.audit.list({}, { limit: 1_000 })).items,
    logged: () => lines.map((line) => JSON.parse(line)).filter(({ audit }) => audit === true),
    [Symbol.asyncDispose]: () => hub[Symbol.asyncDispose](),
  }
}
type Fixture = Awaited<ReturnType<typeof auditFixture>>

/** Asks each act of the hub's; gives which of them left what instead of one entry of this actor with the status of its answer. */
async function faultsOf(hub: Fixture, actor: string | null, body: object, headers: Record<string, string>) {
  const faults: unknown[] = []
  for (const path of acts) {
    const [before, linesBefore] = [(await hub.entries()).length, hub.logged().length]
    const { statusCode, headers: answered } = await hub.post(path.replaceAll(/\{\w+\}/g, 'x-7'), body, headers)
    const entries = (await hub.entries()).slice(0, -before || undefined)
    const wanted = { act: `POST ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`, actor, status: statusCode }
    const [{ act, actor: found, status, id, target } = { act: 'none' }] = entries
    const isAsWanted =
      entries.length === 1 &&
      hub.logged().length === linesBefore + 1 &&
      JSON.stringify({ act, actor: found, status }) === JSON.stringify(wanted) &&
      id === answered['x-request-id'] &&
      (!path.includes('{') || target === 'x-7')
    if (!isAsWanted) faults.push({ wanted, entries })
  }
  return faults
}

test('there are acts to look at, and nothing but a GET is none of them', () => {
  expect(acts.length).toBeGreaterThan(25)
  expect([...new Set(routes.map(({ method }) => method))].toSorted()).toEqual(['GET', 'POST'])
})

describe('A1: each act of the hub leaves exactly one entry, in the store and in the log,', () => {
  const by = { actor: 'ann', reason: 'test' }
  const cases = [
    { name: 'with a valid who and why', isGuarded: false, body: by, headers: {}, actor: 'ann' },
    { name: 'when nothing of the body is valid', isGuarded: false, body: { actor: 7 }, headers: {}, actor: null },
    { name: 'with a token', isGuarded: true, body: by, headers: { authorization: 'Bearer ben' }, actor: 'ben' },
    {
      name: 'refused for its scope',
      isGuarded: true,
      body: by,
      headers: { authorization: 'Bearer cleo' },
      actor: 'cleo',
    },
    { name: 'refused for its token', isGuarded: true, body: by, headers: { 'x-ebs-actor': 'ann' }, actor: null },
  ] as const
  test.each(cases)('$name', async ({ isGuarded, body, headers, actor }) => {
    await using hub = await auditFixture(isGuarded)

    expect(await faultsOf(hub, actor, body, { ...headers })).toEqual([])
    for (const entry of await hub.entries()) expect(entry.isProven).toBe(isGuarded && actor !== null)
  })
})

test('an entry says who did what to what, why, from where and with which outcome; the log says the same', async () => {
  await using hub = await auditFixture(false)
  await hub.hear(groupBody('g1'))

  const answer = await hub.post(
    '/api/groups/g1/cancel',
    { actor: 'ann', reason: 'they left' },
    { 'x-correlation-id': 'c-1' },
  )

  const same = {
    ...{ actor: 'ann', address: '127.0.0.1', act: 'POST /api/groups/:id/cancel', target: 'g1', reason: 'they left' },
    ...{ status: 200, correlationId: 'c-1' },
  }
  const id = answer.headers['x-request-id']
  const [line] = hub.logged()
  expect(line).toMatchObject({ ...same, msg: 'operator act', level: 'info', isProven: false, requestId: id })
  expect((await hub.get('/api/audit')).json()).toEqual({
    items: [{ ...same, id, at: '2026-01-01T00:00:00.000Z', proven: false }],
  })
})

test('of what is made by an act, the entry says where it is', async () => {
  await using hub = await auditFixture(false)
  const document = { type: 'trip', version: 1, deadline: '1m', activities: { a: { activity: 'charge' } } }

  const { statusCode } = await hub.post('/api/definitions', document, {
    'x-ebs-actor': 'Zo\u00c3\u00ab',
    'x-ebs-reason': 'summer',
  })

  expect([statusCode, (await hub.entries())[0]]).toEqual([
    201,
    expect.objectContaining({ target: '/api/definitions/trip/1', actor: 'Zoë', reason: 'summer' }),
  ])
})

test('whoever has a token cannot act in the name of another, nor can who has none', async () => {
  await using hub = await auditFixture(true)
  const forged = { actor: 'boss', reason: 'because' }

  await hub.post('/api/groups/g1/cancel', forged, { authorization: 'Bearer ben', 'x-ebs-actor': 'boss' })
  await hub.post('/api/groups/g1/cancel', forged, { authorization: 'Bearer cleo', 'x-ebs-actor': 'boss' })
  await hub.post('/api/groups/g1/cancel', forged, { 'x-ebs-actor': 'boss' })

  const found = (await hub.entries()).map(({ actor, isProven, status }) => ({ actor, isProven, status }))
  expect(found).toEqual([
    { actor: null, isProven: false, status: 401 },
    { actor: 'cleo', isProven: true, status: 403 },
    { actor: 'ben', isProven: true, status: 404 },
  ])
  expect(JSON.stringify(hub.logged())).not.toContain('boss')
})

test.each([
  [true, 'Bearer ben', 400, false],
  [true, 'Bearer cleo', 403, false],
  [true, undefined, 401, true],
  [true, 'Bearer dora', 503, true],
  [false, undefined, 400, false],
])(
  'with tokens asked for: %s, whoever sends "%s" is answered %i, and is a stranger: %s',
  async (isGuarded, authorization, status, isStranger) => {
    await using hub = await auditFixture(isGuarded)

    await hub.post('/api/groups/g1/cancel', { reason: 'test' }, authorization === undefined ? {} : { authorization })

    await vi.waitFor(async () => expect(await hub.entries()).toMatchObject([{ status, isStranger }]))
  },
)

test.each([
  ['a line of its own', 'x\n{"audit":true,"actor":"boss"}', 'x\\u{a}{"audit":true,"actor":"boss"}'],
  ['what steers a terminal', '\u001b[2Jgone\u009b', '\\u{1b}[2Jgone\\u{9b}'],
  ['what hides or turns letters', 'a\u202eb\u200bc\u2028d\ud800', 'a\\u{202e}b\\u{200b}c\\u{2028}d\\u{d800}'],
  ['a password in a url', 'see amqp://ann:geheim@host/', 'see amqp://ann:***@host/'],
])('nothing that is said gets more than one line of plain text: %s', async (_, said, kept) => {
  await using hub = await auditFixture(false)

  await hub.post('/api/groups/g1/cancel', { actor: said, reason: said })

  const [entry] = await hub.entries()
  expect([entry?.actor, entry?.reason]).toEqual([kept, kept])
})

test('a megabyte of reason, actor or id is cut to what may stand in a history', async () => {
  await using hub = await auditFixture(false)
  const long = '\n'.repeat(200_000)

  await hub.post('/api/groups/g1/cancel', { actor: `a${long}a`, reason: `b${long}b`, more: 'geheim' })
  await hub.post(`/api/groups/${'%00'.repeat(1_300)}/cancel`)

  const entries = await hub.entries()
  const lengths = entries.map(({ actor, reason, target }) => [actor?.length, reason?.length, target?.length])
  expect(lengths).toEqual([
    [3, 4, 1_152],
    [128, 1_024, 2],
  ])
  expect(JSON.stringify([entries, hub.logged()])).not.toMatch(/geheim|\\n/)
})

test('what only looks, and what is no route, leaves none', async () => {
  await using hub = await auditFixture(false)

  for (const url of ['/api/groups', '/api/audit', '/health/live', '/metrics']) await hub.get(url)
  await hub.post('/api/nothing')
  await hub.post('/api/groups')

  expect([await hub.entries(), hub.logged()]).toEqual([[], []])
})

test('a store that takes no entry stops no act: it stands and is answered, and the log has the entry as an error', async () => {
  await using hub = await auditFixture(false)
  await hub.hear(groupBody('g1'))
  const write = hub.store.write.bind(hub.store)
  const full = new StoreUnavailableError('The database takes no writes (SQLITE_FULL).')
  vi.spyOn(hub.store, 'write').mockImplementationOnce(write).mockRejectedValue(full)

  const done = await hub.post('/api/groups/g1/cancel', { actor: 'ann', reason: 'now!' })
  const refused = await hub.post('/api/groups/g1/cancel', { actor: 'ann', reason: 'now!' })

  expect([done.statusCode, refused.statusCode]).toEqual([200, 503])
  await vi.waitFor(() => expect(hub.logged()).toHaveLength(2))
  const unkept = { level: 'error', isKept: false, msg: 'operator act', actor: 'ann', reason: 'now!' }
  expect(hub.logged()).toMatchObject([
    { ...unkept, status: 200 },
    { ...unkept, status: 503 },
  ])
  expect(await hub.metricsText()).toMatch(/ebs_audit_unkept_total\{status="200"\} 1\n(.|\n)*status="503"\} 1/)
})

test('an act that is done waits for its entry; one that the store refuses does not wait until it refuses the entry, too', async () => {
  await using hub = await auditFixture(false)
  await hub.hear(groupBody('g1'))
  const write = hub.store.write.bind(hub.store)
  const locked = new StoreUnavailableError('The database is locked.')
  let refuseEntry = () => {}
  const entry = new Promise<never>((_, reject) => {
    refuseEntry = () => reject(locked)
  })
  vi.spyOn(hub.store, 'write').mockRejectedValueOnce(locked).mockReturnValueOnce(entry).mockImplementation(write)

  const refused = await hub.post('/api/groups/g1/cancel', { actor: 'ann', reason: 'now!' })
  const before = hub.logged()
  const done = await hub.post('/api/groups/g1/cancel', { actor: 'ann', reason: 'now!' })
  const entries = await hub.entries()
  refuseEntry()

  expect([refused.statusCode, before, done.statusCode]).toEqual([503, [], 200])
  expect(entries).toMatchObject([{ status: 200 }])
  await vi.waitFor(() => expect(hub.logged()).toMatchObject([{ status: 200 }, { status: 503, isKept: false }]))
})
