import type { SidelineSimulation } from './sideline-simulation.ts'
import { OBJECTS, rules, TASKS } from './sideline-simulation-ledger.ts'

/** The end of a simulation: nothing goes wrong any more, and an operator resolves what is open until nothing is. */

const LOOK_EVERY_MS = 5_000

/** False when something is still open after so long, ms. */
export async function conclude(simulation: SidelineSimulation, withinMs: number, lookEveryMs = LOOK_EVERY_MS) {
  simulation.calm()
  for (let passedMs = 0; passedMs < withinMs; passedMs += lookEveryMs) {
    await simulation.pass(lookEveryMs)
    if (await isQuiet(simulation)) return true
    await act(simulation)
  }
  return false
}

async function act(simulation: SidelineSimulation): Promise<void> {
  for (const { id } of rules) {
    const state = simulation.stateOf(id)
    if (!state || state.end) continue
    const { task, wait, job } = state
    const isStuck = wait?.for === 'person' || (job?.stopped !== undefined && !job.givenUp)
    if (isStuck && task === 'discard') await simulation.command({ action: 'discard', id })
    else if (isStuck || task === undefined) await simulation.command({ action: 'resolve', id })
  }
  for (const job of simulation.jobs(true)) {
    const isOfRule = job.rule !== undefined
    if (job.status === 'paused' || (job.status === 'stopped' && !isOfRule))
      await simulation.commandJob(job.id, 'resume')
  }
}

async function isQuiet(simulation: SidelineSimulation): Promise<boolean> {
  const { store, ledger } = simulation
  if ((await store.reader.countOpen()).length > 0 || store.countPending() > 0) return false
  for (const queue of [TASKS, OBJECTS, 'hub_consume', 'hub_work'])
    for (const one of [queue, `${queue}.replay`]) if ((await simulation.depth(one)) > 0) return false
  const over = await placesOf(simulation)
  return [...ledger.sent.keys()].every((id) => ledger.effectsOf(id) > 0 || over.has(id))
}

/** Messages that are dead or were dropped, as the catalogue has it. */
async function placesOf({ store }: SidelineSimulation): Promise<ReadonlySet<string>> {
  const states = ['held', 'discarded', 'archived'] as const
  const { items } = await store.held.listHeld({ states }, { limit: 10_000 })
  return new Set(items.map(({ messageId }) => messageId))
}
