import { expect, test } from 'vitest'
import { sidelineTerms } from '../sideline-terms.ts'

test('S2: a rule is never about queues of questions or errands: their consumers confirm none, and it would start for ever', () => {
  for (const terms of [sidelineTerms.queues, sidelineTerms.defaultQueues])
    expect(terms.filter((queue) => /_ask$|^hub_work$/.test(queue))).toEqual([])

  expect(sidelineTerms.defaultQueues).toEqual(expect.arrayContaining(['distributor_consume', 'datagen_consume']))
  expect(sidelineTerms.queues).toEqual(expect.arrayContaining(['hub_consume', 'statistics']))
})
