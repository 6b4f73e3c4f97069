import { designs, type LadderDesign } from './ladder-designs.ts'
import { declarePlan, type LatenessRun, measureLateness } from './lateness.ts'
import { type BenchBroker, createVhost, describeBroker } from './vhost.ts'

const ROUNDS = 2
const SECONDS = 5
const SATURATED_P99_MS = 200
/** The client itself is busy above this. */
const RATE_MAX = 4_000
const DECLARE_CHANNELS = [1, 8]

const ONE_HOP_MS = 1_000
/** 10 s + 1 s + 200 ms + 40 ms. */
const FOUR_HOPS_MS = 11_240

/** Delays from 1 s to 11.99 s in steps of 10 ms, as timers of different lengths would be; the same in every run. */
const mixed = (index: number) => 1_000 + ((index * 7_919) % 1_100) * 10

const loads = [
  { name: 'one hop, 1 s', rates: [250, 500, 1_000], delayMs: () => ONE_HOP_MS, of: [designs.chained, designs.direct] },
  {
    name: 'four hops, 11.24 s',
    rates: [100, 250, 500],
    delayMs: () => FOUR_HOPS_MS,
    of: [designs.chained, designs.direct],
  },
  {
    name: 'mixed, 1 to 12 s',
    rates: [100, 250, 500],
    delayMs: mixed,
    of: [designs.chained, designs.binary],
  },
] as const

/** Measures the designs of the delay ladder against each other; docs/decisions/delay-ladder.md holds a run. */
export async function benchLadder(broker: BenchBroker): Promise<void> {
  const { version } = await describeBroker(broker)
  console.log(`RabbitMQ ${version}, quorum rungs, ${SECONDS} s of publishing per run, lateness in ms\n`)
  for (const design of Object.values(designs)) await reportDeclaring(broker, design)

  for (const { name, rates, delayMs, of } of loads) {
    console.log(`\n${name}`)
    for (const rate of rates)
      for (let round = 1; round <= ROUNDS; round++)
        for (const design of of)
          print(design, rate, await freshRun(broker, design, { rate, seconds: SECONDS, delayMs }))
  }

  for (const { name, rates, delayMs, of } of loads) {
    console.log(`\n${name}: saturation`)
    for (const design of of) {
      let rate: number = rates[rates.length - 1] ?? 0
      let run: LatenessRun
      do {
        rate *= 1.5
        run = await freshRun(broker, design, { rate: Math.round(rate), seconds: SECONDS, delayMs })
        print(design, Math.round(rate), run)
      } while (run.p99 <= SATURATED_P99_MS && run.missing === 0 && rate < RATE_MAX)
    }
  }
}

/** Each run has a vhost of its own: what one left behind cannot slow the next one. */
async function freshRun(
  broker: BenchBroker,
  design: LadderDesign,
  load: { rate: number; seconds: number; delayMs(index: number): number },
): Promise<LatenessRun> {
  await using vhost = await createVhost(broker, 'ladder')
  await declarePlan(vhost.amqpUrl, design.plan, 8)
  return await measureLateness(vhost.amqpUrl, design, load)
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

function print(design: LadderDesign, rate: number, run: LatenessRun): void {
  const columns = [design.name.padEnd(28), `${rate}/s`.padStart(8)]
  for (const ms of [run.p50, run.p99, run.max]) columns.push(ms.toFixed(0).padStart(7))
  if (run.early > 0) columns.push(`${run.early} early, by ${run.earlyMs.toFixed(2)} ms at most`)
  if (run.missing > 0) columns.push(`${run.missing} missing`)
  console.log(columns.join(' '))
}
