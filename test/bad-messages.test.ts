import { expect } from 'vitest'
import { z } from 'zod'
import { withOwnCounts } from './support/own-counts.ts'
import { expectAllDone, expectQueues } from './support/settled.ts'
import { testsOfOneSystem } from './support/shared-system.ts'
import type { HandMade } from './support/system.ts'
import { waitUntil } from './support/wait-until.ts'

/** Above what these tests take: what is made by hand does not balance, and the ledger would tell in between. */
const test = testsOfOneSystem({ env: { EBS_LEDGER_SETTLE_MS: '86400000' } })

const MEGABYTE = 1_000_000
const object = { id: 'by-hand', tenant: 'acme', name: 'by hand', content: '', createdAt: '2026-01-01T00:00:00Z' }
const created = { type: 'OBJECT_CREATED', object }

type Poison = Omit<HandMade, 'key'> & {
  /** What the reason begins with: the field that is wrong. */
  readonly field: RegExp
  /** `statistics`, which hears everything, counts what is only unknown to the catalogue. */
  readonly isCounted?: true
}

const poison: Readonly<Record<string, Poison>> = {
  'not JSON': { body: '{"type": "OBJECT_CREATED", ', field: /^Unrecoverable: body: not JSON/ },
  'nothing at all': { body: '', field: /^Unrecoverable: body: empty/ },
  'a JSON text that is no object': { body: '[1, 2]', field: /^Unrecoverable: body: expected a JSON object/ },
  'a type that is no string': { body: { ...created, type: 7 }, field: /^Unrecoverable: type: expected a string/ },
  'no type': { body: { object }, field: /^Unrecoverable: type: expected a string/ },
  'a type that differs from the property': {
    body: created,
    properties: { type: 'TASK_CREATED' },
    field: /^Unrecoverable: type: the property says 'TASK_CREATED'/,
  },
  'an unknown type': { body: { type: 'NO_SUCH_TYPE' }, field: /^Unrecoverable: type: 'NO_SUCH_TYPE'/, isCounted: true },
  'a type that belongs to another queue': {
    body: { type: 'TASK_STARTED', taskId: 't', objectId: 'o', processor: 'p', attempt: 1 },
    field: /^Unrecoverable: type: distributor_consume does not handle TASK_STARTED/,
    isCounted: true,
  },
  'the wrong schema': {
    body: { type: 'OBJECT_CREATED', object: { ...object, tenant: 5, createdAt: 'yesterday' } },
    field: /^Unrecoverable: object\.tenant: .*object\.createdAt: /,
  },
  '3 MB': {
    body: { type: 'OBJECT_CREATED', object: { ...object, content: 'x'.repeat(3 * MEGABYTE) } },
    field: /^Unrecoverable: body: 3\d{6} bytes/,
  },
  '20,000 nested arrays': {
    body: `{"type":"OBJECT_CREATED","object":${'['.repeat(20_000)}${']'.repeat(20_000)}}`,
    field: /^Unrecoverable: body: nested deeper/,
  },
  'invalid UTF-8': {
    body: Buffer.concat([Buffer.from('{"type":"OBJECT_CREATED","object":"'), Buffer.from([0xc3, 0x28, 0xff])]),
    field: /^Unrecoverable: body: not valid UTF-8/,
  },
  'the wrong content type': {
    body: created,
    properties: { content_type: 'text/xml' },
    field: /^Unrecoverable: content_type: expected application\/json/,
  },
}

test('D5: poison dies once per delivery with a reason that names the field, and the flow goes on', async ({
  system: shared,
}) => {
  const system = await withOwnCounts(shared)
  const cases = Object.entries(poison)
  const uncounted = cases.filter(([, { isCounted }]) => !isCounted)
  for (const [name, { body, properties = {} }] of cases) {
    // The header tells which is which in the dead queue.
    const named = { ...properties, headers: { case: name } }
    expect(await system.publish({ key: 'objects', body, properties: named })).toBe(true)
  }

  await system.createObjects(10)

  const dead = { 'distributor_consume.dead': cases.length, 'statistics.dead': uncounted.length }
  // The stranger's TASK_STARTED is an event like any other for statistics, so the totals are checked one by one.
  const totals = {
    objects_completed: 10,
    tasks_created: 30,
    tasks_finished: 30,
    messages_dead: cases.length + uncounted.length,
  }
  await waitUntil(async () => expect(await system.statistics()).toMatchObject(totals))
  await expectQueues(system, dead)
  const died = await system.vhost.peek('distributor_consume.dead', cases.length + 1)
  expect(died).toHaveLength(cases.length)
  const seen = new Map(died.map(({ properties: { headers = {} } }) => [headers.case, headers]))
  for (const [name, { field }] of cases)
    expect(seen.get(name), name).toMatchObject({
      'x-ebs-reason': 'poison',
      'x-ebs-error': expect.stringMatching(field),
      'x-ebs-queue': 'distributor_consume',
    })
})

test('D5: each delivery of the same poison dies', async ({ system: shared }) => {
  const system = await withOwnCounts(shared)
  for (const body of ['oops', 'oops', 'oops']) await system.publish({ key: 'task-requests', body })
  await system.createObjects(5)
  await expectAllDone(system, { objects: 5, dead: { 'process_consume.dead': 3, 'statistics.dead': 3 } })
})

test('an unknown type on a key that nobody hears is counted and listed as unheard', async ({ system: shared }) => {
  const system = await withOwnCounts(shared)
  const row = z.object({ key: z.string(), type: z.string(), count: z.number(), last: z.iso.datetime() })
  const unheard = () => system.rows(row, 'select * from unheard')
  const before = await unheard()
  for (const n of [1, 2, 2]) await system.publish({ key: 'weather.today', body: { type: 'RAIN', n } })
  await system.createObjects(5)
  await expectAllDone(system, { objects: 5 })

  // The third is the second one pasted again, and so the same event.
  expect(await system.events()).toMatchObject({ RAIN: 2 })
  const rain = { key: 'weather.today', type: 'RAIN', count: 2, last: expect.any(String) }
  expect(await unheard()).toEqual([...before, rain])
})
