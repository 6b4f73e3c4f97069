import { expect, test } from 'vitest'
import { checksOf, type Evidence } from '../sums.ts'
import { openWitness } from '../witness.ts'

const kinds = ['object', 'group', 'flow', 'journey'] as const
/** Group 9 waits for a member who never comes. */
const ids = { group: ['chaos-group-0', 'chaos-group-9'], flow: ['chaos-flow-0'], journey: ['s'], object: [] }

/** A run in which everything has one end, and the ledger balances. */
function evidence(ends: readonly object[]): Evidence {
  const witness = openWitness()
  for (const [n, body] of ends.entries()) witness.hear({ id: `m${n}`, text: JSON.stringify(body) })
  const total = (kind: string, accepted: number) => ({
    ...{ kind, accepted, done: accepted, failed: 0, inFlight: 0, waiting: 0, parked: 0, dead: 0, discarded: 0 },
  })
  const totals = [...kinds.map((kind) => total(kind, ids[kind].length)), total('task', 0)]
  return {
    accepted: new Map(kinds.map((kind) => [kind, new Set(ids[kind])])),
    attempt: { refusedAtMs: [], unansweredAtMs: [], wrong: [] },
    witness,
    stillness: {
      ...{ restless: [], left: new Map(), dead: new Map(), examples: [], wakeUps: 0, triedAgain: 0 },
      ledger: { at: '', balanced: true, imbalance: 0, totals },
    },
    stored: {
      ...{ made: new Map(), counted: new Map(), tasks: 0, tasksFinished: 0, ordersRight: 1, ordersWrong: [] },
      outboxes: { 'datagen.db': 0, 'hub.db': 0 },
    },
    ...{ deaths: [], leftovers: [], exceptions: [], tasksPerObject: 3 },
  }
}

const right = {
  'chaos-group-0': { type: 'EventGroupCollectorSuccess', id: 'chaos-group-0' },
  'chaos-group-9': { type: 'EventGroupCollectorFailure', id: 'chaos-group-9' },
  'chaos-flow-0': { type: 'FLOW_SUCCEEDED', flowId: 'chaos-flow-0' },
  s: { type: 'JOURNEY_COMPLETED', sagaId: 's' },
}
const wrongWith = (other: object) =>
  checksOf(evidence(Object.values({ ...right, ...other })))
    .filter(({ expected, found }) => expected !== found)
    .map(({ what, details }) => [what, ...details])

test('a run in which everything ended as it had to is right', () => {
  expect(wrongWith({})).toEqual([])
})

test.each([
  [{ 'chaos-group-0': { type: 'EventGroupCollectorFailure', id: 'chaos-group-0' } }, 'though all members came'],
  [{ 'chaos-group-9': { type: 'EventGroupCollectorSuccess', id: 'chaos-group-9' } }, 'without a member'],
  [{ 'chaos-flow-0': { type: 'FLOW_FAILED', flowId: 'chaos-flow-0' } }, 'flows that failed'],
  [{ s: { type: 'JOURNEY_COMPENSATED', sagaId: 's' } }, 'journeys that failed'],
])('one end that is the wrong one is told with its id: %o', (other, what) => {
  expect(wrongWith(other)).toEqual([[expect.stringContaining(what), ...Object.keys(other)]])
})
