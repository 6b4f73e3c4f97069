import type { Message, Received } from '../../bus/broker.ts'
import { type Event, parseEvent, toMessage } from '../../bus/envelope.ts'
import { virtualSite } from '../../bus/test/bus-fixture.ts'
import type { Body } from '../../events.ts'
import { MemoryConversationStore } from '../../store/memory-conversations.ts'
import { queues, topologyPlan } from '../../topology.ts'
import { anyKind } from '../any-kind.ts'
import { groupKind } from '../group.ts'
import { hubKind } from '../hub-kind.ts'
import { flow } from './hub-fixture.ts'
import { type Commit, type Fuse, HubProcess, type Weather } from './simulation-hub.ts'

/** Something that goes wrong, `atMs` from the start of the simulation. */
export type Fault = { readonly atMs: number; readonly forMs: number } & (
  | { readonly what: 'kill' | 'kill all' | 'cut' | 'restart' | 'stop' | 'block' }
  | { readonly what: 'store out' | 'wake-ups lost' | 'another hub' }
  | { readonly what: Fuse['point']; readonly count: number }
)
export type FaultName = Fault['what']

/** A time in which no hub works, or not as it should. */
type Trouble = { readonly fromMs: number; toMs: number }

/** What the outside sends, `atMs` from the start. */
export type Sending = { readonly atMs: number; readonly id: string; readonly body: Body }

/** Within it everything has connected again, and what was held is tried again. */
const RECOVERY_MS = 1_500
/** A lost wake-up waits for the next sweep. */
const SWEPT_MS = 61_000
/** A timer may be so late when nothing is wrong, and so long may what it says take to be heard. */
const PUNCTUAL_MS = 50
const RECONNECT_MS = 100
const PROCESSES_MAX = 2
/** While a hub works through what has piled up, time passes in steps as small as these. */
const TICK_MS = 5
const TICKS = 30

const small = topologyPlan('quorum', {
  withLadder: true,
  queues: { hub_consume: queues.hub_consume, flow_worker_consume: queues.flow_worker_consume },
})
const plan = {
  ...small,
  queues: [...small.queues, { name: 'heard', arguments: { 'x-queue-type': 'quorum' } }],
  bindings: [...small.bindings, { source: 'ebs', destination: 'heard', to: 'queue' as const, key: '#' }],
}
const kinds = [anyKind(groupKind), anyKind(hubKind(flow))]

export type Heard = { readonly atMs: number; readonly message: Received }

/** Broker, store, clock and processes of a hub, to which things happen. */
export class Simulation {
  readonly startMs: number
  /** By message id, as consumers take them; the first time counts. */
  readonly heard = new Map<string, Heard>()
  /** Ids under which something else came later. */
  readonly ambiguous: string[] = []
  readonly commits: Commit[] = []
  readonly troubles: Trouble[] = []
  /** Of wake-ups that were lost. */
  readonly lostSlots = new Set<number>()
  readonly store = new MemoryConversationStore()
  readonly #site = virtualSite(plan)
  readonly #outside = this.#site.site.connect('outside')
  readonly #weather: Weather = { storeIsOut: false, losesWakeUps: false, fuses: [] }
  #processes: HubProcess[] = []
  #started = 0
  #down: Trouble | undefined

  constructor() {
    this.startMs = this.nowMs
  }

  /** `answer` is what a worker says to a call. */
  static async start(answer: (call: Event<'FLOW_CALLED'>) => readonly Sending[]): Promise<Simulation> {
    const simulation = new Simulation()
    await simulation.#listen(answer)
    simulation.#startHub()
    return simulation
  }

  get nowMs(): number {
    return this.#site.clock.now()
  }

  /** Lets everything happen that is to happen, and time pass until the end. */
  async run(sendings: readonly Sending[], faults: readonly Fault[], forMs: number): Promise<void> {
    for (const sending of sendings) this.send(sending)
    for (const fault of faults) this.#in(fault.atMs, () => this.#strike(fault))
    await this.#site.clock.advance(forMs)
  }

