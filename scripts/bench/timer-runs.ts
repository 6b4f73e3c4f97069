import { catalogue } from '../../shared/events.ts'
import { openBusClient } from './bus-client.ts'
import { afterMs, paced } from './lateness.ts'
import { cpuSeconds, residentMb } from './processes.ts'
import { type Spread, spreadOf } from './quantile.ts'
import { hubProgram, startServices } from './services.ts'
import type { BenchBroker } from './vhost.ts'

/** A run that is this late has collapsed. */
const OVERDUE_MS_MAX = 20_000
const MS_PER_S = 1_000

export type TimerLoad = {
  /** Timers armed per second. */
  readonly rate: number
  readonly seconds: number
  readonly delayMs: number
}

export type TimerRun = {
  /** Lateness in ms by the hub's own clock: `resolved` - `created` - ttl. */
  readonly fired: Spread
  /** The same when the event is heard: with the commit, the publish and the way of the broker. */
  readonly heard: Spread
  /** From just before the publish of the Create until the event is heard, less the ttl: what the ladder's figures count too. */
  readonly whole: Spread
  /** Timers that fired before they were due. */
  readonly early: number
  /** Timers that did not fire. */
  readonly lost: number
  /** Timers that fired twice. */
  readonly repeated: number
  /** Milliseconds of processor time per timer, armed and fired. */
  readonly cpuMs: { readonly hub: number; readonly broker: number }
  readonly hubMb: number
}

/**
 * Opens groups that nobody completes, at an even rate, where only the hub runs, and says how late they fail. `statistics` hears
 * nothing: it would only fill.
 */
export async function measureTimers(broker: BenchBroker, brokerPid: number, load: TimerLoad): Promise<TimerRun> {
  await using running = await startServices(broker, { purpose: 'timers', programs: [hubProgram], deaf: ['statistics'] })
  await using client = await openBusClient(running.amqpUrl)
  const total = Math.round(load.rate * load.seconds)
  const publishedAt = new Float64Array(total)
  const fired: number[] = []
  const heard: number[] = []
  const whole: number[] = []
  const seen = new Set<number>()
  let repeated = 0
  const over = new AbortController()
  const { key, body } = catalogue.EventGroupCollectorFailure
  await client.hear([key], body, ({ id, created, resolved }) => {
    const nowMs = wallMs()
    const index = Number(id)
    if (seen.has(index)) repeated++
    seen.add(index)
    const dueMs = Date.parse(created) + load.delayMs
    fired.push(Date.parse(resolved) - dueMs)
    heard.push(nowMs - dueMs)
    whole.push(nowMs - (publishedAt[index] ?? Number.NaN) - load.delayMs)
    if (seen.size === total) over.abort()
  })

  const hubPid = running.processes[0]?.pid ?? 0
  const before = { hub: cpuSeconds(hubPid), broker: cpuSeconds(brokerPid) }
  await paced(load.rate, total, (index) => {
    publishedAt[index] = wallMs()
    client.publish({
      type: 'EventGroupCollectorCreate',
      id: String(index),
      expected: ['x'],
      ttl: load.delayMs / MS_PER_S,
    })
  })
  await client.confirmed()
  if (!over.signal.aborted) await afterMs(load.delayMs + OVERDUE_MS_MAX, over.signal)
  const cpuMs = (pid: number, since: number) => ((cpuSeconds(pid) - since) * MS_PER_S) / total
  return {
    fired: spreadOf(fired),
    heard: spreadOf(heard),
    whole: spreadOf(whole),
    early: fired.filter((ms) => ms < 0).length,
    lost: total - seen.size,
    repeated,
    cpuMs: { hub: cpuMs(hubPid, before.hub), broker: cpuMs(brokerPid, before.broker) },
    hubMb: residentMb(hubPid),
  }
}

/** Ms since 1970 with fractions: the hub's clock is on the same machine. */
const wallMs = () => performance.timeOrigin + performance.now()
