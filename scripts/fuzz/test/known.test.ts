import { expect, test } from 'vitest'
import { Known, wishFor } from '../known.ts'

test('a wish is fulfilled by what answers have told, wherever it stands, and stays what it is as long as nothing is known', () => {
  const known = new Known()
  const wish = { body: [wishFor('flows', 1)], cursor: `a${wishFor('cursor', 0)}` }
  expect(known.filledIn(wish)).toEqual(wish)

  known.learn('flows', { items: [{ id: 'f-1' }, { id: 'f-2' }], next: 'c' })

  expect(known.filledIn(wish)).toEqual({ body: ['f-2'], cursor: 'ac' })
})

test('of each family the latest are known, so that a long run takes no more memory than a short one', () => {
  const known = new Known()
  for (let n = 0; n < 100; n++) known.learn('flows', { id: `f-${n}` })

  const told = new Set(Array.from({ length: 200 }, (_, n) => known.filled(wishFor('flows', n))))

  expect(told.size).toBe(24)
  expect(told).toContain('f-99')
})
