import { watchStatistics } from './floor/watch.ts'
import { publishBacklog, publishPaced } from './objects.ts'
import { cpuSeconds, residentMb } from './processes.ts'
import { quantile } from './quantile.ts'
import type { Running } from './services.ts'
import { type SideName, startSide } from './sides.ts'
import type { BenchBroker } from './vhost.ts'

const TASKS_PER_OBJECT = 3
/** A tenth of what the flow carries: what it takes when nothing waits. */
const LATENCY_RATE = 50
const LATENCY_SECONDS = 10
const RUN_MS_MAX = 180_000

export type Throughput = {
  readonly side: SideName
  readonly objectsPerSecond: number
  /** Milliseconds of processor time per object, by process, `broker` among them. */
  readonly cpuMsPerObject: Readonly<Record<string, number>>
}

/** Objects per second from a backlog, until statistics has stored the last finished task. */
export async function measureThroughput(options: {
  readonly broker: BenchBroker
  readonly side: SideName
  readonly brokerPid: number
  readonly objects: number
}): Promise<Throughput> {
  await using running = await startSide(options.broker, options.side)
  return { side: options.side, ...(await takeBacklog(running, { ...options, until: untilFinished })) }
}

/**
 * Has running services take a backlog of objects. They are up and held (SIGSTOP) while the backlog is made, so that neither
 * start-up nor its skew is measured.
 */
export async function takeBacklog(
  running: Running,
  options: {
    readonly brokerPid: number
    readonly objects: number
    /** Resolves when all is done. */
    readonly until: (running: Running, objects: number) => Promise<void>
  },
): Promise<Omit<Throughput, 'side'>> {
  const { objects } = options
  for (const each of running.processes) each.signal('SIGSTOP')
  await publishBacklog(running.amqpUrl, objects)

  const pids = [...running.processes, { name: 'broker', pid: options.brokerPid }]
  const before = pids.map(({ pid }) => cpuSeconds(pid))
  const startedAt = performance.now()
  for (const each of running.processes) each.signal('SIGCONT')
  await options.until(running, objects)
  const tookMs = performance.now() - startedAt
  return {
    objectsPerSecond: (objects / tookMs) * 1_000,
    cpuMsPerObject: Object.fromEntries(
      pids.map(({ name, pid }, i) => [name, ((cpuSeconds(pid) - (before[i] ?? 0)) * 1_000) / objects]),
    ),
  }
}

export type Latency = { readonly side: SideName; readonly p50: number; readonly p95: number; readonly p99: number }

/** Milliseconds from the publish of an object until statistics has stored its last finished task, on a system that is not busy. */
export async function measureLatency(broker: BenchBroker, side: SideName): Promise<Latency> {
  await using running = await startSide(broker, side)
  const sentAt = new Map<string, number>()
  const tookMs: number[] = []
  const count = LATENCY_RATE * LATENCY_SECONDS
  const watching = watchStatistics(running.dataDir, { pollMs: 1, timeoutMs: RUN_MS_MAX }, (look) => {
    const now = performance.now()
    for (const [id, at] of sentAt) {
      if (look.finishedTasksOf(id) < TASKS_PER_OBJECT) continue
      sentAt.delete(id)
      tookMs.push(now - at)
    }
    return tookMs.length === count
  })
  const publishing = publishPaced(running.amqpUrl, { rate: LATENCY_RATE, count }, (id) =>
    sentAt.set(id, performance.now()),
  )
  await Promise.all([watching, publishing])
  return { side, p50: quantile(tookMs, 0.5), p95: quantile(tookMs, 0.95), p99: quantile(tookMs, 0.99) }
}

export type Memory = {
  readonly side: SideName
  readonly events: number
  /** By service: when it is ready, and after the events. */
  readonly startMb: Readonly<Record<string, number>>
  readonly residentMb: Readonly<Record<string, number>>
}

/** Resident memory of each service after so many objects. */
export async function measureMemory(broker: BenchBroker, side: SideName, objects: number): Promise<Memory> {
  await using running = await startSide(broker, side)
  const resident = () => Object.fromEntries(running.processes.map(({ name, pid }) => [name, residentMb(pid)]))
  const startMb = resident()
  await publishBacklog(running.amqpUrl, objects)
  await untilFinished(running, objects)
  return { side, events: objects * (1 + 3 * TASKS_PER_OBJECT), startMb, residentMb: resident() }
}

/** Milliseconds from nothing, the topology not yet declared, until all services consume. */
export async function measureStart(broker: BenchBroker, side: SideName): Promise<number> {
  if (side === 'floor') return Number.NaN // It declares nothing itself.
  await using running = await startSide(broker, side, { empty: true })
  return running.readyMs
}

/** Every 10 ms, so that looking costs the services nothing. */
export const untilFinished = (running: Running, objects: number) =>
  watchStatistics(
    running.dataDir,
    { pollMs: 10, timeoutMs: RUN_MS_MAX },
    (look) => look.finishedTasks() === objects * TASKS_PER_OBJECT,
  )

/** The end of an object where a hub runs: its completion is counted. */
export const untilCompleted = (running: Running, objects: number) =>
  watchStatistics(running.dataDir, { pollMs: 10, timeoutMs: RUN_MS_MAX }, (look) => look.completedObjects() === objects)