  /** Sends in `atMs` from now. */
  send({ atMs, id, body }: Sending): void {
    this.#in(atMs, () => {
      const message = toMessage(body, { id, service: 'outside', correlationId: id, atMs: this.nowMs })
      void this.#outside.publish(message)
    })
  }

  depth(queue: string): number {
    return this.#site.memory.depth(queue)
  }

  /** What lies in a queue. */
  async take(queue: string): Promise<readonly Received[]> {
    const taken: Received[] = []
    await this.#outside.consume(queue, { prefetch: 1_000 }, ({ message }) => void taken.push(message))
    await this.#site.clock.advance(RECONNECT_MS)
    return taken
  }

  /** When something that falls due then must have happened at the latest. */
  latestFor(dueMs: number): number {
    const withoutLoss = this.#calmFrom(dueMs)
    return this.lostSlots.has(Math.ceil(dueMs / 10) * 10) ? this.#firstCalm(dueMs, SWEPT_MS) : withoutLoss
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.#processes) one.kill(Number.POSITIVE_INFINITY)
    await this.#site.clock.advance(1)
    await this.#site.site[Symbol.asyncDispose]()
  }

  #calmFrom(dueMs: number): number {
    const isTroubled = this.troubles.some((one) => one.fromMs <= dueMs + PUNCTUAL_MS && one.toMs >= dueMs - RECOVERY_MS)
    return isTroubled ? this.#firstCalm(dueMs, RECOVERY_MS) : dueMs + PUNCTUAL_MS
  }

  /** The end of the first time of this length, from then on, in which nothing went wrong. */
  #firstCalm(sinceMs: number, lengthMs: number): number {
    let fromMs = sinceMs
    for (const { fromMs: beginMs, toMs } of this.troubles.toSorted((a, b) => a.fromMs - b.fromMs))
      if (beginMs <= fromMs + lengthMs && toMs >= fromMs) fromMs = toMs + 1
    return fromMs + lengthMs
  }

  #in(ms: number, run: () => void): void {
    this.#site.clock.after(ms, run)
  }

  async #listen(answer: (call: Event<'FLOW_CALLED'>) => readonly Sending[]): Promise<void> {
    const watcher = this.#site.site.connect('watcher')
    await watcher.consume('heard', { prefetch: 1_000 }, (delivery) => {
      this.#hear(delivery.message)
      delivery.ack()
    })
    await this.#outside.consume('flow_worker_consume', { prefetch: 1_000 }, (delivery) => {
      const event = parseEvent(delivery.message)
      if ('data' in event && event.type === 'FLOW_CALLED') for (const one of answer(event)) this.send(one)
      delivery.ack()
    })
  }

  #hear(message: Received): void {
    const { messageId = '' } = message.properties
    const before = this.heard.get(messageId)
    if (!before) this.heard.set(messageId, { atMs: this.nowMs, message })
    else if (textOf(before.message) !== textOf(message)) this.ambiguous.push(messageId)
  }

  #strike(fault: Fault): void {
    const { memory } = this.#site
    switch (fault.what) {
      case 'kill':
        this.#processes[0]?.kill(fault.forMs)
        return
      case 'kill all':
        for (const one of [...this.#processes]) one.kill(fault.forMs)
        return
      case 'another hub':
        if (this.#processes.length < PROCESSES_MAX) this.#startHub()
        return
      case 'cut':
        for (let n = 1; n <= this.#started; n++) memory.cut(nameOf(n))
        return this.#trouble(RECONNECT_MS)
      case 'restart':
        memory.restart()
        return this.#trouble(RECONNECT_MS)
      case 'stop':
        memory.stop()
        return this.#trouble(fault.forMs + RECONNECT_MS, { afterMs: fault.forMs, run: () => memory.start() })
      case 'block':
        memory.block()
        return this.#trouble(fault.forMs, { afterMs: fault.forMs, run: () => memory.unblock() })
      case 'store out':
        this.#weather.storeIsOut = true
        return this.#trouble(fault.forMs, {
          afterMs: fault.forMs,
          run: () => {
            this.#weather.storeIsOut = false
          },
        })
      case 'wake-ups lost':
        this.#weather.losesWakeUps = true
        this.#in(fault.forMs, () => {
          this.#weather.losesWakeUps = false
        })
        return
      default:
        this.#weather.fuses.push({ point: fault.what, count: fault.count, pauseMs: fault.forMs })
    }
  }

  #trouble(forMs: number, end?: { readonly afterMs: number; readonly run: () => void }): void {
    this.troubles.push({ fromMs: this.nowMs, toMs: this.nowMs + forMs })
    if (end) this.#in(end.afterMs, end.run)
  }

  #startHub(): void {
    this.#started += 1
    const service = nameOf(this.#started)
    const process: HubProcess = new HubProcess({
      bus: { ...this.#site.site.bus(this.#site.site.connect(service)), service: 'hub' },
      store: this.store,
      kinds,
      weather: this.#weather,
      cut: () => this.#site.memory.cut(service),
      onCommit: (commit) => void this.commits.push(commit),
      onLost: (slotMs) => void this.lostSlots.add(slotMs),
      onKilled: (pauseMs) => this.#buried(process, pauseMs),
    })
    this.#processes.push(process)
    if (this.#down) this.#down.toMs = this.nowMs
    this.#down = undefined
    for (let tick = 1; tick <= TICKS; tick++) this.#in(tick * TICK_MS, () => undefined)
  }

  #buried(process: HubProcess, pauseMs: number): void {
    this.#processes = this.#processes.filter((one) => one !== process)
    const trouble = { fromMs: this.nowMs, toMs: this.nowMs }
    this.troubles.push(trouble)
    if (this.#processes.length === 0) {
      trouble.toMs = Number.POSITIVE_INFINITY
      this.#down = trouble
    }
    if (pauseMs === Number.POSITIVE_INFINITY) return
    this.#in(pauseMs, () => {
      if (this.#processes.length < PROCESSES_MAX) this.#startHub()
    })
  }
}

const nameOf = (n: number) => `hub-${n}`
const textOf = ({ key, body, properties }: Pick<Message, 'key' | 'body' | 'properties'>) =>
  JSON.stringify([key, body.toString(), properties])
