import type { SidelineSimulation } from './sideline-simulation.ts'
import { brokenPromises } from './sideline-simulation-checks.ts'
import { OBJECTS, rules, TASKS } from './sideline-simulation-ledger.ts'
import { actsOf, BUSY_MS, type Story, sendingsOf } from './sideline-simulation-story.ts'

/** How fast a story is told. Times are ms. */
export type Pace = {
  /** Part of the story's own time. */
  readonly part: number
  readonly lookEveryMs: number
  /** After this whatever is still open is stuck. */
  readonly concludedMsMax: number
  /** So long it takes at most until the catalogue agrees with the queues. */
  readonly comparedMs: number
}

/** The longest wait of a rule is the one for a job that may be lost, five minutes; queues are compared every ten seconds. */
export const fullTime: Pace = { part: 1, lookEveryMs: 5_000, concludedMsMax: 1_800_000, comparedMs: 15_000 }
/** For a clock that cannot be turned. */
export const shortTime: Pace = { part: 0.1, lookEveryMs: 250, concludedMsMax: 40_000, comparedMs: 500 }

/** Tells a story to its end; gives everything in which it has broken a promise, in words. */
export async function tell(
  story: Story,
  simulation: SidelineSimulation,
  pace: Pace = fullTime,
): Promise<readonly string[]> {
  const at = (ms: number) => Math.round(ms * pace.part)
  for (const sending of sendingsOf(story)) simulation.send({ ...sending, atMs: at(sending.atMs) })
  for (const { atMs, event } of actsOf(story)) simulation.act(at(atMs), event)
  for (const { atMs, event } of story.faults)
    simulation.strike(at(atMs), 'forMs' in event ? { ...event, forMs: at(event.forMs) } : event)
  await simulation.pass(at(BUSY_MS))
  const isConcluded = await conclude(simulation, pace)
  if (isConcluded) await simulation.pass(pace.comparedMs)
  const broken = await brokenPromises(simulation, story.faults.length === 0)
  return isConcluded ? broken : ['something never came to its end', ...broken]
}

/** Nothing goes wrong any more, and an operator resolves what is open until nothing is. False when something stays open. */
async function conclude(simulation: SidelineSimulation, { lookEveryMs, concludedMsMax }: Pace): Promise<boolean> {
  let quiet = 0
  for (let passedMs = 0; passedMs < concludedMsMax; passedMs += lookEveryMs) {
    await simulation.pass(lookEveryMs)
    // What a process that was killed has left is on its way between two places for a moment.
    quiet = (await isQuiet(simulation)) ? quiet + 1 : 0
    if (quiet === 2) return true
    simulation.calm()
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
