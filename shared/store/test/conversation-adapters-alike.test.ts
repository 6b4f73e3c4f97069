import fc from 'fast-check'
import { expect, test } from 'vitest'
import type {
  ConversationFilter,
  ConversationId,
  ConversationStore,
  ConversationTransaction,
} from '../conversations.ts'
import { MemoryConversationStore } from '../memory-conversations.ts'
import { change, conversation, openSqlite } from './conversation-fixture.ts'

type Act = (tx: ConversationTransaction) => unknown

const ids: readonly ConversationId[] = ['group', 'flow'].flatMap((kind) =>
  ['a', 'b', 'c'].map((key) => ({ kind, key })),
)
const id = fc.constantFrom(...ids)
const small = fc.integer({ min: 0, max: 6 })
const name = fc.constantFrom('x', 'y')
const status = fc.constantFrom('open', 'success', 'failure')

/** Saves on the version that is stored, or now and then on another one. */
const saving = fc.record({
  id,
  status,
  thread: name,
  label: fc.constantFrom(null, 'x', 'y'),
  attention: fc.constantFrom(null, 'late', 'stuck'),
  atMs: small,
  isOver: fc.boolean(),
  isStale: fc.integer({ max: 9, min: 0 }),
})
const act: fc.Arbitrary<Act> = fc.oneof(
  saving.map(
    (said): Act =>
      async (tx) => {
        const [stored] = await tx.findConversations([said.id])
        const version = (stored?.version ?? 0) + (said.isStale === 0 ? 2 : 1)
        const times = { createdAtMs: stored?.createdAtMs ?? said.atMs, endedAtMs: said.isOver ? said.atMs : null }
        const to = conversation(said.id.key, {
          kind: said.id.kind,
          version,
          status: said.status,
          correlationId: said.thread,
          label: said.label,
          attention: said.attention,
          ...times,
        })
        await tx.saveConversations([change(to, said.status)])
      },
  ),
  fc.record({ id, name, dueMs: small }).map(
    ({ id, ...timer }): Act =>
      (tx) =>
        tx.armTimers([{ ...id, ...timer }]),
  ),
  fc.record({ id, name }).map(
    ({ id, name }): Act =>
      (tx) =>
        tx.cancelTimers([{ ...id, name }]),
  ),
  id.map(
    (one): Act =>
      (tx) =>
        tx.cancelTimersOf([one]),
  ),
  fc.tuple(small, small).map(
    ([nowMs, limit]): Act =>
      (tx) =>
        tx.takeDueTimers(nowMs, limit),
  ),
  fc.record({ id, name }).map(
    ({ id, name }): Act =>
      (tx) =>
        tx.takeTimer({ ...id, name }),
  ),
  fc.tuple(fc.uniqueArray(id, { maxLength: 3 }), small).map(
    ([some, atMs]): Act =>
      (tx) =>
        tx.frozen.freeze(some, atMs),
  ),
  id.map(
    (one): Act =>
      (tx) =>
        tx.frozen.take([one]),
  ),
  name.map(
    (thread): Act =>
      (tx) =>
        tx.frozen.findOpenOf(thread),
  ),
  fc.constant<Act>((tx) => tx.nextTimerDue()),
  fc.array(small).map(
    (slots): Act =>
      (tx) =>
        tx.addWakeups(slots),
  ),
  small.map(
    (slot): Act =>
      (tx) =>
        tx.removeWakeups(slot),
  ),
  small.map(
    (slot): Act =>
      (tx) =>
        tx.removeWakeup(slot),
  ),
  fc.tuple(fc.array(fc.tuple(id, small)), fc.tuple(small, small, small)).map(
    ([all, [countMax, bytesMax, perConversationMax]]): Act =>
      (tx) =>
        tx.keepEarly(
          all.map(([one, atMs]) => ({ ...one, atMs, event: 'x'.repeat(atMs) })),
          { countMax: countMax * 2, bytesMax: bytesMax * 4, perConversationMax },
        ),
  ),
  fc.tuple(id, small).map(
    ([one, sinceMs]): Act =>
      (tx) =>
        tx.takeEarly(one, sinceMs),
  ),
  fc.tuple(small, small).map(
    ([beforeMs, limit]): Act =>
      (tx) =>
        tx.expireEarly(beforeMs, limit),
  ),
  fc.tuple(id, small).map(
    ([{ kind, key }, n]): Act =>
      (tx) =>
        tx.countIgnored([{ kind, why: 'late', type: 'T', count: n, lastKey: key, lastAtMs: n }]),
  ),
  fc.tuple(small, fc.uniqueArray(status), small).map(
    ([endedAtMs, statuses, limit]): Act =>
      (tx) =>
        tx.removeEnded({ endedAtMs, statuses }, limit),
  ),
  fc.constant<Act>(() => {
    throw new Error('no')
  }),
)
const jobs = fc.array(fc.array(act, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 20 })

