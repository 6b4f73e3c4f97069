import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Rule } from '../../operation-events.ts'
import { isAhead, namedIn, RuleRecords } from '../rule-records.ts'
import { ruleOf } from './rule-fixture.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

/** `id@revision`, of those in force. */
const openIn = (records: RuleRecords) => records.open().map(({ id, revision }) => `${id}@${revision}`)
const allIn = (records: RuleRecords) => records.all().map(({ id, revision, phase }) => `${id}@${revision} ${phase}`)

function recordsOf(...rules: readonly Partial<Rule>[]): RuleRecords {
  const records = new RuleRecords()
  for (const rule of rules) records.take(ruleOf(rule), 0)
  return records
}

test.each<{ what: string; said: readonly Partial<Rule>[]; open: readonly string[] }>([
  { what: 'nothing', said: [], open: [] },
  { what: 'one', said: [{ revision: 1 }], open: ['r@1'] },
  { what: 'a newer one', said: [{ revision: 1 }, { revision: 2, phase: 'hold' }], open: ['r@2'] },
  { what: 'an older one behind it', said: [{ revision: 2 }, { revision: 1, phase: 'lifted' }], open: ['r@2'] },
  { what: 'a lifted one', said: [{ revision: 1 }, { revision: 2, phase: 'lifted' }], open: [] },
  { what: 'an old record of a lifted one', said: [{ revision: 2, phase: 'lifted' }, { revision: 1 }], open: [] },
  { what: 'one that starts again', said: [{ revision: 2, phase: 'lifted' }, { revision: 3 }], open: ['r@3'] },
  { what: 'two', said: [{ id: 'a' }, { id: 'b', revision: 9 }], open: ['a@1', 'b@9'] },
])('of $what the newest counts', ({ said, open }) => {
  expect(openIn(recordsOf(...said))).toEqual(open)
})

test('only what is news is to be confirmed', () => {
  const records = new RuleRecords()

  expect(records.take(ruleOf({ revision: 2 }), 0)).toMatchObject({ id: 'r', revision: 2, phase: 'park' })
  expect(records.take(ruleOf({ revision: 2 }), 0)).toBeUndefined()
  expect(records.take(ruleOf({ revision: 1 }), 0)).toBeUndefined()
  expect(records.take(ruleOf({ revision: 3, phase: 'lifted' }), 0)).toMatchObject({ revision: 3, phase: 'lifted' })
})

test('a filter that does not compile is a problem, and what was known stays in force', () => {
  const records = recordsOf({ revision: 1 })

  const problem = records.take(ruleOf({ revision: 2, filter: 'tenant =' }), 0)

  expect(problem).toMatchObject({
    id: 'r',
    revision: 2,
    phase: 'unreadable',
    problem: expect.stringContaining('character'),
  })
  expect(openIn(records)).toEqual(['r@1'])
  expect(allIn(records)).toEqual(['r@1 park', 'r@2 unreadable'])
  expect(records.take(ruleOf({ revision: 2, filter: 'tenant =' }), 0)).toBeUndefined()
  // A lifted rule needs no filter.
  expect(records.take(ruleOf({ revision: 3, filter: 'tenant =', phase: 'lifted' }), 0)).toBeDefined()
  expect(allIn(records)).toEqual(['r@3 lifted'])
})

test.each([
  { revision: DAY_MS + 5_000, open: ['r@86405000'] },
  { revision: DAY_MS + 5_001, open: [] },
  { revision: Number.MAX_SAFE_INTEGER, open: [] },
])('a revision more than a day ahead of the clock changes nothing: $revision', ({ revision, open }) => {
  const records = new RuleRecords()

  const news = records.take(ruleOf({ revision }), 5_000)

  expect(openIn(records)).toEqual(open)
  expect(news === undefined).toBe(open.length === 0)
  expect(isAhead(revision, 5_000)).toBe(open.length === 0)
})

test('a filter is compiled once for all phases of its rule', () => {
  const records = recordsOf({ revision: 1 })
  const filterIn = () => records.open().map(({ filter }) => filter)
  const before = filterIn()

  records.take(ruleOf({ revision: 2, phase: 'hold' }), 0)

  expect(filterIn()[0]).toBe(before[0])
})

test('a lifted rule is kept for consumers that start meanwhile, then forgotten, and old records do not bring it back', () => {
  const records = recordsOf({ revision: 1 })
  records.take(ruleOf({ revision: 2, phase: 'lifted' }), 0)

  records.take(ruleOf({ id: 'other', revision: 3 }), 9 * MINUTE_MS)
  expect(allIn(records)).toEqual(['r@2 lifted', 'other@3 park'])
  records.take(ruleOf({ id: 'other', revision: 4 }), 11 * MINUTE_MS)
  expect(allIn(records)).toEqual(['other@4 park'])

  expect(records.take(ruleOf({ revision: 1 }), 11 * MINUTE_MS)).toBeUndefined()
  expect(records.take(ruleOf({ revision: 2, phase: 'lifted' }), 11 * MINUTE_MS)).toBeUndefined()
  expect(openIn(records)).toEqual(['other@4'])
  records.take(ruleOf({ revision: 5 }), 12 * MINUTE_MS)
  expect(openIn(records)).toEqual(['other@4', 'r@5'])
})

test('any order, with any repeats, leads to the highest revisions', () => {
  const said = fc.record({
    id: fc.constantFrom('a', 'b', 'c'),
    revision: fc.nat(12),
    atMs: fc.constantFrom(0, 20 * MINUTE_MS),
  })
  let lifted = 0
  fc.assert(
    fc.property(fc.array(said, { maxLength: 40 }), (all) => {
      const records = new RuleRecords()
      // Of one id and revision there is one record: what it says follows from its number.
      const ruleAt = (id: string, revision: number) =>
        ruleOf({ id, revision, episode: 0, phase: (['park', 'hold', 'lifted'] as const)[revision % 3] ?? 'park' })
      let nowMs = 0
      for (const { id, revision, atMs } of all) {
        nowMs += atMs
        records.take(ruleAt(id, revision), nowMs)
      }

      const newest = ['a', 'b', 'c'].flatMap((id) => {
        const revisions = all.filter((one) => one.id === id).map(({ revision }) => revision)
        return revisions.length > 0 ? ruleAt(id, Math.max(...revisions)) : []
      })
      lifted += newest.filter(({ phase }) => phase === 'lifted').length
      const open = newest.filter(({ phase }) => phase !== 'lifted')
      expect(openIn(records).toSorted()).toEqual(open.map(({ id, revision }) => `${id}@${revision}`))
    }),
    { numRuns: 500 },
  )
  expect(lifted).toBeGreaterThan(20)
})

test.each([
  { body: '{', named: undefined },
  { body: '{}', named: undefined },
  { body: '{"rule":{"id":"a","revision":1,"queues":[]}}', named: undefined },
  { body: '{"rule":{"id":"a","revision":-1,"queues":["work"]}}', named: undefined },
  {
    body: '{"rule":{"id":"a","revision":1,"queues":["work"],"phase":"new"}}',
    named: { id: 'a', revision: 1, queues: ['work'] },
  },
])('$body names $named', ({ body, named }) => {
  expect(namedIn(Buffer.from(body))).toEqual(named)
})
