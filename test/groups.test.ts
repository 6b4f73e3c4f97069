import { expect } from 'vitest'
import { z } from 'zod'
import {
  createLine,
  doneLine,
  endsOf,
  FAILURE,
  fence,
  ignoredCounts,
  ignoredSince,
  paste,
  SUCCESS,
} from './support/collector.ts'
import { distinct, type HeardMessage, onlooker } from './support/onlooker.ts'
import { testsOfOneSystem } from './support/shared-system.ts'
import type { System } from './support/system.ts'
import { waitUntil } from './support/wait-until.ts'

const test = testsOfOneSystem({ services: ['hub', 'gateway'] })

const MEGABYTE = 1_000_000
/** Keys in an order that no parser of numbers would keep, a key that JavaScript knows, text beyond ASCII. */
const PAYLOAD = '{"z":[1,{"a":null}],"__proto__":{"x":1},"text":"grüß dich 🚀","n":-1.5e-7,"b":false}'
const times = { created: expect.stringMatching(/^\d{4}-.*Z$/), resolved: expect.stringMatching(/^\d{4}-.*Z$/) }

type Story = {
  readonly promise: string
  /** What a person pastes; the group's id is the story's name. */
  readonly lines: (id: string) => readonly string[]
  readonly key: string
  readonly body: Readonly<Record<string, unknown>>
}

const stories: Readonly<Record<string, Story>> = {
  all: {
    promise: 'G1: all members in any order',
    lines: (id) => [
      createLine(id, ['a', 'b', 'c'], { payload: { order: 7 } }),
      doneLine(id, 'c', { result: { n: 3 } }),
      doneLine(id, 'a', { result: [1, null] }),
      doneLine(id, 'b'),
    ],
    key: SUCCESS,
    body: { results: { a: [1, null], b: 'b', c: { n: 3 } }, payload: { order: 7 }, endedBy: 'all' },
  },
  failed: {
    promise: 'G2: the error of a member, verbatim',
    lines: (id) => [
      createLine(id, ['a', 'b', 'c'], { payload: 'p' }),
      doneLine(id, 'a', { result: 1 }),
      doneLine(id, 'b', { error: 'Disk "C:" is full \n#42' }),
    ],
    key: FAILURE,
    body: { entity: 'b', error: 'Disk "C:" is full \n#42', results: { a: 1, b: null }, payload: 'p', endedBy: 'error' },
  },
  slow: {
    promise: 'G4: the ttl has passed',
    lines: (id) => [createLine(id, ['a', 'b'], { ttl: 1, payload: null }), doneLine(id, 'a')],
    key: FAILURE,
    body: {
      entity: 'slow',
      error: 'Operation timed out after 1 seconds',
      results: { a: 'a' },
      payload: null,
      endedBy: 'timeout',
    },
  },
  early: {
    promise: 'G5: Dones that overtake their Create',
    lines: (id) => [doneLine(id, 'b'), doneLine(id, 'stranger'), doneLine(id, 'a'), createLine(id, ['a', 'b'])],
    key: SUCCESS,
    body: { results: { a: 'a', b: 'b' }, endedBy: 'all' },
  },
  stubborn: {
    promise: 'G6, G7: a Done that is not expected, even with an error, and a second word of the same member',
    lines: (id) => [
      createLine(id, ['a', 'b']),
      doneLine(id, 'nobody', { error: 'not mine' }),
      doneLine(id, 'a', { result: 'first' }),
      doneLine(id, 'a', { error: 'second' }),
      doneLine(id, 'b'),
    ],
    key: SUCCESS,
    body: { results: { a: 'first', b: 'b' }, endedBy: 'all' },
  },
  empty: {
    promise: 'G8: nothing is expected',
    lines: (id) => [createLine(id, [], { payload: 1 })],
    key: SUCCESS,
    body: { results: {}, payload: 1, endedBy: 'all' },
  },
  repeated: {
    promise: 'G8: an id that comes twice is one member',
    lines: (id) => [createLine(id, ['a', 'a', 'b', 'a']), doneLine(id, 'a'), doneLine(id, 'b')],
    key: SUCCESS,
    body: { results: { a: 'a', b: 'b' }, endedBy: 'all' },
  },
  quorum: {
    promise: 'a quorum: enough results, in spite of an error',
    lines: (id) => [
      createLine(id, ['a', 'b', 'c', 'd'], { quorum: 2 }),
      doneLine(id, 'a', { error: 'no' }),
      doneLine(id, 'b'),
      doneLine(id, 'd'),
    ],
    key: SUCCESS,
    body: { results: { a: null, b: 'b', d: 'd' }, errors: { a: 'no' }, endedBy: 'quorum' },
  },
  partial: {
    promise: 'onTimeout partial: what there is when the ttl has passed',
    lines: (id) => [createLine(id, ['a', 'b'], { ttl: 0.5, onTimeout: 'partial' }), doneLine(id, 'b')],
    key: SUCCESS,
    body: { results: { b: 'b' }, endedBy: 'timeout' },
  },
}

