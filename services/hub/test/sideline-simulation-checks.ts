import type { Held, HeldState } from '../../../shared/store/held-messages.ts'
import { deadQueueOf, parkingQueueOf, unroutedQueue } from '../../../shared/topology.ts'
import type { SidelineSimulation } from './sideline-simulation.ts'
import { OBJECTS, rules, TASKS } from './sideline-simulation-ledger.ts'

/** Everything in which a simulation that has come to its end has broken a promise, in words. `isCalm`: nothing went wrong in it. */
export async function brokenPromises(simulation: SidelineSimulation, isCalm: boolean): Promise<string[]> {
  const rows = await rowsOf(simulation)
  const dead = await deadOf(simulation)
  return [
    ...simulation.ledger.leaks,
    ...simulation.surprises,
    ...parkedWithoutReason(simulation),
    ...ends(simulation, { rows, isCalm }),
    ...differences(rows, dead),
    ...(await leftOvers(simulation)),
    ...counts(simulation, rows),
    ...(isCalm ? [...simulation.ledger.lateEffects, ...outOfOrder(simulation, rows)] : []),
  ]
}

async function rowsOf({ store }: SidelineSimulation): Promise<readonly Held[]> {
  const { items } = await store.held.listHeld({}, { limit: 100_000 })
  return items
}

/** S3: what matches no rule is never parked. */
function parkedWithoutReason({ ledger }: SidelineSimulation): string[] {
  return ledger.parkings.flatMap(({ id, queue, rule: use }) => {
    const sent = ledger.sent.get(id)
    const rule = rules.find((one) => use.startsWith(`${one.id}#`))
    const isOf = sent && rule?.queues.some((one) => one === queue) && rule.matches(sent) && sent.queue === queue
    return isOf ? [] : [`${id} was parked by ${use} in ${queue}`]
  })
}

type Ends = { readonly rows: readonly Held[]; readonly isCalm: boolean }

/** S5: handled, dead or dropped is what was sent, and each effect once. */
function ends({ ledger }: SidelineSimulation, { rows, isCalm }: Ends): string[] {
  const byMessage = groupsOf(rows, ({ messageId }) => messageId)
  return [...ledger.sent.values()].flatMap((sent) => {
    const mine = byMessage.get(sent.id) ?? []
    const over = mine.filter(({ state }) => state === 'held' || state === 'discarded' || state === 'archived')
    const effects = ledger.effectsOf(sent.id)
    const what = `${sent.id} (${sent.queue}) had ${effects} effects, and ended as ${over.map(nameOf).join(', ') || 'handled'}`
    if (effects + over.length === 0) return [`${sent.id} (${sent.queue}) is lost: ${mine.map(nameOf).join(', ')}`]
    // Who dies between what it did and the ack does it again, and it may end otherwise; but for the inbox also with another effect.
    return (isCalm ? effects + over.length > 1 : sent.queue === OBJECTS && effects > 1) ? [what] : []
  })
}

const nameOf = ({ state, place }: Held) => `${state} in ${place}`

/** Held ids of dead messages, by queue. */
async function deadOf(simulation: SidelineSimulation) {
  const places = [...[TASKS, OBJECTS, 'hub_consume', 'hub_work'].map(deadQueueOf), unroutedQueue]
  const found = new Map<string, ReadonlySet<string>>()
  for (const place of places) {
    const messages = await simulation.look(place)
    const ids = messages.map(({ properties: { headers } }) => String(headers['x-ebs-held']))
    found.set(place, new Set(ids))
  }
  return found
}

/** The queues are the truth, and the catalogue says what is in them. */
function differences(rows: readonly Held[], found: Awaited<ReturnType<typeof deadOf>>): string[] {
  return [...found].flatMap(([place, ids]) => {
    const known = new Set(rows.flatMap((row) => (row.place === place && row.state === 'held' ? [row.id] : [])))
    return [
      ...[...ids].filter((id) => !known.has(id)).map((id) => `${id} is in ${place}, and not in the catalogue`),
      ...[...known].filter((id) => !ids.has(id)).map((id) => `${id} is not in ${place}, but in the catalogue`),
    ]
  })
}

