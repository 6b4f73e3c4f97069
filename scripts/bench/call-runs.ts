import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { openBusClient } from './bus-client.ts'
import { type CallTimes, callTimesOf, stepsOf, type Trace } from './call-trace.ts'
import { paced } from './lateness.ts'
import { ebsProgram, floorProgram, hubProgram, startServices } from './services.ts'
import type { BenchBroker } from './vhost.ts'

/** So many first ones are not counted: the compiler of V8 is still at work. */
const WARM_UP = 100
const ANSWER_MS_MAX = 30_000

export type CallLoad = {
  /** Asked one after another. */
  readonly count: number
  /** Then asked evenly, 1/s, for so long. */
  readonly rate: number
  readonly seconds: number
}
/** The same under both loads. */
export type PerLoad<T> = { readonly alone: T; readonly evenly: T }

export type FlowTimes = CallTimes & {
  /** From the publish of FLOW_REQUESTED until FLOW_SUCCEEDED is heard: two calls. */
  readonly flowMs: readonly number[]
  readonly steps: readonly (readonly [step: string, ms: number])[]
}

/** Flows of length 1 through hub and processor: each is two calls, one after the other. `statistics` hears nothing. */
export async function measureCalls(broker: BenchBroker, load: CallLoad): Promise<PerLoad<FlowTimes>> {
  const programs = [hubProgram, ebsProgram('processor', 'flow_worker_consume')]
  await using running = await startServices(broker, { purpose: 'calls', programs, deaf: ['statistics'] })
  await using client = await openBusClient(running.amqpUrl)
  const waiting = new Map<string, { trace: { type: string; atMs: number }[]; done: () => void }>()
  await client.hear(['flows.#', 'flow-worker', 'flow-backend'], flowEvent, ({ type, flowId }) => {
    const flow = waiting.get(flowId)
    flow?.trace.push({ type, atMs: performance.now() })
    if (type === 'FLOW_SUCCEEDED' || type === 'FLOW_FAILED') flow?.done()
  })
  const ask = async (): Promise<Trace> => {
    const flowId = randomUUID()
    const trace = [{ type: 'published', atMs: performance.now() }]
    await answerTo((done) => {
      waiting.set(flowId, { trace, done })
      client.publish({ type: 'FLOW_REQUESTED', flowId, length: 1, mode: 'sequential' })
    })
    waiting.delete(flowId)
    if (trace.at(-1)?.type === 'FLOW_FAILED') throw new Error(`The flow ${flowId} failed.`)
    return trace
  }
  // Awaited here, or what it talks to would be ended first.
  return await runLoads(load, ask, timesOf)
}

const flowEvent = z.object({ type: z.string(), flowId: z.string() })

function timesOf(traces: readonly Trace[]): FlowTimes {
  const calls = traces.map(callTimesOf)
  return {
    flowMs: traces.map(tookMs),
    callMs: calls.flatMap(({ callMs }) => callMs),
    withoutBackendMs: calls.flatMap(({ withoutBackendMs }) => withoutBackendMs),
    steps: traces.flatMap(stepsOf),
  }
}

/**
 * The bare round trip: a persistent request, confirmed, through the exchange to a durable queue of the measured type; a process of its
 * own answers the same way to another such queue and acks once its answer is confirmed; the answer is acked too.
 */
export async function measureBare(broker: BenchBroker, load: CallLoad): Promise<PerLoad<readonly number[]>> {
  await using running = await startServices(broker, {
    purpose: 'bare-calls',
    programs: [floorProgram('answerer', 'bare_requests')],
    bare: [
      { queue: 'bare_requests', key: 'bare.requests' },
      { queue: 'bare_answers', key: 'bare.answers' },
    ],
  })
  await using client = await openBusClient(running.amqpUrl)
  const waiting = new Map<string, () => void>()
  await client.consume('bare_answers', z.object({ id: z.string() }), ({ id }) => waiting.get(id)?.())
  const ask = async (): Promise<Trace> => {
    const id = randomUUID()
    const askedAtMs = performance.now()
    await answerTo((done) => {
      waiting.set(id, done)
      client.send('bare.requests', { type: 'BARE_REQUEST', id })
    })
    waiting.delete(id)
    return [
      { type: 'published', atMs: askedAtMs },
      { type: 'answered', atMs: performance.now() },
    ]
  }
  return await runLoads(load, ask, (traces) => traces.map(tookMs))
}

/** Resolves when `ask` calls back; rejects when it does not. */
async function answerTo(ask: (done: () => void) => void): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  try {
    await new Promise<void>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`There was no answer within ${ANSWER_MS_MAX} ms.`)), ANSWER_MS_MAX)
      ask(resolve)
    })
  } finally {
    clearTimeout(timer)
  }
}

async function runLoads<T>(
  { count, rate, seconds }: CallLoad,
  ask: () => Promise<Trace>,
  summary: (traces: readonly Trace[]) => T,
): Promise<PerLoad<T>> {
  for (let i = 0; i < WARM_UP; i++) await ask()
  const alone: Trace[] = []
  for (let i = 0; i < count; i++) alone.push(await ask())
  const asked: Promise<Trace>[] = []
  await paced(rate, rate * seconds, () => asked.push(ask()))
  return { alone: summary(alone), evenly: summary(await Promise.all(asked)) }
}

const tookMs = (trace: Trace) => (trace.at(-1)?.atMs ?? Number.NaN) - (trace[0]?.atMs ?? Number.NaN)