/** What one job gives: the results of its acts, or how it failed. */
const run = (store: ConversationStore, job: readonly Act[]) =>
  store
    .write(async (tx) => {
      const results: unknown[] = []
      for (const one of job) results.push(await one(tx))
      return results
    })
    .catch((error: Error) => error.name)

const filters: readonly Omit<ConversationFilter, 'kind'>[] = [
  {},
  { isOpen: true },
  { isOpen: false },
  { status: 'open' },
  { createdBeforeMs: 4 },
  { label: 'x' },
  { label: 'x', isOpen: true },
  { label: 'y', status: 'success', tenant: 'acme' },
  { attention: 'late' },
  { attention: true, label: 'x', isOpen: true },
]

/** Everything that the reader shows. */
async function shown({ reader }: ConversationStore) {
  const lists = ['group', 'flow'].flatMap((kind) =>
    filters.map((filter) => reader.listConversations({ kind, ...filter }, { limit: 2 })),
  )
  const ofLabels = ['group', 'flow'].flatMap((kind) => [
    reader.labelsOf(kind),
    reader.countAttention({ kind, attention: 'late', limit: 2 }),
    reader.durationsOf({ kind, label: 'x', status: 'success', limit: 3 }),
    reader.listEnded({ kind, sinceMs: 3 }, { limit: 2 }),
  ])
  const each = ids.flatMap((one) => [reader.historyOf(one, 3), reader.timersOf(one), reader.frozenTimersOf(one)])
  const counts = [
    reader.countTimers(),
    reader.countFrozenTimers(),
    reader.countEarly(),
    reader.listIgnored(),
    reader.listTimers({}, { limit: 100 }),
  ]
  const standing = ['group', 'flow'].map(async (kind) =>
    [...(await reader.standingOf(kind, ['a', 'b', 'c']))].sort((a, b) => (a.key < b.key ? -1 : 1)),
  )
  const open = [...(await reader.countOpen())].sort((a, b) => (a.kind < b.kind ? -1 : 1))
  return {
    lists: await Promise.all(lists),
    ofLabels: await Promise.all<unknown>(ofLabels),
    each: await Promise.all(each),
    standing: await Promise.all(standing),
    counts: await Promise.all(counts),
    open,
  }
}

/** Tokens, and the cursors that hold them, are each adapter's own. */
const comparable = (value: unknown) =>
  JSON.parse(JSON.stringify(value, (name, v) => (name === 'token' || name === 'next' ? typeof v : v)))

test('both adapters give the same, whatever jobs they get', async () => {
  await fc.assert(
    fc.asyncProperty(jobs, async (all) => {
      const [sqlite, memory] = [await openSqlite(), new MemoryConversationStore()]

      for (const together of [all.slice(0, 10), all.slice(10)]) {
        const given = await Promise.all(together.map((job) => run(sqlite, job)))
        expect(comparable(given)).toEqual(comparable(await Promise.all(together.map((job) => run(memory, job)))))
        expect(comparable(await shown(sqlite))).toEqual(comparable(await shown(memory)))
      }

      await Promise.all([sqlite.close(), memory.close()])
    }),
    { numRuns: 100 },
  )
})