test("the collector's JSON, pasted line by line without any properties, gives the documented answers, each once", async ({
  system,
}) => {
  const before = await ignoredCounts(system)
  const { early } = await statusOf(system)
  const ends = await onlooker(system.vhost, 'eventbus-collector.*')

  for (const [id, { lines }] of Object.entries(stories)) await paste(system, ...lines(id))

  const told = async (id: string) => endsOf(await ends.heard(), id).map(({ key, body }) => ({ key, body }))
  for (const [id, { promise, key, body }] of Object.entries(stories))
    await waitUntil(async () => {
      const type = `EventGroupCollector${key === SUCCESS ? 'Success' : 'Failure'}`
      expect(await told(id), promise).toEqual([{ key, body: { type, id, ...times, ...body } }])
    })
  // G3: whatever is said of a group that has ended changes nothing, and is counted.
  expect(await ignoredSince(system, before)).toEqual({ 'group unknown': 2, 'group duplicate': 1 })
  const inTime = await ignoredCounts(system)
  const late = Object.keys(stories).flatMap((id) => [doneLine(id, 'z'), doneLine(id, 'a', { error: 'too late' })])
  await paste(system, ...late, doneLine('never-opened', 'a'))
  await fence(system, ends, 'behind-the-late')
  const ids = Object.keys(stories)
  expect(endsOfAny(await ends.heard(), [...ids, 'never-opened'])).toHaveLength(ids.length)
  expect(await ignoredSince(system, inTime)).toEqual({ 'group late': late.length })
  expect((await timedGroups(system)).filter((id) => ids.includes(id))).toEqual([])
  expect(await statusOf(system)).toEqual({ early: early + 1 })
})

const status = z.object({ early: z.number() })
const statusOf = async (system: System) => status.parse((await system.ask('hub', '/api/status')).json)
const timers = z.object({ items: z.array(z.object({ key: z.string() })) })
/** Ids of the groups that have a timer. */
const timedGroups = async (system: System) =>
  timers.parse((await system.ask('hub', '/api/timers?kind=group&limit=1000')).json).items.map(({ key }) => key)
const endsOfAny = (heard: readonly HeardMessage[], ids: readonly string[]) => ids.flatMap((id) => endsOf(heard, id))

test('G1, G10: payload and handler payloads arrive as they were sent, the latter on their topics', async ({
  system,
}) => {
  const ends = await onlooker(system.vhost, 'eventbus-collector.*')
  const topics = await onlooker(system.vhost, 'shop.#')
  const handlers = `{"onsuccess":{"topic":"shop.won","payload":${PAYLOAD}},"onfailure":{"topic":"shop.lost","payload":"x"}}`
  const create = (id: string) =>
    `{"type":"EventGroupCollectorCreate","id":"${id}","expected":["a"],"payload":${PAYLOAD},"handler":${handlers}}`

  await paste(system, create('won'), doneLine('won', 'a'), create('lost'), doneLine('lost', 'a', { error: 'e' }))

  await waitUntil(async () => expect(distinct(await topics.heard())).toHaveLength(2))
  await fence(system, ends, 'behind-the-topics')
  const said = distinct(await topics.heard()).map(({ key, text }) => ({ key, text }))
  expect(said).toEqual([
    { key: 'shop.won', text: PAYLOAD },
    { key: 'shop.lost', text: '"x"' },
  ])
  for (const id of ['won', 'lost'])
    expect(endsOf(await ends.heard(), id).map(({ text }) => text)).toEqual([
      expect.stringContaining(`"payload":${PAYLOAD}`),
    ])
})

const view = z.looseObject({ status: z.string(), ttl: z.number(), created: z.iso.datetime(), due: z.iso.datetime() })

test('G4, G8: without a sensible ttl a group has 30 s; a Create of another kind with its id is dead, with the difference', async ({
  system,
}) => {
  const before = await ignoredCounts(system)
  const ends = await onlooker(system.vhost, 'eventbus-collector.*')
  const ttls = { missing: undefined, zero: 0, negative: -5, 'minus-infinite': -1e308 }
  for (const [id, ttl] of Object.entries(ttls)) await paste(system, createLine(id, ['a'], { ttl }))
  await paste(system, createLine('missing', ['a'], { ttl: 30 }), createLine('missing', ['a', 'b'], { ttl: 31 }))
  await fence(system, ends, 'behind-the-ttls')

  for (const id of Object.keys(ttls)) {
    const { json } = await system.ask('gateway', `/api/groups/${id}`)
    const { status, ttl, created, due } = view.parse(json)
    expect({ status, ttl, withinMs: Date.parse(due) - Date.parse(created) }, id).toEqual({
      status: 'open',
      ttl: 30,
      withinMs: 30_000,
    })
  }
  expect(await ignoredSince(system, before)).toEqual({ 'group duplicate': 1 })
  const dead = await waitUntil(async () => {
    const all = await system.vhost.peek('hub_consume.dead', DEAD_MAX)
    const found = all.filter(({ payload }) => payload.includes('"id":"missing"'))
    expect(found).toHaveLength(1)
    return found
  })
  expect(dead[0]?.properties.headers).toMatchObject({
    'x-ebs-error': expect.stringMatching(/expected now has b; ttl was 30, now 31/),
  })
  await paste(system, doneLine('missing', 'a'))
  await waitUntil(async () => expect(endsOf(await ends.heard(), 'missing')).toMatchObject([{ key: SUCCESS }]))
})

