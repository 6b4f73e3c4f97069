import { expect, test } from 'vitest'
import { storyOf } from '../story.ts'

const seeds = Array.from({ length: 500 }, (_, seed) => seed)

test('a store is out only where there is one', () => {
  const places = seeds.flatMap((seed) =>
    storyOf(seed).faults.flatMap((fault) => (fault.what === 'store out' ? [fault.place] : [])),
  )

  expect(new Set(places.map((place) => place.replace(/-\d+$/, '')))).toEqual(
    new Set(['datagen', 'processor', 'hub', 'statistics']),
  )
})
