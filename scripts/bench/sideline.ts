import { parseArgs } from 'node:util'
import { parkingQueueOf, replayQueueOf } from '../../shared/topology.ts'
import { queueType } from './config.ts'
import { printJsonLine } from './json-line.ts'
import { moveBare } from './mover.ts'
import type { Spread } from './quantile.ts'
import { openSidelineSite, type SidelineSite } from './sideline-site.ts'
import { type BenchBroker, describeBroker } from './vhost.ts'

const QUEUE = 'process_consume'
const RULE = 'bench'
const PARKED = 'parked'
const OTHERS = ['b', 'c']
const FILTER = `event.task.tenant == "${PARKED}"`
const RATE = 90
const SECONDS = 10
const BACKLOG = 6_000
const MOVED = 20_000
const REPLAYED = 100_000

type Sizes = { readonly backlog: number; readonly moved: number; readonly replayed: number; readonly seconds: number }

/**
 * What sidelines cost: the other tenants while one of three is parked; how fast messages are parked and replayed, against a bare mover;
 * and live messages during a replay. Arguments: `--json`, `--replayed N`, `--moved N`, `--backlog N`, `--seconds N`.
 */
export async function benchSideline(broker: BenchBroker, args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean', default: false },
      backlog: { type: 'string', default: String(BACKLOG) },
      moved: { type: 'string', default: String(MOVED) },
      replayed: { type: 'string', default: String(REPLAYED) },
      seconds: { type: 'string', default: String(SECONDS) },
    },
  })
  const sizes: Sizes = {
    backlog: Number(values.backlog),
    moved: Number(values.moved),
    replayed: Number(values.replayed),
    seconds: Number(values.seconds),
  }
  const say = (line: string) => (values.json ? undefined : console.error(line))
  const { version } = await describeBroker(broker)
  say('the other tenants, without and with a rule')
  const others = await measureOthers(broker, sizes)
  say(`parking and replaying ${sizes.moved} messages, and a bare mover`)
  const moved = await measureMoving(broker, sizes)
  say(`live messages during a replay of ${sizes.replayed}`)
  const beside = await measureBeside(broker, sizes)
  const result = { ...others, ...moved, ...beside }
  if (values.json) printJsonLine({ ...sizes, ...result, broker: `RabbitMQ ${version}`, queueType })
  else report(result, version)
}

/** Latency and throughput of two tenants of three, before and while the third is parked. */
async function measureOthers(broker: BenchBroker, { backlog, seconds }: Sizes) {
  await using site = await openSidelineSite(broker)
  const load = { rate: RATE, total: RATE * seconds, watched: OTHERS }
  const tenants = [PARKED, ...OTHERS]
  await site.load(tenants, { ...load, total: RATE })
  const before = await site.load(tenants, load)
  const beforePerS = await throughput(site, tenants, backlog)
  await site.start(RULE, FILTER)
  const during = await site.load(tenants, load)
  const duringPerS = await throughput(site, tenants, backlog)
  return { others: { before, during, beforePerS, duringPerS } }
}

/** Tasks of the others per second out of a backlog of all three. */
async function throughput(site: SidelineSite, tenants: readonly string[], backlog: number): Promise<number> {
  const done = () => OTHERS.reduce((sum, tenant) => sum + site.finished(tenant), 0)
  const count = Math.floor(backlog / tenants.length) * OTHERS.length
  const goal = done() + count
  await site.preload(tenants, backlog)
  const tookMs = await site.run(() => done() >= goal)
  await site.until(async () => (await site.depth(QUEUE)) === 0)
  return (count * 1_000) / tookMs
}

