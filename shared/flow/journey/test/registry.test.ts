import { expect, test, vi } from 'vitest'
import type { DefinitionRow, DefinitionTransaction } from '../../../store/definitions.ts'
import { DefinitionRegistry } from '../registry.ts'

const documentOf = (type: string, version: number, activities: object = { a: { activity: `${type}.do` } }) =>
  JSON.stringify({ type, version, deadline: '1m', activities })
const row = (seq: number, type: string, version: number, document = documentOf(type, version)): DefinitionRow => ({
  seq,
  type,
  version,
  document,
  actor: 'ann',
  reason: 'test',
  atMs: 0,
})

/** A store with these rows, and how often it was asked. */
function storeOf(rows: DefinitionRow[]) {
  const since = vi.fn((seq: number, limit: number) => rows.filter((one) => one.seq > seq).slice(0, limit))
  const definitions: DefinitionTransaction = {
    since,
    insert: () => expect.unreachable('It only reads.'),
    last: () => rows.at(-1)?.seq ?? 0,
    find: () => undefined,
  }
  /** Without those that a transaction has written and that are not committed. */
  const uncommitted = new Set<number>()
  const durable = {
    find: (type: string, version?: number) =>
      rows.find((one) => one.type === type && one.version === version && !uncommitted.has(one.seq)),
  }
  return { tx: { definitions }, durable, uncommitted, since, rows }
}

test('knows what is stored, and what comes later; each version is kept', async () => {
  const { tx, durable, rows, since } = storeOf([row(1, 'order', 2), row(2, 'order', 1), row(5, 'refund', 1)])
  const registry = new DefinitionRegistry()

  await registry.sync(tx, durable)
  expect(registry.latest('order')?.version).toBe(2)
  expect(registry.find('order', 1)?.version).toBe(1)
  expect(registry.find('order', 3)).toBeUndefined()
  expect(registry.latest('constructor')).toBeUndefined()

  rows.push(row(6, 'order', 3))
  await registry.sync(tx, durable)
  expect(registry.latest('order')?.version).toBe(3)
  expect(registry.all().map(({ type, version }) => `${type} ${version}`)).toEqual([
    'order 1',
    'order 2',
    'order 3',
    'refund 1',
  ])

  const asked = since.mock.calls.length
  const before = registry.latest('order')
  await registry.sync(tx, durable)
  expect(since.mock.calls.slice(asked)).toEqual([[6, expect.any(Number)]])
  expect(registry.latest('order')).toBe(before)
})

test('reads as many as there are, in slices', async () => {
  const { tx, durable } = storeOf(Array.from({ length: 250 }, (_, i) => row(i + 1, `t${i}`, 1)))
  const registry = new DefinitionRegistry()

  await registry.sync(tx, durable)

  expect(registry.all()).toHaveLength(250)
})

test('names the activities of all versions, those of compensations among them', async () => {
  const steps = {
    a: { activity: 'x', compensate: 'b' },
    b: { activity: 'undo-x' },
    c: { activity: 'y', compensate: { activity: 'undo-y' } },
  }
  const { tx, durable } = storeOf([row(1, 'order', 1), row(2, 'order', 2, documentOf('order', 2, steps))])
  const registry = new DefinitionRegistry()

  await registry.sync(tx, durable)

  expect([...registry.activities()].toSorted()).toEqual(['order.do', 'undo-x', 'undo-y', 'x', 'y'])
})

test.each([
  { what: 'is no JSON', document: '{', says: /no JSON/ },
  { what: 'is refused today', document: documentOf('order', 2, {}), says: /there are none/ },
])(
  'a stored version that $what is logged and skipped; the type does not run as an older one',
  async ({ document, says }) => {
    const { tx, durable, rows } = storeOf([row(1, 'order', 1), row(2, 'order', 2, document), row(3, 'refund', 1)])
    const error = vi.fn()
    const registry = new DefinitionRegistry({ error })

    await registry.sync(tx, durable)
    await registry.sync(tx, durable)

    expect(error).toHaveBeenCalledExactlyOnceWith(
      { journeyType: 'order', version: 2, fault: expect.stringMatching(says) },
      expect.any(String),
    )
    expect(registry.find('order', 2)).toBeUndefined()
    expect(registry.findFault('order', 2)).toMatch(says)
    expect(registry.findFault('order', 1)).toBeUndefined()
    expect(registry.find('order', 1)?.version).toBe(1)
    expect(registry.latest('order')).toBeUndefined()
    expect(registry.latest('refund')?.version).toBe(1)

    rows.push(row(4, 'order', 3))
    await registry.sync(tx, durable)
    expect(registry.latest('order')?.version).toBe(3)
  },
)

test('what is added ahead of others keeps none of them out', async () => {
  const { tx, durable, rows } = storeOf([row(1, 'order', 1), row(2, 'order', 2)])
  const registry = new DefinitionRegistry()
  const [, second] = rows
  if (second) registry.add(second)
  const added = registry.find('order', 2)
  expect(added?.version).toBe(2)

  await registry.sync(tx, durable)

  expect(registry.find('order', 1)?.version).toBe(1)
  expect(registry.find('order', 2)).toBe(added)
})

test('what a transaction has written and does not commit is never known, and what is committed in its place is', async () => {
  const { tx, durable, rows, uncommitted } = storeOf([row(1, 'order', 1), row(2, 'ghost', 1), row(3, 'refund', 1)])
  uncommitted.add(2)
  const registry = new DefinitionRegistry()

  await registry.sync(tx, durable)
  expect(registry.all().map(({ type }) => type)).toEqual(['order'])

  // Rolled back; the next registration takes its number.
  rows.splice(1, 2, row(2, 'invoice', 1))
  uncommitted.clear()
  await registry.sync(tx, durable)

  expect(registry.all().map(({ type }) => type)).toEqual(['order', 'invoice'])
})

test('a stored version that is nested so deeply that it cannot be measured is skipped, and the others are known', async () => {
  const deep = `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`
  const document = `{"type":"deep","version":1,"deadline":"1m","payload":${deep},"activities":{"a":{"activity":"a"}}}`
  const { tx, durable } = storeOf([row(1, 'deep', 1, document), row(2, 'order', 1)])
  const registry = new DefinitionRegistry()

  await registry.sync(tx, durable)

  expect(registry.findFault('deep', 1)).toMatch(/cannot be read/)
  expect(registry.latest('order')?.version).toBe(1)
})
