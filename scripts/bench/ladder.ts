import { parseArgs } from 'node:util'
import { designs, type LadderDesign } from './ladder-designs.ts'
import { declarePlan, type LatenessRun, measureLateness } from './lateness.ts'
import { cpuSeconds } from './processes.ts'
import { type BenchBroker, createVhost, describeBroker } from './vhost.ts'

const ROUNDS = 2
const SECONDS = 4
const SATURATED_P99_MS = 200
const DECLARE_CHANNELS = [1, 8]

const ONE_HOP_MS = 1_000
/** 10 s + 1 s + 200 ms + 40 ms. */
const FOUR_HOPS_MS = 11_240

/** Delays from 1 s to 11.99 s in steps of 10 ms, as timers of different lengths would be; the same in every run. */
const mixed = (index: number) => 1_000 + ((index * 7_919) % 1_100) * 10

const decimal = [designs.chained, designs.direct]
const loads: readonly Load[] = [
  { name: 'one hop, 1 s', rates: [250, 500, 1_000, 1_500, 2_250, 3_400], delayMs: () => ONE_HOP_MS, of: decimal },
  { name: 'four hops, 11.24 s', rates: [250, 500, 1_000, 1_500, 2_250], delayMs: () => FOUR_HOPS_MS, of: decimal },
  { name: 'mixed, 1 to 12 s', rates: [250, 500, 1_000, 1_500], delayMs: mixed, of: [...decimal, designs.binary] },
]

type Load = {
  readonly name: string
  /** Messages per second, from small to large; a design leaves when its best p99 is beyond saturation. */
  readonly rates: readonly number[]
  delayMs(index: number): number
  readonly of: readonly LadderDesign[]
}

/**
 * Measures the designs of the delay ladder against each other, in turns; docs/decisions/delay-ladder.md holds a run.
 * Arguments: `--only <start of a load's name>`, `--rounds N`.
 */
export async function benchLadder(broker: BenchBroker, args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { only: { type: 'string', default: '' }, rounds: { type: 'string', default: String(ROUNDS) } },
  })
  const { version, pid } = await describeBroker(broker)
  console.log(`RabbitMQ ${version}, quorum rungs, ${SECONDS} s of publishing per run\n`)
  for (const design of Object.values(designs)) await reportDeclaring(broker, design)

  for (const load of loads.filter(({ name }) => name.startsWith(values.only))) {
    console.log(`\n${load.name}: lateness p50, p99, max in ms; processor time of the broker per message in ms`)
    let standing = load.of
    for (const rate of load.rates) {
      const runs: { design: LadderDesign; run: LatenessRun }[] = []
      for (let round = 1; round <= Number(values.rounds); round++)
        for (const design of standing) {
          const { run, cpuMs } = await freshRun(broker, { design, rate, seconds: SECONDS, pid, delayMs: load.delayMs })
          runs.push({ design, run })
          print(design, rate, run, cpuMs)
        }
      standing = standing.filter((design) => {
        const own = runs.filter((each) => each.design === design).map(({ run }) => run.p99)
        return Math.min(...own) <= SATURATED_P99_MS
      })
    }
  }
}

/** Each run has a vhost of its own: what one left behind cannot slow the next one. */
export async function freshRun(
  broker: BenchBroker,
  { design, pid, ...load }: Parameters<typeof measureLateness>[2] & { design: LadderDesign; pid: number },
): Promise<{ run: LatenessRun; cpuMs: number }> {
  await using vhost = await createVhost(broker, 'ladder')
  await declarePlan(vhost.amqpUrl, design.plan, 8)
  const before = cpuSeconds(pid)
  const run = await measureLateness(vhost.amqpUrl, design, load)
  return { run, cpuMs: ((cpuSeconds(pid) - before) * 1_000) / (load.rate * load.seconds) }
}

async function reportDeclaring(broker: BenchBroker, design: LadderDesign): Promise<void> {
  const { exchanges, queues, bindings } = design.plan
  console.log(`${design.name}: ${exchanges.length} exchanges, ${queues.length} queues, ${bindings.length} bindings`)
  for (const channels of DECLARE_CHANNELS) {
    await using vhost = await createVhost(broker, 'declare')
    const emptyMs = await declarePlan(vhost.amqpUrl, design.plan, channels)
    const againMs = await declarePlan(vhost.amqpUrl, design.plan, channels)
    const queueMb = (await vhost.queueBytes()) / 1e6
    console.log(
      `  ${channels} channel(s): ${emptyMs.toFixed(0)} ms empty, ${againMs.toFixed(0)} ms when there; ` +
        `${queueMb.toFixed(1)} MB of queue processes`,
    )
  }
}

function print(design: LadderDesign, rate: number, run: LatenessRun, cpuMs: number): void {
  const columns = [design.name.padEnd(28), `${rate}/s`.padStart(8)]
  for (const ms of [run.p50, run.p99, run.max]) columns.push(ms.toFixed(0).padStart(7))
  columns.push(cpuMs.toFixed(2).padStart(7))
  if (run.early > 0) columns.push(`  ${run.early} early, by ${run.earlyMs.toFixed(2)} ms at most`)
  if (run.missing > 0) columns.push(`  ${run.missing} missing`)
  console.log(columns.join(' '))
}