/** Messages per second: parked, sent back, handled again; and moved by a bare program. */
async function measureMoving(broker: BenchBroker, { moved }: Sizes) {
  await using site = await openSidelineSite(broker)
  const perS = (tookMs: number) => (moved * 1_000) / tookMs
  await moveBare(site.amqpUrl, queueType, Math.ceil(moved / 10))
  const bareBefore = perS(await moveBare(site.amqpUrl, queueType, moved))
  await site.start(RULE, FILTER)
  await site.preload([PARKED], moved)
  const parking = parkingQueueOf(RULE, QUEUE)
  const parkedPerS = perS(await site.run(async () => (await site.depth(parking)) === moved))
  // The hub has heard of each, too, and is done with that.
  await site.until(async () => (await site.depth('hub_consume')) === 0)
  const startMs = performance.now()
  let sentMs = 0
  const sent = site
    .until(async () => site.finished(PARKED) > 0 && (await site.depth(parking)) === 0)
    .then(() => {
      sentMs = performance.now() - startMs
    })
  await site.until(async () => (await site.depth(replayQueueOf(QUEUE))) >= 0)
  const closed = site.resolve(RULE)
  await sent
  await site.until(() => site.finished(PARKED) >= moved)
  const handledMs = performance.now() - startMs
  await closed
  const barePerS = (bareBefore + perS(await moveBare(site.amqpUrl, queueType, moved))) / 2
  return { moved: { barePerS, parkedPerS, sentPerS: perS(sentMs), handledPerS: perS(handledMs) } }
}

/** Latency of live messages on an idle system, and during a replay. */
async function measureBeside(broker: BenchBroker, { replayed, seconds }: Sizes) {
  await using site = await openSidelineSite(broker)
  await site.start(RULE, FILTER)
  await site.preload([PARKED], replayed)
  await site.run(async () => (await site.depth(parkingQueueOf(RULE, QUEUE))) === replayed)
  await site.until(async () => (await site.depth('hub_consume')) === 0)
  const load = { rate: RATE, total: RATE * seconds, watched: OTHERS }
  await site.load(OTHERS, { ...load, total: RATE })
  const idle = await site.load(OTHERS, load)
  let isOver = false
  const startMs = performance.now()
  const resolved = site.resolve(RULE).then(() => {
    isOver = true
  })
  const during: Spread[] = []
  while (!isOver) during.push(await site.load(OTHERS, load))
  await resolved
  return { beside: { idle, during, replayPerS: (replayed * 1_000) / (performance.now() - startMs) } }
}

type Result = Awaited<ReturnType<typeof measureOthers>> &
  Awaited<ReturnType<typeof measureMoving>> &
  Awaited<ReturnType<typeof measureBeside>>

function report({ others, moved, beside }: Result, version: string): void {
  const ms = ({ p50, p99, max }: Spread) => `p50 ${p50.toFixed(1)}, p99 ${p99.toFixed(1)}, max ${max.toFixed(1)} ms`
  console.log(`\nRabbitMQ ${version}, ${queueType} queues`)
  console.log(`\nthe other tenants without a rule   ${ms(others.before)}; ${others.beforePerS.toFixed(0)} tasks/s`)
  console.log(`  while the third is parked        ${ms(others.during)}; ${others.duringPerS.toFixed(0)} tasks/s`)
  console.log(
    `  ratio                            p99 ${(others.during.p99 / others.before.p99).toFixed(2)}, ` +
      `tasks/s ${(others.duringPerS / others.beforePerS).toFixed(2)} (aim: within 10 %)`,
  )
  const ratio = (perS: number) => `${perS.toFixed(0)}/s, ${(perS / moved.barePerS).toFixed(2)} x`
  console.log(`\nbare mover                         ${moved.barePerS.toFixed(0)}/s`)
  console.log(`parked                             ${ratio(moved.parkedPerS)} (aim 0.5)`)
  console.log(`replay: sent to their queue        ${ratio(moved.sentPerS)} (aim 0.4)`)
  console.log(`replay: handled                    ${ratio(moved.handledPerS)}`)
  console.log(`\nlive, idle                         ${ms(beside.idle)}`)
  for (const spread of beside.during) console.log(`live, during the replay            ${ms(spread)}`)
  const worst = Math.max(...beside.during.map(({ p99 }) => p99))
  console.log(
    `  worst p99 / idle p99             ${(worst / beside.idle.p99).toFixed(2)} (aim 2); replay ${beside.replayPerS.toFixed(0)}/s`,
  )
}
