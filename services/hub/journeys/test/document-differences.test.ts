import { expect, test } from 'vitest'
import { differencesOf } from '../document-differences.ts'

const document = { type: 'order', version: 1, activities: { charge: { activity: 'charge', after: ['reserve'] } } }

test.each([
  ['the same, in another order', Object.fromEntries(Object.entries(document).toReversed()), []],
  ['a member that changed', { ...document, version: 2 }, [{ field: 'version', from: 1, to: 2 }]],
  ['one that came', { ...document, output: 'payload' }, [{ field: 'output', to: 'payload' }]],
  ['one that went', { type: 'order', version: 1 }, [{ field: 'activities', from: document.activities }]],
  [
    'deep inside, arrays as a whole',
    { ...document, activities: { charge: { activity: 'charge', after: [] } } },
    [{ field: 'activities.charge.after', from: ['reserve'], to: [] }],
  ],
  ['something else altogether', [1], [{ field: 'document', from: document, to: [1] }]],
])('%s', (_, to, differences) => {
  expect(differencesOf(document, to)).toEqual(differences)
})

test('no more places than a person reads', () => {
  const members = (value: number) => Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`m${i}`, value]))
  expect(differencesOf(members(1), members(2))).toHaveLength(100)
})

test('a member may have any name', () => {
  const to: unknown = JSON.parse('{"__proto__": 1, "toString": 2}')
  expect(differencesOf({}, to)).toEqual([
    { field: '__proto__', to: 1 },
    { field: 'toString', to: 2 },
  ])
})
