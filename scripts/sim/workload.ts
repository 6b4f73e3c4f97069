import type { Random } from './random.ts'

/** What people and other systems do with the platform. `n` numbers the things of one sort. */
export type Deed =
  | {
      readonly what: 'objects'
      readonly n: number
      readonly tenant: string
      readonly count: number
      readonly repeats: number
    }
  | ({ readonly what: 'group'; readonly n: number; readonly members: readonly Member[] } & GroupTerms)
  | {
      readonly what: 'flow'
      readonly n: number
      readonly length: number
      readonly mode: 'parallel' | 'sequential'
      readonly error?: 'hub' | 'worker' | 'backend'
    }
  | {
      readonly what: 'journey'
      readonly n: number
      readonly type: string
      readonly tenant: string
      readonly card: 'gold' | 'declined'
      readonly sku: 'tea' | 'moon-rock'
    }
  | {
      readonly what: 'rule'
      readonly n: number
      readonly tenant: string
      readonly act: 'start' | 'resume' | 'resolve' | 'discard'
    }
  | { readonly what: 'replay dead' }
  | { readonly what: 'poison'; readonly n: number; readonly queue: string; readonly body: string }
  /** Messages that were heard lately are published once more, as they were, or without an id, as a person pastes them. */
  | { readonly what: 'paste'; readonly count: number }

export type Member = {
  readonly afterMs: number
  readonly outcome: 'result' | 'error' | 'silent'
  readonly copies: number
}
type GroupTerms = {
  readonly ttlS: number
  readonly quorum?: number
  readonly onTimeout: 'fail' | 'partial'
  readonly createAfterMs: number
}

export const TENANTS = ['acme', 'globex', 'initech'] as const
export const RULE_QUEUE = 'process_consume'
const POISON = [
  'no JSON',
  '[]',
  '{"type":"NEVER_HEARD_OF"}',
  '{"type":"TASK_CREATED"}',
  '{"type":"OBJECT_CREATED","object":7}',
]
const POISONED = ['process_consume', 'distributor_consume', 'hub_consume', 'flow_worker_consume']

/** Everything that is asked of the system in one story, in order of time. */
export function drawDeeds(random: Random, busyMs: number): (Deed & { atMs: number })[] {
  const at = (deed: Deed) => ({ ...deed, atMs: random.int(500, busyMs) })
  return [
    ...random.times(1, 4, (n) =>
      at({
        what: 'objects',
        n,
        tenant: random.pick(TENANTS),
        count: random.int(1, 3),
        repeats: random.pick([0, 0, 2]),
      }),
    ),
    ...random.times(0, 3, (n) => at(group(random, n))),
    ...random.times(0, 3, (n) => at(flow(random, n))),
    ...random.times(0, 3, (n) => at(journey(random, n))),
    ...random
      .times(0, 2, (n) => rule(random, n, busyMs))
      .flatMap((acts, n) => [...acts, ...aboutRule(random, acts, n)]),
    ...random.times(0, 2, () => at({ what: 'replay dead' })),
    ...random.times(0, 2, (n) => at({ what: 'poison', n, queue: random.pick(POISONED), body: random.pick(POISON) })),
    ...random.times(0, 2, () => at({ what: 'paste', count: random.int(1, 5) })),
  ].toSorted((a, b) => a.atMs - b.atMs)
}

function group(random: Random, n: number): Deed {
  const members = random.times(1, 4, () => ({
    afterMs: random.int(0, 4_000),
    outcome: random.pick(['result', 'result', 'result', 'error', 'silent'] as const),
    copies: random.pick([0, 0, 1]),
  }))
  const quorum = random.chance(0.3) ? random.int(1, members.length) : undefined
  return {
    ...{ what: 'group', n, members, ttlS: random.pick([1, 3, 20]), onTimeout: random.pick(['fail', 'partial']) },
    // Some Dones come before their group.
    createAfterMs: random.int(0, 1_500),
    ...(quorum !== undefined && { quorum }),
  }
}

function flow(random: Random, n: number): Deed {
  const error = random.pick([undefined, undefined, undefined, 'hub', 'worker', 'backend'] as const)
  return {
    ...{ what: 'flow', n, length: random.int(1, 3), mode: random.pick(['parallel', 'sequential']) },
    ...(error !== undefined && { error }),
  }
}

const journey = (random: Random, n: number): Deed => ({
  what: 'journey',
  n,
  type: random.pick(['order', 'order', 'order-remediated', 'order-unknown']),
  tenant: random.pick(TENANTS),
  card: random.pick(['gold', 'gold', 'declined']),
  sku: random.pick(['tea', 'tea', 'moon-rock']),
})

/** Work of its tenant, under way when a rule begins, and some that comes when it is in force. */
function aboutRule(random: Random, acts: readonly { atMs: number }[], n: number): (Deed & { atMs: number })[] {
  const sinceMs = acts[0]?.atMs ?? 0
  const objects = { what: 'objects' as const, tenant: TENANTS[n] ?? 'acme', count: 2, repeats: 0 }
  return [
    ...(random.chance(0.4) ? [{ ...objects, n: 100 + n, atMs: sinceMs - random.int(0, 400) }] : []),
    ...(random.chance(0.4) ? [{ ...objects, n: 200 + n, atMs: sinceMs + random.int(1_200, 3_000) }] : []),
  ]
}

/** A rule begins, perhaps brings back what it has, and ends; or it is left for the end of the story. */
function rule(random: Random, n: number, busyMs: number): (Deed & { atMs: number })[] {
  const about = { what: 'rule' as const, n, tenant: TENANTS[n] ?? 'acme' }
  const atMs = random.int(500, busyMs)
  const after = () => random.int(500, busyMs)
  return [
    { ...about, act: 'start', atMs },
    ...(random.chance(0.4) ? [{ ...about, act: 'resume' as const, atMs: atMs + after() }] : []),
    ...(random.chance(0.7)
      ? [{ ...about, act: random.pick(['resolve', 'resolve', 'discard'] as const), atMs: atMs + after() }]
      : []),
  ]
}
