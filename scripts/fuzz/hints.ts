import fc from 'fast-check'
import { queues } from '../../shared/topology.ts'
import { familyOf, type Operation } from './operations.ts'
import type { Hints } from './values.ts'

/** Filters that compile, that nearly do, and that cost. */
const filters = fc.constantFrom(
  'true',
  'false',
  "tenant == 'acme'",
  "event.object.name.startsWith('a')",
  "type == 'TASK_CREATED' && queue == 'process_consume'",
  'event.length > 3',
  '1 / 0 == 1',
  "headers['x'] == 'y'",
  'event.nothing.at.all == 1',
  "event.content.matches('(a+)+$')",
  '[1,2,3].all(x, [1,2,3].all(y, x > y))',
  'tenant ==',
  'unknown(1)',
)
const workQueues = fc.constantFrom(
  'distributor_consume',
  'process_consume',
  'flow_worker_consume',
  'flow_backend_consume',
  ...Object.keys(queues),
)
const by: Hints = { actor: fc.constantFrom('ada', 'bob'), reason: fc.constant('fuzzing') }

/** A definition that is done at once, and one whose step nobody can do. */
export const DEFINITIONS: readonly Readonly<Record<string, unknown>>[] = [
  {
    type: 'quick',
    version: 1,
    deadline: '20s',
    payload: { type: 'object', required: ['content'], properties: { content: { type: 'string' } } },
    activities: { digest: { activity: 'digest', input: "{'content': payload.content}", timeout: '5s' } },
  },
  {
    type: 'hopeless',
    version: 1,
    deadline: '20s',
    activities: { never: { activity: 'nobody-does-this', timeout: '1s', retry: { retries: 1, initialMs: 100 } } },
  },
]

const definitions = fc
  .tuple(
    fc.constantFrom(...DEFINITIONS),
    fc.integer({ min: 1, max: 4 }),
    fc.constantFrom('quick', 'hopeless', 'fuzzed'),
  )
  .map(([definition, version, type]) => ({ ...definition, version, type }))

/** What names mean everywhere, and what single operations take that their schema does not say. */
export function hintsFor({ path, method }: Operation): Hints {
  const common: Hints = {
    ...by,
    filter: filters,
    where: filters,
    queue: workQueues,
    queues: fc.uniqueArray(workQueues, { minLength: 1, maxLength: 3 }),
    prefer: fc.constantFrom('wait=1', 'wait=30', 'respond-async', 'wait=x'),
    'idempotency-key': fc.integer({ min: 1, max: 6 }).map((n) => `key-${n}`),
    count: fc.integer({ min: 1, max: 5 }).map(String),
    limit: fc.integer({ min: 1, max: 20 }).map(String),
    length: fc.integer({ min: 1, max: 4 }),
    // Far ones are left to the edges of the schema: what waits for a month has not ended when a run has.
    ttl: fc.integer({ min: -1, max: 20 }),
    expected: fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { maxLength: 3 }),
  }
  if (method !== 'POST') return common
  if (path === '/api/definitions') return { ...common, '': definitions }
  if (path === '/api/dead/replay' || path === '/api/dead/discard' || path === '/api/dead/archive') return { ...by }
  if (familyOf(path) === 'journeys' && path === '/api/journeys')
    return {
      ...common,
      type: fc.constantFrom('quick', 'hopeless', 'fuzzed', 'no-such'),
      payload: fc.record({ content: fc.string() }),
    }
  return common
}
