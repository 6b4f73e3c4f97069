import { parseArgs } from 'node:util'
import { type FlowTimes, measureBare, measureCalls, type PerLoad } from './call-runs.ts'
import { queueType } from './config.ts'
import { printJsonLine } from './json-line.ts'
import { quantile, type Spread, spreadOf } from './quantile.ts'
import { type BenchBroker, describeBroker } from './vhost.ts'

const COUNT = 300
const RATE = 20
const SECONDS = 15
const ROUNDS = 2
const TIMES_AIM = 3
const loads = ['alone', 'evenly'] as const

/**
 * The round trip of a call through hub and worker against a bare request and its answer, in turns: one at a time, then evenly.
 * Arguments: `--json`, `--count N`, `--rate N` (1/s), `--seconds N`, `--rounds N`.
 */
export async function benchCalls(broker: BenchBroker, args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean', default: false },
      count: { type: 'string', default: String(COUNT) },
      rate: { type: 'string', default: String(RATE) },
      seconds: { type: 'string', default: String(SECONDS) },
      rounds: { type: 'string', default: String(ROUNDS) },
    },
  })
  const load = { count: Number(values.count), rate: Number(values.rate), seconds: Number(values.seconds) }
  const say = (line: string) => (values.json ? undefined : console.error(line))
  const { version } = await describeBroker(broker)
  const bare: PerLoad<readonly number[]>[] = []
  const ebs: PerLoad<FlowTimes>[] = []
  for (let round = 1; round <= Number(values.rounds); round++) {
    say(`round ${round}: bare requests`)
    bare.push(await measureBare(broker, load))
    say(`round ${round}: flows of two calls through hub and worker`)
    ebs.push(await measureCalls(broker, load))
  }
  const results = loads.map((name) => {
    const rounds = ebs.map((round) => round[name])
    return resultOf(
      name,
      bare.flatMap((round) => round[name]),
      rounds,
    )
  })
  if (values.json) {
    printJsonLine({ ...load, results, aim: TIMES_AIM, broker: `RabbitMQ ${version}`, queueType })
    return
  }
  console.log(`\nRabbitMQ ${version}, ${queueType} queues, ms: p50, p95, p99`)
  for (const result of results) report(result, load.rate)
}

type Result = ReturnType<typeof resultOf>

function resultOf(load: (typeof loads)[number], bareMs: readonly number[], rounds: readonly FlowTimes[]) {
  const of = (name: 'flowMs' | 'callMs' | 'withoutBackendMs') => spreadOf(rounds.flatMap((round) => round[name]))
  const bare = spreadOf(bareMs)
  const [flow, call, withoutBackend] = [of('flowMs'), of('callMs'), of('withoutBackendMs')]
  const steps = rounds.flatMap((round) => round.steps)
  return {
    load,
    bare,
    flow,
    call,
    withoutBackend,
    /** Medians: how many bare round trips a call takes. */
    times: call.p50 / bare.p50,
    timesWithoutBackend: withoutBackend.p50 / bare.p50,
    stepP50: Object.fromEntries(
      [...new Set(steps.map(([step]) => step))].map((step) => [
        step,
        quantile(
          steps.flatMap(([name, ms]) => (name === step ? [ms] : [])),
          0.5,
        ),
      ]),
    ),
  }
}

function report({ load, bare, flow, call, withoutBackend, times, timesWithoutBackend, stepP50 }: Result, rate: number) {
  console.log(load === 'alone' ? '\none at a time' : `\n${rate} evenly per second`)
  line('bare request and answer: 2 messages', bare)
  line('call until the hub has gone on: 4 messages', call)
  line("  without the worker's own backend: 2 messages", withoutBackend)
  line('flow: request, two calls, reply', flow)
  console.log(
    `  call ${times.toFixed(2)} x the bare round trip (aim ${TIMES_AIM}); without the backend ${timesWithoutBackend.toFixed(2)} x`,
  )
  console.log('  p50 from one event to the next, as heard')
  for (const [step, ms] of Object.entries(stepP50)) console.log(`    ${step.padEnd(52)}${ms.toFixed(2).padStart(8)}`)
}

const line = (what: string, { p50, p95, p99 }: Spread) =>
  console.log(`  ${what.padEnd(48)}${[p50, p95, p99].map((ms) => ms.toFixed(2).padStart(9)).join('')}`)
