import { parseArgs } from 'node:util'
import { queueType } from './config.ts'
import { printJsonLine } from './json-line.ts'
import { countOpen, databaseMb, hubMb, openGroups, smallLatency, smallThroughput } from './open-group-runs.ts'
import { median, type Spread, spreadOf } from './quantile.ts'
import { hubProgram, type Running, startServices } from './services.ts'
import { type BenchBroker, describeBroker } from './vhost.ts'

const OPEN = 100_000
const SMALL = 2_000
const LATENCY_RATE = 20
const LATENCY_SECONDS = 10
const ROUNDS = 2
const HUB_MB_AIM = 300
const sides = ['empty', 'full'] as const
type SideName = (typeof sides)[number]

type Round = {
  readonly side: SideName
  readonly latencyMs: readonly number[]
  readonly groupsPerSecond: number
}
type Start = { readonly side: SideName; readonly startMs: number; readonly openAfter: number; readonly hubMb: number }
type Opening = { readonly groupsPerSecond: number; readonly hubMb: number; readonly databaseMb: number }

/**
 * What open groups cost that nothing happens in: two hubs, one of them with many open groups, and how both take small groups, in turns;
 * then how both start again. Arguments: `--json`, `--open N`, `--groups N` (small ones, of a backlog), `--rounds N`.
 */
export async function benchOpenGroups(broker: BenchBroker, args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean', default: false },
      open: { type: 'string', default: String(OPEN) },
      groups: { type: 'string', default: String(SMALL) },
      rounds: { type: 'string', default: String(ROUNDS) },
    },
  })
  const open = Number(values.open)
  const count = Number(values.groups)
  const say = (line: string) => (values.json ? undefined : console.error(line))
  const { version } = await describeBroker(broker)
  // `statistics` hears nothing: it would only fill.
  await using empty = await startServices(broker, {
    purpose: 'none-open',
    programs: [hubProgram],
    deaf: ['statistics'],
  })
  await using full = await startServices(broker, { purpose: 'open', programs: [hubProgram], deaf: ['statistics'] })
  const hubs: Readonly<Record<SideName, Running>> = { empty, full }
  say('both hubs warm up')
  for (const side of sides) await smallThroughput(hubs[side], { name: 'warm-up', count })
  const idleMb = hubMb(full)

  say(`${open} groups open in one of them`)
  const groupsPerSecond = await openGroups(full, open)
  const opening = { groupsPerSecond, hubMb: hubMb(full), databaseMb: await databaseMb(full) }
  const rounds: Round[] = []
  for (let round = 1; round <= Number(values.rounds); round++)
    for (const side of sides) {
      say(`round ${round}: small groups, ${side}`)
      rounds.push(await smallRound(hubs[side], side, { round, count }))
    }
  const busyMb = { empty: hubMb(empty), full: hubMb(full) }
  const starts: Start[] = []
  for (const side of sides) {
    say(`${side} starts again`)
    const startMs = await hubs[side].startAgain()
    starts.push({ side, startMs, openAfter: countOpen(hubs[side]), hubMb: hubMb(hubs[side]) })
  }
  const results = { open, idleMb, opening, sides: sides.map((side) => resultOf(side, rounds)), busyMb, starts }
  if (values.json) printJsonLine({ ...results, aimMb: HUB_MB_AIM, broker: `RabbitMQ ${version}`, queueType })
  else report(results, version)
}

async function smallRound(hub: Running, side: SideName, about: { round: number; count: number }): Promise<Round> {
  const count = LATENCY_RATE * LATENCY_SECONDS
  return {
    side,
    latencyMs: await smallLatency(hub, { name: `paced-${about.round}`, count, rate: LATENCY_RATE }),
    groupsPerSecond: await smallThroughput(hub, { name: `backlog-${about.round}`, count: about.count }),
  }
}

type Result = { readonly side: SideName; readonly latencyMs: Spread; readonly groupsPerSecond: number }
type Results = {
  readonly open: number
  /** MB resident: before the groups were opened, and after the small groups. */
  readonly idleMb: number
  readonly busyMb: Readonly<Record<SideName, number>>
  readonly opening: Opening
  readonly sides: readonly Result[]
  readonly starts: readonly Start[]
}

function resultOf(side: SideName, rounds: readonly Round[]): Result {
  const own = rounds.filter((round) => round.side === side)
  return {
    side,
    latencyMs: spreadOf(own.flatMap(({ latencyMs }) => latencyMs)),
    groupsPerSecond: median(own.map((round) => round.groupsPerSecond)),
  }
}

function report({ open, idleMb, busyMb, opening, sides, starts }: Results, version: string): void {
  console.log(`\nRabbitMQ ${version}, ${queueType} queues`)
  console.log(`\n${open} groups opened: ${opening.groupsPerSecond.toFixed(0)} per second`)
  console.log(
    `  hub resident ${idleMb.toFixed(0)} MB before, ${opening.hubMb.toFixed(0)} after, ${busyMb.full.toFixed(0)} after ` +
      `small groups (aim ${HUB_MB_AIM}; ${busyMb.empty.toFixed(0)} without open groups); hub.db ${opening.databaseMb.toFixed(0)} MB`,
  )
  console.log('\na group of three: Create to Success in ms (p50, p95, p99, max), and groups/s from a backlog')
  for (const { side, latencyMs, groupsPerSecond } of sides) {
    const { p50, p95, p99, max } = latencyMs
    const columns = [p50, p95, p99, max].map((ms) => ms.toFixed(1).padStart(8)).join('')
    console.log(`  ${side.padEnd(6)}${columns}    ${groupsPerSecond.toFixed(0).padStart(6)}`)
  }
  console.log('\nstarted again')
  for (const { side, startMs, openAfter, hubMb } of starts)
    console.log(`  ${side.padEnd(6)}${startMs.toFixed(0).padStart(6)} ms, ${openAfter} open, ${hubMb.toFixed(0)} MB`)
}
