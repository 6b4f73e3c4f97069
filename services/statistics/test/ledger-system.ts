import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { z } from 'zod'
import { answerQuestions } from '../../../shared/bus/answer.ts'
import { openAsker } from '../../../shared/bus/ask.ts'
import type { Broker, Delivery } from '../../../shared/bus/broker.ts'
import { type Bus, delayed } from '../../../shared/bus/bus.ts'
import { toMessage } from '../../../shared/bus/envelope.ts'
import { newId } from '../../../shared/bus/ids.ts'
import { MemoryBroker } from '../../../shared/bus/memory-broker.ts'
import { RuleBook } from '../../../shared/bus/rule-book.ts'
import { noWatcher } from '../../../shared/bus/rules.ts'
import { VirtualClock } from '../../../shared/clock.ts'
import type { Body } from '../../../shared/events.ts'
import { startService } from '../../../shared/service/lifecycle.ts'
import { createLog } from '../../../shared/service/log.ts'
import { silentRecorder } from '../../../shared/service/recorder.ts'
import { topologyPlan } from '../../../shared/topology.ts'
import { statistics } from '../service.ts'
import { START_MS } from './history.ts'

const TURN_MS = 500
const TURNS_MAX = 400

const imbalance = z.object({ kind: z.string(), place: z.string(), count: z.number(), ids: z.array(z.string()) })
const ledgerSchema = z.looseObject({
  balanced: z.boolean(),
  imbalance: z.number(),
  imbalances: z.array(imbalance),
  unobserved: z.array(z.object({ place: z.string(), why: z.string() })),
  totals: z.array(z.looseObject({ kind: z.string(), accepted: z.number(), inFlight: z.number(), done: z.number() })),
  queues: z.array(z.looseObject({ queue: z.string(), ready: z.number(), unsettled: z.number().nullable() })),
})
const eventsSchema = z.object({ items: z.array(z.object({ type: z.string(), count: z.number() })) })

/** Statistics on a broker in memory and a clock that the test turns, and a hub that says what it is told to. Nobody else is there. */
export async function ledgerSystem() {
  const folder = mkdtempSync(join(tmpdir(), 'ebs-ledger-'))
  const clock = new VirtualClock(START_MS)
  const broker = new MemoryBroker({ clock })
  const plan = topologyPlan('quorum')
  const link = broker.connect({ service: 'others', plan })
  const log = createLog({ service: 'others', level: 'silent' })
  const about = { broker: link, service: 'others', clock, log }
  const rules = new RuleBook({ ...about, queueType: 'quorum' })
  const bus: Bus = { ...about, recorder: silentRecorder, rules, outcomes: noWatcher }
  /** While the clock is turned, everything that waits for a timer goes on. */
  const turning = async <T>(work: Promise<T>): Promise<T> => {
    let isDone = false
    const done = work.finally(() => {
      isDone = true
    })
    done.catch(() => undefined)
    for (let turn = 0; turn < TURNS_MAX && !isDone; turn++) await clock.advance(10)
    return done
  }
  await turning(link.ready())

  const hub = { isThere: true, open: new Set<string>() }
  const answering = await turning(
    answerQuestions(bus, {
      queue: 'hub_ask',
      answer: ({ data }) =>
        data.type === 'STANDING_ASKED' && hub.isThere
          ? { type: 'STANDING_TOLD', kind: data.kind, open: data.ids.filter((id) => hub.open.has(id)), ended: [] }
          : undefined,
    }),
  )
  const asker = await turning(openAsker(bus))
  const env = {
    ...{ EBS_STATISTICS_PORT: '0', EBS_DATA_DIR: folder },
    ...{ EBS_LEDGER_SETTLE_MS: '2000', EBS_LEDGER_EVERY_MS: '500' },
  }
  const warnings: string[] = []
  const start = (more: { readonly inspect?: Broker['inspect'] }) =>
    turning(
      startService(statistics, {
        env,
        clock,
        log: createLog({
          service: 'statistics',
          level: 'warn',
          destination: { write: (line) => void warnings.push(line) },
        }),
        connect: (options) => Object.assign(broker.connect(options), more),
      }),
    )
  type Process = Awaited<ReturnType<typeof start>>
  const running = new Set<Process>()
  const get = async (path: string) => {
    const [first] = running
    return (await first?.http.inject({ method: 'GET', url: path }))?.payload ?? ''
  }
  const ledger = async () => ledgerSchema.parse(JSON.parse(await get('/api/ledger')))
  const stop = async (process: Process) => {
    running.delete(process)
    await turning(process.stop())
  }
  onTestFinished(async () => {
    for (const process of [...running]) await stop(process)
    await turning(Promise.all([answering.stop(1_000), asker.stop(), rules.stop()]))
    await turning(link.close())
    rmSync(folder, { recursive: true })
  })

  return {
    clock,
    hub,
    get,
    ledger,
    /** What the processes have logged as a warning, or worse. */
    warnings,
    /** One more process on the same file. */
    async start(more: { readonly inspect?: Broker['inspect'] } = {}) {
      const process = await start(more)
      running.add(process)
      return process
    },
    stop,
    async say(...bodies: readonly Body[]) {
      for (const body of bodies) {
        const id = newId(clock.now())
        const sending = { id, service: 'others', correlationId: id, atMs: clock.now(), tenant: 'acme' }
        await turning(link.publish(toMessage(body, sending)))
      }
    },
    /** Puts a message into a queue past every exchange, as it would lie there. */
    async put(queue: string, body: Body) {
      const id = newId(clock.now())
      const message = toMessage(body, { id, service: 'others', correlationId: id, atMs: clock.now(), tenant: 'acme' })
      await turning(link.publish({ ...message, exchange: '', key: queue, mandatory: true }))
    },
    /** Leaves a wake-up of the hub on the ladder. */
    async wakeLater(delayMs: number) {
      const id = newId(clock.now())
      const about = { id, service: 'hub', correlationId: id, atMs: clock.now() }
      const wakeUp = toMessage({ type: 'TIMERS_DUE', slotMs: clock.now() + delayMs }, about)
      await turning(link.publish({ ...delayed(wakeUp, delayMs, 'hub_consume'), mandatory: true }))
    },
    /** Takes what a queue has, and never gives it back nor says that it is done. */
    async hang(queue: string) {
      await turning(link.consume(queue, { prefetch: 500 }, () => undefined))
    },
    /** Takes so many messages off a queue, for good, or holds them as long as the test runs. */
    async take(queue: string, count: number, { isHeld = false } = {}) {
      const taken: Delivery[] = []
      const consumer = await turning(link.consume(queue, { prefetch: count }, (delivery) => taken.push(delivery)))
      await turning(consumer.cancel())
      for (const delivery of taken.slice(0, count)) if (!isHeld) delivery.ack()
      return taken.length
    },
    /** How often each event was counted. */
    async events() {
      const { items } = eventsSchema.parse(JSON.parse(await get('/api/events?limit=1000')))
      return Object.fromEntries(items.map(({ type, count }) => [type, count]))
    },
    ask: (body: Body) => turning(asker.ask('statistics_ask', body, { withinMs: 2_000 })),
    /** Several settling times. */
    settle: () => clock.advance(20 * TURN_MS),
  }
}
