import type { Sum } from '../demos/sums.ts'
import type { Attempt } from './insistence.ts'
import { openIn, totalsByKind } from './ledger.ts'
import { hasToFail, type Load } from './load.ts'
import type { Stillness } from './quiet.ts'
import type { Stored } from './stored.ts'
import type { Death } from './watched-process.ts'
import type { Witness } from './witness.ts'

/** A sum with what is behind it when it is wrong. */
export type Check = Sum & { readonly details: readonly string[] }

export type Evidence = {
  readonly accepted: Load['accepted']
  readonly attempt: Attempt
  readonly witness: Witness
  readonly stillness: Stillness
  readonly stored: Stored
  readonly deaths: readonly Death[]
  /** Processes and mounts that were left. */
  readonly leftovers: readonly string[]
  readonly exceptions: readonly string[]
  readonly tasksPerObject: number
}

/** Everything that must hold at the end, counted by what users were told, by an independent witness, by the databases and by the ledger. */
export function checksOf(evidence: Evidence): readonly Check[] {
  return [
    ...objectChecks(evidence),
    ...conversationChecks(evidence),
    ...restChecks(evidence),
    ...ledgerChecks(evidence),
  ]
}

const nothing = (what: string, found: readonly string[]): Check => ({
  what,
  expected: 0,
  found: found.length,
  details: found,
})
const same = (what: string, expected: number, found: number, details: readonly string[] = []): Check => ({
  ...{ what, expected, found, details },
})

function objectChecks({ accepted, witness, stored, tasksPerObject }: Evidence): readonly Check[] {
  const ids = [...(accepted.get('object') ?? [])]
  const n = ids.length
  const tasks = witness.sums('task')
  const without = (isSo: (id: string) => boolean) => ids.filter((id) => !isSo(id))
  const endedInDatagen = (id: string) => ['completed', 'failed'].includes(stored.made.get(id) ?? '')
  return [
    same('objects accepted = objects in datagen.db', n, stored.made.size),
    nothing('objects without an end in datagen.db', without(endedInDatagen)),
    nothing(
      'objects without exactly one end in stats.db',
      without((id) => stored.counted.get(id) === 1),
    ),
    nothing(
      'objects without exactly one end heard on the bus',
      without((id) => witness.endsOf('object', id) === 1),
    ),
    nothing('objects that failed', without((id) => stored.made.get(id) === 'completed').filter(endedInDatagen)),
    same('tasks in stats.db', n * tasksPerObject, stored.tasks),
    same('tasks finished in stats.db', n * tasksPerObject, stored.tasksFinished),
    same('tasks finished, heard on the bus', n * tasksPerObject, tasks.good),
    nothing('tasks finished by two different messages', witness.endedTwice('task')),
  ]
}

function conversationChecks({ accepted, witness, stored }: Evidence): readonly Check[] {
  const checks = (['group', 'flow', 'journey'] as const).map((kind) => {
    const ids = [...(accepted.get(kind) ?? [])]
    return nothing(
      `${kind}s (of ${ids.length}) without exactly one end heard on the bus`,
      ids.filter((id) => witness.endsOf(kind, id) !== 1),
    )
  })
  const idsOf = (kind: 'group' | 'flow' | 'journey') => [...(accepted.get(kind) ?? [])]
  const hasFailed = (kind: 'group' | 'flow' | 'journey') => (id: string) => witness.hasFailed(kind, id)
  const groups = idsOf('group')
  return [
    ...checks,
    // Nothing that these wait for is ever late enough to fail them: what failed has lost something.
    nothing(
      'groups that failed though all members came',
      groups.filter(hasFailed('group')).filter((id) => !hasToFail(id)),
    ),
    nothing(
      'groups that went well without a member',
      groups.filter((id) => hasToFail(id) && witness.endsOf('group', id) > 0 && !witness.hasFailed('group', id)),
    ),
    nothing('flows that failed', idsOf('flow').filter(hasFailed('flow'))),
    nothing('journeys that failed', idsOf('journey').filter(hasFailed('journey'))),
    same('orders of the shop with each effect once', accepted.get('journey')?.size ?? 0, stored.ordersRight),
    nothing('orders with an effect twice, or missing', stored.ordersWrong),
  ]
}

function restChecks(evidence: Evidence): readonly Check[] {
  const { stillness, stored, deaths, leftovers, exceptions, attempt } = evidence
  const inQueues = [...stillness.left].map(([queue, count]) => `${count} in ${queue}`)
  const dead = [...stillness.dead].map(([queue, count]) => `${count} in ${queue}`)
  const sum = (counts: Iterable<number>) => [...counts].reduce((all, count) => all + count, 0)
  const strange = deaths.filter(({ isMeant }) => !isMeant)
  return [
    nothing('what did not come to rest in time', stillness.restless),
    same('messages left in queues and rungs', 0, sum(stillness.left.values()), [...inQueues, ...stillness.examples]),
    same('dead letters', 0, sum(stillness.dead.values()), [...dead, ...stillness.examples]),
    ...Object.entries(stored.outboxes).map(([file, count]) => same(`rows in the outbox of ${file}`, 0, count)),
    nothing('HTTP answers that are neither yes nor come back later', attempt.wrong),
    nothing(
      'processes that ended by themselves',
      strange.map(({ name, how, atMs }) => `${name}: ${how} at ${new Date(atMs).toISOString()}`),
    ),
    nothing('exceptions that nobody caught, in the logs', exceptions),
    nothing('processes and mounts left behind', leftovers),
  ]
}

function ledgerChecks({ accepted, stillness: { ledger }, tasksPerObject }: Evidence): readonly Check[] {
  if (!ledger) return [same('ledgers that statistics tells', 1, 0)]
  const totals = totalsByKind(ledger)
  const own = [...accepted].map(([kind, ids]) => [kind, ids.size] as const)
  const tasks = (accepted.get('object')?.size ?? 0) * tasksPerObject
  return [
    same('the ledger balances', 1, ledger.balanced ? 1 : 0, [JSON.stringify(ledger)]),
    ...[...own, ['task', tasks] as const].flatMap(([kind, count]) => {
      const total = totals.get(kind)
      if (!total) return [same(`the ledger knows ${kind}s`, 1, 0)]
      return [
        same(`${kind}s accepted, by the ledger`, count, total.accepted),
        same(`${kind}s done or failed, by the ledger`, count, total.done + total.failed, [
          `${openIn(total)} are open, parked, dead or discarded: ${JSON.stringify(total)}`,
        ]),
      ]
    }),
  ]
}
