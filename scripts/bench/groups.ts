import { parseArgs } from 'node:util'
import { queueType } from './config.ts'
import { spell, sum } from './flow-report.ts'
import { type Throughput, takeBacklog, untilCompleted, untilFinished } from './flow-runs.ts'
import { printJsonLine } from './json-line.ts'
import { median } from './quantile.ts'
import { hubProgram, type Running, type StartOptions, startServices } from './services.ts'
import { programsOf } from './sides.ts'
import { type BenchBroker, describeBroker } from './vhost.ts'

const ROUNDS = 2
const OBJECTS = 2_000
const RATIO_AIM = 0.6

type Side = StartOptions & { readonly until: (running: Running, objects: number) => Promise<void> }

/** The flow with its hub, until each object's completion is counted; and without, until each task's end is. */
export const groupSides = {
  hub: { purpose: 'groups', programs: [...programsOf.ebs, hubProgram], until: untilCompleted },
  bare: {
    purpose: 'no-hub',
    programs: programsOf.ebs,
    deaf: ['hub_consume', 'datagen_consume'],
    until: untilFinished,
  },
} as const satisfies Record<string, Side>

type SideName = keyof typeof groupSides
const names: readonly SideName[] = ['bare', 'hub']
type Run = Omit<Throughput, 'side'> & { readonly side: SideName }

/**
 * What the hub costs the object flow: objects per second from a backlog with it and without it, in turns. Without it, nobody
 * hears what it would hear; the distributor publishes what opens a group all the same.
 * Arguments: `--json`, `--objects N`, `--rounds N`.
 */
export async function benchGroups(broker: BenchBroker, args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean', default: false },
      objects: { type: 'string', default: String(OBJECTS) },
      rounds: { type: 'string', default: String(ROUNDS) },
    },
  })
  const objects = Number(values.objects)
  const { version, pid: brokerPid } = await describeBroker(broker)
  const runs: Run[] = []
  for (let round = 1; round <= Number(values.rounds); round++)
    for (const side of names) {
      if (!values.json) console.error(`round ${round}: ${side} takes a backlog of ${objects} objects`)
      const { until, ...start } = groupSides[side]
      await using running = await startServices(broker, start)
      runs.push({ side, ...(await takeBacklog(running, { brokerPid, objects, until })) })
    }
  report(runs, { json: values.json, version })
}

function report(runs: readonly Run[], { json, version }: { readonly json: boolean; readonly version: string }): void {
  const of = (side: SideName) => runs.filter((run) => run.side === side)
  const rateOf = (side: SideName) => median(of(side).map((run) => run.objectsPerSecond))
  const cpuOf = (side: SideName) => median(of(side).map((run) => sum(run.cpuMsPerObject)))
  const ratio = rateOf('hub') / rateOf('bare')
  const cpuRatio = cpuOf('bare') / cpuOf('hub')
  if (json) {
    const objectsPerSecond = rateOf('hub')
    const bareObjectsPerSecond = rateOf('bare')
    printJsonLine({ objectsPerSecond, bareObjectsPerSecond, ratio, cpuRatio, aim: RATIO_AIM, runs, version, queueType })
    return
  }
  console.log(`\nRabbitMQ ${version}, ${queueType} queues`)
  console.log('\nobjects/s from a backlog with the hub and without, and ms of processor time per object')
  for (const { side, objectsPerSecond, cpuMsPerObject } of runs)
    console.log(
      `  ${side.padEnd(6)}${objectsPerSecond.toFixed(0).padStart(6)}    ` +
        spell({ ...cpuMsPerObject, all: sum(cpuMsPerObject) }, 2),
    )
  console.log(`  ratio ${ratio.toFixed(2)} (aim ${RATIO_AIM}); by processor time ${cpuRatio.toFixed(2)}`)
}
