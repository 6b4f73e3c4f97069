import { expect, test } from 'vitest'
import { openWitness } from '../witness.ts'

const text = (body: object) => JSON.stringify(body)
const completed = (objectId: string) => text({ type: 'OBJECT_COMPLETED', objectId })

test('an end that is delivered twice is one end, two messages are two', () => {
  const witness = openWitness(() => 5)
  for (const id of ['m1', 'm1']) witness.hear({ id, text: completed('o1') })
  witness.hear({ id: 'm2', text: completed('o2') })
  witness.hear({ id: 'm3', text: text({ type: 'OBJECT_FAILED', objectId: 'o2' }) })

  expect([witness.endsOf('object', 'o1'), witness.endsOf('object', 'o2'), witness.endsOf('object', 'o3')]).toEqual([
    1, 2, 0,
  ])
  expect(witness.endedTwice('object')).toEqual(['o2'])
  expect(['o1', 'o2', 'o3'].map((id) => witness.hasFailed('object', id))).toEqual([false, false, false])
  expect(witness.sums('object')).toEqual({ good: 2, bad: 0 })
  expect(witness).toMatchObject({ heard: 4, again: 1, completedAtMs: [5, 5] })
})

test.each([
  { kind: 'task', idIn: 'taskId', good: ['TASK_FINISHED'], bad: [] },
  { kind: 'group', idIn: 'id', good: ['EventGroupCollectorSuccess'], bad: ['EventGroupCollectorFailure'] },
  { kind: 'flow', idIn: 'flowId', good: ['FLOW_SUCCEEDED'], bad: ['FLOW_FAILED'] },
  {
    kind: 'journey',
    idIn: 'sagaId',
    good: ['JOURNEY_COMPLETED'],
    bad: ['JOURNEY_FAILED', 'JOURNEY_COMPENSATED', 'JOURNEY_CANCELLED'],
  },
] as const)('every end of a $kind counts', ({ kind, idIn, good, bad }) => {
  const witness = openWitness()
  for (const type of [...good, ...bad]) witness.hear({ id: type, text: text({ type, [idIn]: type }) })

  expect(witness.sums(kind)).toEqual({ good: good.length, bad: bad.length })
  expect([...good, ...bad].filter((type) => witness.hasFailed(kind, type))).toEqual(bad)
})

test('what is no JSON, no event or lacks its id is heard, and nothing else', () => {
  const witness = openWitness()
  for (const said of ['', '{', 'null', '[]', '{"type":7}', '{"type":"toString"}', '{"type":"OBJECT_COMPLETED"}'])
    witness.hear({ id: said, text: said })
  witness.hear({ id: 'alarm', text: text({ type: 'LEDGER_IMBALANCED', count: 1 }) })

  expect(witness.heard).toBe(8)
  expect(witness.sums('object')).toEqual({ good: 0, bad: 0 })
  expect(witness.imbalances).toHaveLength(1)
})
