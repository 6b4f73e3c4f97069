import { parseArgs } from 'node:util'
import { queueType } from './config.ts'
import { printJsonLine } from './json-line.ts'
import { freshRun } from './ladder.ts'
import { designs } from './ladder-designs.ts'
import type { LatenessRun } from './lateness.ts'
import { median } from './quantile.ts'
import { measureTimers, type TimerRun } from './timer-runs.ts'
import { type BenchBroker, describeBroker } from './vhost.ts'

const RATE = 1_000
const SECONDS = 60
const DELAY_S = 10
const ROUNDS = 1
const BEHIND_MS_AIM = 50
const MS_PER_S = 1_000

type Round = { readonly ladder: LatenessRun; readonly ladderCpuMs: number; readonly hub: TimerRun }

/**
 * How late the hub's timers fire, against bare messages through the delay ladder at the same rate and delay, in turns.
 * Arguments: `--json`, `--rate N` (1/s), `--seconds N`, `--delay N` (s), `--rounds N`.
 */
export async function benchTimers(broker: BenchBroker, args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean', default: false },
      rate: { type: 'string', default: String(RATE) },
      seconds: { type: 'string', default: String(SECONDS) },
      delay: { type: 'string', default: String(DELAY_S) },
      rounds: { type: 'string', default: String(ROUNDS) },
    },
  })
  const load = {
    rate: Number(values.rate),
    seconds: Number(values.seconds),
    delayMs: Number(values.delay) * MS_PER_S,
  }
  const say = (line: string) => (values.json ? undefined : console.error(line))
  const { version, pid } = await describeBroker(broker)
  const rounds: Round[] = []
  for (let round = 1; round <= Number(values.rounds); round++) {
    say(`round ${round}: ${load.rate} bare messages/s through the ladder for ${load.seconds} s`)
    const { run: ladder, cpuMs: ladderCpuMs } = await freshRun(broker, {
      ...load,
      design: designs.chained,
      pid,
      delayMs: () => load.delayMs,
    })
    say(`round ${round}: ${load.rate} timers/s of the hub for ${load.seconds} s`)
    rounds.push({ ladder, ladderCpuMs, hub: await measureTimers(broker, pid, load) })
  }
  report(rounds, { json: values.json, version, load })
}

function report(
  rounds: readonly Round[],
  { json, version, load }: { readonly json: boolean; readonly version: string; readonly load: object },
): void {
  const behind = (of: 'fired' | 'heard' | 'whole') => median(rounds.map(({ ladder, hub }) => hub[of].p99 - ladder.p99))
  const p99BehindMs = { fired: behind('fired'), heard: behind('heard'), whole: behind('whole') }
  if (json) {
    printJsonLine({ ...load, p99BehindMs, aimMs: BEHIND_MS_AIM, rounds, broker: `RabbitMQ ${version}`, queueType })
    return
  }
  console.log(`\nRabbitMQ ${version}, ${queueType} queues, ${JSON.stringify(load)}`)
  console.log('\nlateness in ms: p50, p99, max')
  for (const { ladder, ladderCpuMs, hub } of rounds) {
    line('ladder', ladder, `broker ${ladderCpuMs.toFixed(2)} ms of processor time per message`)
    line('hub, by its own clock', hub.fired, `early ${hub.early}, lost ${hub.lost}, repeated ${hub.repeated}`)
    line('hub, when heard', hub.heard, `hub ${hub.cpuMs.hub.toFixed(2)}, broker ${hub.cpuMs.broker.toFixed(2)} ms`)
    line('hub, since the Create', hub.whole, `hub resident ${hub.hubMb.toFixed(0)} MB`)
    if (ladder.early + ladder.missing > 0) console.log(`  ladder: ${ladder.early} early, ${ladder.missing} missing`)
  }
  const { fired, heard, whole } = p99BehindMs
  console.log(
    `\np99 behind the ladder: fired ${fired.toFixed(1)}, heard ${heard.toFixed(1)}, since the Create ${whole.toFixed(1)} ms ` +
      `(aim ${BEHIND_MS_AIM})`,
  )
}

const line = (what: string, run: Pick<LatenessRun, 'p50' | 'p99' | 'max'>, rest: string) =>
  console.log(
    `  ${what.padEnd(22)}${[run.p50, run.p99, run.max].map((ms) => ms.toFixed(1).padStart(9)).join('')}   ${rest}`,
  )
