import { parseArgs } from 'node:util'
import { queueType } from './config.ts'
import { spell, sum } from './flow-report.ts'
import { definitionsFolder, requestJourneys, type SideName, startJourneys, untilJourneys } from './journey-runs.ts'
import { printJsonLine } from './json-line.ts'
import { databaseMb, hubMb } from './open-group-runs.ts'
import { cpuSeconds } from './processes.ts'
import { median } from './quantile.ts'
import { type BenchBroker, describeBroker } from './vhost.ts'

const JOURNEYS = 2_000
const ROUNDS = 2
const WAITING = 100_000
const ACTIVITIES = 5
const RATIO_AIM = 0.5
const WAITING_MB_AIM = 500
const WAITING_START_MS_AIM = 10_000
const sides: readonly SideName[] = ['floor', 'ebs']

type Run = {
  readonly side: SideName
  readonly journeysPerSecond: number
  /** Milliseconds of processor time per journey, by process, `broker` among them. */
  readonly cpuMs: Readonly<Record<string, number>>
}
type Waiting = {
  readonly waiting: number
  readonly journeysPerSecond: number
  readonly hubMb: number
  readonly databaseMb: number
  readonly startMs: number
  readonly startedMb: number
}

/**
 * Journeys of five activities that do nothing, two of them at the same time, from a backlog: the product against a bare program that
 * publishes the same messages and commits once per batch; then many journeys that wait for an activity which nobody answers.
 * Arguments: `--json`, `--journeys N`, `--rounds N`, `--waiting N` (0: not measured).
 */
export async function benchJourneys(broker: BenchBroker, args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean', default: false },
      journeys: { type: 'string', default: String(JOURNEYS) },
      rounds: { type: 'string', default: String(ROUNDS) },
      waiting: { type: 'string', default: String(WAITING) },
    },
  })
  const say = (line: string) => (values.json ? undefined : console.error(line))
  const count = Number(values.journeys)
  const { version, pid } = await describeBroker(broker)
  await using definitions = await definitionsFolder()
  const runs: Run[] = []
  for (let round = 1; round <= Number(values.rounds); round++)
    for (const side of sides) {
      say(`round ${round}: ${side} takes a backlog of ${count} journeys`)
      runs.push(await takeBacklog(broker, { side, count, definitions: definitions.path, brokerPid: pid }))
    }
  const waiting = Number(values.waiting)
  if (waiting > 0) say(`${waiting} journeys wait`)
  const waited = waiting > 0 ? await wait(broker, waiting, definitions.path) : undefined
  const rateOf = (side: SideName) => median(runs.filter((run) => run.side === side).map((run) => run.journeysPerSecond))
  const results = {
    runs,
    ratio: rateOf('ebs') / rateOf('floor'),
    rates: { floor: rateOf('floor'), ebs: rateOf('ebs') },
  }
  if (values.json) printJsonLine({ ...results, waited, aim: RATIO_AIM, broker: `RabbitMQ ${version}`, queueType })
  else report({ ...results, waited, version })
}

type Backlog = {
  readonly side: SideName
  readonly count: number
  readonly definitions: string
  readonly brokerPid: number
}

/** Both sides have run a few before, and are held (SIGSTOP) while the backlog is made. */
async function takeBacklog(broker: BenchBroker, { side, count, definitions, brokerPid }: Backlog): Promise<Run> {
  await using running = await startJourneys(broker, side, definitions)
  const warm = Math.ceil(count / 10)
  await requestJourneys(running, { type: 'bench', count: warm, name: 'warm' })
  await untilJourneys(running, { side, count: warm, status: 'COMPLETED' })
  for (const each of running.processes) each.signal('SIGSTOP')
  await requestJourneys(running, { type: 'bench', count, name: 'backlog' })
  const pids = [...running.processes, { name: 'broker', pid: brokerPid }]
  const before = pids.map((one) => cpuSeconds(one.pid))
  const startedAt = performance.now()
  for (const each of running.processes) each.signal('SIGCONT')
  await untilJourneys(running, { side, count: warm + count, status: 'COMPLETED' })
  const tookMs = performance.now() - startedAt
  const cpuMs = Object.fromEntries(
    pids.map((one, i) => [one.name, ((cpuSeconds(one.pid) - (before[i] ?? 0)) * 1_000) / count]),
  )
  return { side, journeysPerSecond: (count / tookMs) * 1_000, cpuMs }
}

async function wait(broker: BenchBroker, waiting: number, definitions: string): Promise<Waiting> {
  await using running = await startJourneys(broker, 'ebs', definitions)
  const startedAt = performance.now()
  await requestJourneys(running, { type: 'waits', count: waiting, name: 'waiting' })
  await untilJourneys(running, { side: 'ebs', count: waiting, status: 'RUNNING' })
  const journeysPerSecond = (waiting / (performance.now() - startedAt)) * 1_000
  const filled = { hubMb: hubMb(running), databaseMb: await databaseMb(running) }
  const startMs = await running.startAgain()
  return { waiting, journeysPerSecond, ...filled, startMs, startedMb: hubMb(running) }
}

type Results = {
  readonly runs: readonly Run[]
  readonly ratio: number
  readonly rates: Readonly<Record<SideName, number>>
  readonly waited: Waiting | undefined
  readonly version: string
}

function report({ runs, ratio, rates, waited, version }: Results): void {
  console.log(`\nRabbitMQ ${version}, ${queueType} queues`)
  console.log(`\njourneys/s of ${ACTIVITIES} activities from a backlog, and ms of processor time per journey`)
  for (const { side, journeysPerSecond, cpuMs } of runs)
    console.log(
      `  ${side.padEnd(6)}${journeysPerSecond.toFixed(0).padStart(6)}    ${spell({ ...cpuMs, all: sum(cpuMs) }, 2)}`,
    )
  const perActivity = (side: SideName) => (1_000 / rates[side] / ACTIVITIES).toFixed(2)
  console.log(
    `  ratio ${ratio.toFixed(2)} (aim ${RATIO_AIM}); ms per activity ${perActivity('ebs')} against ${perActivity('floor')}`,
  )
  if (!waited) return
  console.log(
    `\n${waited.waiting} journeys that wait for an answer: ${waited.journeysPerSecond.toFixed(0)} begun per second`,
  )
  console.log(
    `  hub resident ${waited.hubMb.toFixed(0)} MB (aim ${WAITING_MB_AIM}); hub.db ${waited.databaseMb.toFixed(0)} MB`,
  )
  console.log(
    `  started again: ${waited.startMs.toFixed(0)} ms (aim ${WAITING_START_MS_AIM}), ${waited.startedMb.toFixed(0)} MB`,
  )
}