/** In all tests of this file. */
const DEAD_MAX = 100

const ids = (count: number) => Array.from({ length: count }, (_, i) => String(i))
const done = { type: 'EventGroupCollectorEntityDone', id: 'a', group: 'open' }
/** What the reason begins with. */
const bad: Readonly<Record<string, { readonly body: unknown; readonly reason: RegExp }>> = {
  'a ttl of text': { body: createLine('x', ['a'], { ttl: 'x' }), reason: /^Unrecoverable: ttl: / },
  'a ttl of 1e308': { body: createLine('x', ['a'], { ttl: 1e308 }), reason: /^Unrecoverable: ttl: / },
  'a ttl beyond numbers': {
    body: '{"type":"EventGroupCollectorCreate","id":"x","expected":["a"],"ttl":1e999}',
    reason: /^Unrecoverable: ttl: /,
  },
  'a million ids': { body: createLine('x', ids(1_000_000)), reason: /^Unrecoverable: body: \d{7} bytes, at most/ },
  '10,001 ids': { body: createLine('x', ids(10_001)), reason: /^Unrecoverable: expected: .*10000/ },
  'ids of 1 MB': {
    body: createLine(
      'x',
      ids(8_000).map((n) => n.padStart(100, 'i')),
    ),
    reason: /^Unrecoverable: expected: \d+ bytes of ids, at most/,
  },
  'an empty id': { body: createLine('x', ['a', '']), reason: /^Unrecoverable: expected\.1: / },
  'an empty group id': { body: createLine('', ['a']), reason: /^Unrecoverable: id: / },
  'no expected': { body: { type: 'EventGroupCollectorCreate', id: 'x' }, reason: /^Unrecoverable: expected: / },
  'a quorum that cannot be': {
    body: createLine('x', ['a'], { quorum: 2 }),
    reason: /^Unrecoverable: quorum: 2 results cannot come of 1/,
  },
  'a handler on a topic of the platform': {
    body: createLine('x', [], { handler: { onsuccess: { topic: 'messages.dead', payload: 1 } } }),
    reason: /^Unrecoverable: handler\.onsuccess\.topic: /,
  },
  'a Done without a group': { body: { ...done, group: undefined }, reason: /^Unrecoverable: group: / },
  'an error of 10 MB': {
    body: { ...done, error: 'e'.repeat(10 * MEGABYTE) },
    reason: /^Unrecoverable: body: 1\d{7} bytes/,
  },
  'an error of 500 KB': {
    body: { ...done, error: 'e'.repeat(500_000) },
    reason: /^Unrecoverable: error: 500002 bytes as JSON, at most/,
  },
}

test('bad input dies with a reason that names the field; the hub and its open groups go on', async ({ system }) => {
  const { pid } = system.process('hub')
  const ends = await onlooker(system.vhost, 'eventbus-collector.*')
  const dead = await onlooker(system.vhost, 'messages.dead')
  await paste(system, createLine('open', ['a', 'b']))

  const cases = Object.entries(bad)
  await system.publishMany(
    cases.map(([name, { body }]) => ({ key: 'eventbus-collector', body, properties: { headers: { case: name } } })),
  )

  const isOwn = ({ body }: HeardMessage) => cases.some(([, { reason }]) => reason.test(String(body.error)))
  await waitUntil(async () => expect(distinct(await dead.heard()).filter(isOwn)).toHaveLength(cases.length))
  const all = await system.vhost.peek('hub_consume.dead', DEAD_MAX)
  const died = all.filter(({ properties }) => properties.headers?.case !== undefined)
  expect(died.map(({ properties: { headers = {} } }) => headers.case).sort()).toEqual(Object.keys(bad).sort())
  for (const { properties } of died) {
    const { case: name, 'x-ebs-error': error } = properties.headers ?? {}
    expect(error, String(name)).toMatch(bad[String(name)]?.reason ?? /^$/)
  }
  await paste(system, doneLine('open', 'a'), doneLine('open', 'b'))
  await waitUntil(async () => expect(endsOf(await ends.heard(), 'open')).toMatchObject([{ key: SUCCESS }]))
  expect(endsOfAny(await ends.heard(), ['open', 'x', ''])).toHaveLength(1)
  expect(system.process('hub')).toMatchObject({ pid, isAlive: true })
})
