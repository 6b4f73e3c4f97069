import { expect, test } from 'vitest'
import { queuesFor } from '../queue-facts.ts'
import { deadRow, factsOf, journey, objectGroup, step } from './fact-book.ts'

const many = Object.fromEntries(
  Array.from({ length: 30 }, (_, n) => [`s${n}`, step({ activity: `act${n}`, after: [] })]),
)

test.each([
  {
    name: 'a step: that of its activity first',
    facts: { parents: [journey({ activities: many })] },
    first: 'activity.act29',
  },
  { name: 'a task', facts: { parents: [objectGroup(['s.main:s29'])] }, first: 'process_consume' },
  {
    name: 'what is only known because it was held',
    facts: { statistics: undefined, held: new Map([['s.main:s29', [deadRow()]]]) },
    first: 'process_consume',
  },
])('queues that are looked at for $name', ({ facts, first }) => {
  expect(queuesFor(factsOf('s.main:s29', facts))[0]).toBe(first)
})

test('each queue is looked at once', () => {
  const same = { a: step({ after: [] }), b: step({ after: [] }) }

  expect(queuesFor(factsOf('s.main', { conversations: [journey({ activities: same })] }))).toEqual(['activity.charge'])
})
