import { JourneySimulation } from './journey-simulation.ts'
import { brokenPromises, passages } from './journey-simulation-checks.ts'
import { Operator } from './journey-simulation-operator.ts'
import { BUSY_MS, type Story } from './journey-simulation-story.ts'

const LOOK_EVERY_MS = 2_500
/** After this whatever is still open is stuck: the longest wait is that of a rule for a job that may be lost, five minutes. */
const SETTLED_MS_MAX = 1_800_000

/** Tells a story to its end; gives everything in which it has broken a promise, in words, and the statuses in which journeys ended. */
export async function tell(story: Story) {
  await using simulation = await JourneySimulation.start(story)
  const operator = new Operator(simulation)
  for (const [n, journey] of story.journeys.entries()) simulation.request(journey, n)
  for (const { atMs, event } of story.actions) simulation.in(atMs, () => operator.act(event))
  for (const { atMs, event } of story.faults) simulation.in(atMs, () => simulation.strike(event))
  await simulation.stage.pass(BUSY_MS)
  const isSettled = await settle(simulation, operator)
  const broken = await brokenPromises(simulation, operator)
  const ends = [...simulation.witness.journeys.values()].map(({ state }) => state.status)
  return { broken: isSettled ? broken : ['something never came to its end', ...broken], ends, trace: simulation.trace }
}

/** Nothing goes wrong any more, and an operator settles what is open until nothing is. False when something stays open. */
async function settle(simulation: JourneySimulation, operator: Operator): Promise<boolean> {
  let quiet = 0
  for (let passedMs = 0, round = 0; passedMs < SETTLED_MS_MAX; passedMs += LOOK_EVERY_MS, round++) {
    await simulation.stage.pass(LOOK_EVERY_MS)
    quiet = (await isQuiet(simulation)) ? quiet + 1 : 0
    if (quiet === 2) return true
    simulation.calm()
    await operator.settle(round)
  }
  return false
}

async function isQuiet(simulation: JourneySimulation): Promise<boolean> {
  const { store, witness, sent, isUp } = simulation
  if (!isUp) return false
  const open = await store.reader.countOpen()
  if (open.some(({ count }) => count > 0) || (await store.countPending()) > 0) return false
  if (passages.some((queue) => simulation.depth(queue) > 0)) return false
  return sent.every(({ sagaId }) => witness.journeys.has(sagaId))
}