async function leftOvers(simulation: SidelineSimulation): Promise<string[]> {
  const { store } = simulation
  const depths = ['hub_work.dead', unroutedQueue, ...[TASKS, OBJECTS].flatMap((queue) => [queue, `${queue}.replay`])]
  const counts: [string, number][] = [
    ['timers', await store.reader.countTimers()],
    ['frozen timers', await store.reader.countFrozenTimers()],
    ['outbox rows', store.countPending()],
  ]
  for (const queue of depths) counts.push([`messages in ${queue}`, await simulation.depth(queue)])
  const commands = await simulation.look('hub_consume.dead')
  const others = commands.filter(({ properties: { type } }) => type !== 'SIDELINE_COMMAND')
  const open = [...simulation.jobs(true).map(({ id, status }) => `job ${id} is ${status}`)]
  for (const { id, queues } of rules) {
    const state = simulation.stateOf(id)
    if (state && !state.end) open.push(`rule ${id} is open: ${JSON.stringify(state)}`)
    for (const queue of queues)
      if (await simulation.has(parkingQueueOf(id, queue))) open.push(`${parkingQueueOf(id, queue)} is still there`)
  }
  return [
    ...counts.flatMap(([what, count]) => (count > 0 ? [`${count} ${what} are left`] : [])),
    ...others.map(({ properties: { type, headers } }) => `${type} died in hub_consume: ${headers['x-ebs-error']}`),
    ...open,
  ]
}

/** What a job has counted is what became of its messages. */
function counts(simulation: SidelineSimulation, rows: readonly Held[]): string[] {
  const unsettled = rows.filter(({ state }) => state === 'chosen' || state === 'released' || state === 'gone')
  const faults = simulation.jobs().flatMap((job) => {
    const mine = rows.filter((row) => row.job === job.id)
    const count = (...states: HeldState[]) => mine.filter(({ state }) => states.includes(state)).length
    const said = { handled: job.handled, dead: job.dead, parked: job.parked }
    const found = {
      handled: count('handled', 'discarded', 'archived'),
      dead: count('dead'),
      parked: count('parked'),
    }
    return JSON.stringify(said) === JSON.stringify(found)
      ? []
      : [`job ${job.id} (${job.status}) says ${JSON.stringify(said)}, and ${JSON.stringify(found)} is so`]
  })
  return [
    ...unsettled.map(({ id, messageId, state, place }) => `${messageId} (${id}) is ${state} in ${place}`),
    ...faults,
  ]
}

/** S4: resolved in order, what was parked is handled in the order in which it was parked. */
function outOfOrder(simulation: SidelineSimulation, rows: readonly Held[]): string[] {
  const { ledger } = simulation
  const jobs = groupsOf(simulation.jobs(), ({ rule }) => rule ?? '')
  const uses = [...new Set(ledger.parkings.map(({ rule }) => rule))]
  return uses.flatMap((use) => {
    const mine = jobs.get(use) ?? []
    const isInOrder = mine.every(
      ({ act, ordered, status, failed }) => act === 'replay' && ordered && status === 'completed' && failed === 0,
    )
    if (mine.length === 0 || !isInOrder) return []
    return [TASKS, OBJECTS].flatMap((queue) => {
      const parked = ledger.parkings.filter((one) => one.rule === use && one.queue === queue).map(({ id }) => id)
      const simple = parked.filter((id) => rows.filter((row) => row.messageId === id).length === 1)
      const handled = ledger.handlings.map(({ id }) => id)
      const order = simple.map((id) => handled.indexOf(id))
      const isSame = order.every((at, i) => at > (order[i - 1] ?? -1))
      return isSame ? [] : [`${use} in ${queue} parked ${simple.join(' ')}, handled in the order ${order.join(' ')}`]
    })
  })
}

function groupsOf<T>(items: readonly T[], nameOf: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) groups.set(nameOf(item), [...(groups.get(nameOf(item)) ?? []), item])
  return groups
}
