import { join } from 'node:path'
import { type Bus, openBus } from './bus.ts'
import { diskWays, isMounted } from './disk.ts'
import { insistence } from './insistence.ts'
import { exceptionsIn, processesOf } from './leftovers.ts'
import { type Load, startLoad } from './load.ts'
import { commandOf } from './options.ts'
import { drawPlan, type Step, type Wish } from './plan.ts'
import { type Stillness, untilQuiet } from './quiet.ts'
import { countRedeliveries, type Redeliveries } from './redeliveries.ts'
import { isRight, type Report } from './report.ts'
import type { Site } from './site.ts'
import { readStored } from './stored.ts'
import { isServing, pause, strikes } from './strikes.ts'
import { faultRows, type Struck } from './struck.ts'
import { checksOf } from './sums.ts'
import { within } from './within.ts'
import { openWitness, type Witness } from './witness.ts'

const MINUTE_MS = 60_000
const READY_MS_MAX = 120_000
/** A system that has done so much works, and the queues of its broker have been there for some time. */
const OBJECTS_BEFORE = 20
/** For requests that were asked before the end of the faults. */
const ACCEPTED_MS_MAX = 120_000
const TASKS_PER_OBJECT = 3

export type Run = {
  readonly site: Site
  readonly wish: Wish
  readonly signal: AbortSignal
  /** Tells how far it is. */
  readonly note: (line: string) => void
}

type Work = {
  readonly bus: Bus
  readonly witness: Witness
  readonly load: Load
  readonly redeliveries: Redeliveries
  /** Ends clients that still wait for an answer. */
  giveUp(): void
}

/** Puts the site under load, strikes it as planned, waits until all is quiet, stops it and adds up. */
export async function runChaos(run: Run): Promise<Report> {
  const { site, wish, signal, note } = run
  const plan = drawPlan(wish)
  await untilReady(run)
  const work = await beginWork(run)
  try {
    await within(
      READY_MS_MAX,
      signal,
      `${OBJECTS_BEFORE} objects are completed`,
      () => work.witness.completedAtMs.length >= OBJECTS_BEFORE,
    )
    note(`under load; ${plan.length} faults in ${wish.minutes} minutes, seed ${wish.seed}`)
    const struck = await strikeAll(run, plan)
    note('the faults are over: waiting until everything has ended')
    await recover(run)
    await work.load.stop(AbortSignal.any([signal, AbortSignal.timeout(ACCEPTED_MS_MAX)]))
    work.giveUp()
    const stillness = await untilQuiet({ site, load: work.load, witness: work.witness, signal })
    const endMs = Date.now()
    work.redeliveries.stop()
    await work.bus.close()
    note('quiet: stopping everything, and adding up')
    await site.stop()
    signal.throwIfAborted()
    return await reportOf(run, { ...work, struck, stillness, endMs })
  } finally {
    work.redeliveries.stop()
    work.giveUp()
    await work.bus.close()
  }
}

async function beginWork({ site, signal }: Run): Promise<Work> {
  const witness = openWitness()
  const bus = await openBus(site.node.amqpUrl, witness.hear)
  const giving = new AbortController()
  const load = startLoad(site, bus, insistence(AbortSignal.any([signal, giving.signal])))
  return { bus, witness, load, redeliveries: countRedeliveries(site.node.management), giveUp: () => giving.abort() }
}

async function untilReady({ site, signal }: Run): Promise<void> {
  const limit = AbortSignal.timeout(READY_MS_MAX)
  if (await site.untilReady(AbortSignal.any([signal, limit]))) return
  signal.throwIfAborted()
  throw new Error(`Not every service was ready within ${READY_MS_MAX / 1_000} s; the logs are in ${site.folder}/log.`)
}

async function strikeAll(run: Run, plan: readonly Step[]): Promise<readonly Struck[]> {
  const { site, wish, signal, note } = run
  const endAtMs = Date.now() + wish.minutes * MINUTE_MS
  const struck: Struck[] = []
  for (const step of plan) {
    await pause(step.gapMs, signal)
    signal.throwIfAborted()
    const { fault, target, holdMs } = step
    note(`${fault}${target ? ` ${target}` : ''}${holdMs > 0 ? ` for ${(holdMs / 1_000).toFixed(1)} s` : ''}`)
    const atMs = Date.now()
    const { note: said, missed } = await strikes[fault](site, step, signal)
    struck.push({ step, atMs, healedAtMs: Date.now(), note: said, missed })
  }
  // The plan may be over a little before its time is.
  await pause(Math.max(0, endAtMs - Date.now()), signal)
  signal.throwIfAborted()
  return struck
}

/** Everything that was struck is back. */
async function recover(run: Run): Promise<void> {
  const { site, signal } = run
  await site.heal()
  await within(READY_MS_MAX, signal, 'the broker serves', () => isServing(site))
  await untilReady(run)
}

type Done = Work & { readonly struck: readonly Struck[]; readonly stillness: Stillness; readonly endMs: number }

async function reportOf({ site, wish }: Run, done: Done): Promise<Report> {
  const { load, witness, stillness, struck, endMs, redeliveries } = done
  const { accepted, attempt } = load
  const deaths = site.deaths()
  const how = [...site.disks.values()][0]?.how ?? 'none'
  const faults = faultRows(wish.only, {
    ...{ struck, completedAtMs: witness.completedAtMs, attempt, endMs },
    deaths: deaths.filter(({ atMs }) => atMs < endMs),
    redeliveredBetween: redeliveries.between,
  })
  const stored = await readStored(site)
  const checks = checksOf({
    ...{ accepted, attempt, witness, stillness, deaths, stored },
    tasksPerObject: TASKS_PER_OBJECT,
    leftovers: processesOf(site.folder),
    exceptions: exceptionsIn(join(site.folder, 'log')),
  })
  return {
    ...{ seed: wish.seed, minutes: wish.minutes, command: commandOf(wish), disk: diskWays[how], faults, checks },
    load: [...accepted].map(([kind, ids]) => ({ kind, accepted: ids.size, ...witness.sums(kind) })),
    ...{ heard: witness.heard, heardAgain: witness.again, alarms: witness.imbalances.length },
    ...{ refused: attempt.refusedAtMs.length, unanswered: attempt.unansweredAtMs.length },
    ...{ triedAgain: stillness.triedAgain, wakeUps: stillness.wakeUps, isRight: isRight(checks, faults) },
  }
}

/** What is still mounted below the site's folder after it was cleared. */
export const mountsLeft = ({ disks }: Site): readonly string[] =>
  [...disks.values()].map(({ folder }) => folder).filter(isMounted)
