import type { Latency, Memory, Throughput } from './flow-runs.ts'
import { printJsonLine } from './json-line.ts'
import { median } from './quantile.ts'
import { type SideName, sideNames } from './sides.ts'

type Results = {
  readonly json: boolean
  readonly version: string
  readonly queueType: string
  readonly throughput: readonly Throughput[]
  readonly latency: readonly Latency[]
  readonly memory: readonly Memory[]
  readonly start: readonly number[]
}

/** Prints what was measured: a table for people, or one line of JSON. */
export function reportFlow(results: Results): void {
  const rateOf = (side: SideName) =>
    median(results.throughput.filter((run) => run.side === side).map((run) => run.objectsPerSecond))
  const latencyOf = (side: SideName) => results.latency.find((run) => run.side === side)
  const objectsPerSecond = rateOf('ebs')
  const floorObjectsPerSecond = rateOf('floor')
  const ratio = objectsPerSecond / floorObjectsPerSecond
  const cpuRatio = sum(cpuOf(results.throughput, 'floor')) / sum(cpuOf(results.throughput, 'ebs'))
  const ebs = latencyOf('ebs')
  const floor = latencyOf('floor')

  if (results.json) {
    const line = {
      objectsPerSecond,
      floorObjectsPerSecond,
      ratio,
      cpuRatio,
      latencyMs: ebs && { p50: ebs.p50, p95: ebs.p95, p99: ebs.p99 },
      floorLatencyMs: floor && { p50: floor.p50, p95: floor.p95, p99: floor.p99 },
      latencyRatio: ebs && floor && ebs.p50 / floor.p50,
      memoryMb: results.memory[0]?.residentMb,
      memoryEvents: results.memory[0]?.events,
      startMs: results.start[0],
      cpuMsPerObject: Object.fromEntries(sideNames.map((side) => [side, cpuOf(results.throughput, side)])),
      runs: results.throughput.map((run) => ({ side: run.side, objectsPerSecond: run.objectsPerSecond })),
      broker: `RabbitMQ ${results.version}`,
      queueType: results.queueType,
    }
    printJsonLine(line)
    return
  }
  console.log(`\nRabbitMQ ${results.version}, ${results.queueType} queues`)
  console.log('\nobjects/s from a backlog, and ms of processor time per object')
  for (const { side, objectsPerSecond: rate, cpuMsPerObject } of results.throughput)
    console.log(
      `  ${side.padEnd(6)}${rate.toFixed(0).padStart(6)}    ${spell({ ...cpuMsPerObject, all: sum(cpuMsPerObject) }, 2)}`,
    )
  console.log(
    `  ratio ${ratio.toFixed(2)}; by processor time, which a busy machine distorts less, ${cpuRatio.toFixed(2)}`,
  )
  console.log('\nlatency in ms, publish of an object to its last finished task in statistics (p50, p95, p99)')
  for (const { side, p50, p95, p99 } of results.latency)
    console.log(`  ${side.padEnd(6)}${[p50, p95, p99].map((ms) => ms.toFixed(1).padStart(8)).join('')}`)
  for (const { side, events, startMb, residentMb } of results.memory)
    console.log(
      `\nMB resident, ${side}\n  when ready: ${spell(startMb, 0)}\n  after ${events} events: ${spell(residentMb, 0)}`,
    )
  for (const ms of results.start) if (ms) console.log(`\nall services ready after ${ms.toFixed(0)} ms`)
}

export const sum = (values: Readonly<Record<string, number>>) => Object.values(values).reduce((a, b) => a + b, 0)

export const spell = (values: Readonly<Record<string, number>>, digits: number) =>
  Object.entries(values)
    .map(([name, value]) => `${name} ${value.toFixed(digits)}`)
    .join('   ')

function cpuOf(runs: readonly Throughput[], side: SideName): Record<string, number> {
  const own = runs.filter((run) => run.side === side).map((run) => run.cpuMsPerObject)
  const names = Object.keys(own[0] ?? {})
  return Object.fromEntries(names.map((name) => [name, median(own.map((run) => run[name] ?? Number.NaN))]))
}
