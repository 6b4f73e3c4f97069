import type { Received } from '../../bus/broker.ts'
import { type Event, parseEvent, toMessage } from '../../bus/envelope.ts'
import { virtualSite } from '../../bus/test/bus-fixture.ts'
import { type Body, catalogue } from '../../events.ts'
import { MemoryConversationStore } from '../../store/memory-conversations.ts'
import { queues, topologyPlan } from '../../topology.ts'
import { anyKind } from '../any-kind.ts'
import { groupKind } from '../group.ts'
import { hubKind } from '../hub-kind.ts'
import { flow } from './hub-fixture.ts'
import { endOf } from './simulation-ends.ts'
import { type Commit, type Fuse, HubProcess, type Weather } from './simulation-hub.ts'
import { type Trouble, Troubles } from './simulation-troubles.ts'

/** Something that goes wrong, `atMs` from the start of the simulation. */
export type Fault = { readonly atMs: number; readonly forMs: number } & (
  | { readonly what: 'kill' | 'kill all' | 'cut' | 'restart' | 'stop' | 'block' }
  | { readonly what: 'store out' | 'wake-ups lost' | 'another hub' }
  | { readonly what: Fuse['point']; readonly count: number }
)
export type FaultName = Fault['what']

/** What the outside sends, `atMs` from the start. */
export type Sending = { readonly atMs: number; readonly id: string; readonly body: Body }

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
  /** Conversations that had a timer when their end was heard. */
  readonly stillArmed: string[] = []
  readonly commits: Commit[] = []
  readonly troubles = new Troubles()
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

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.#processes) one.kill(Number.POSITIVE_INFINITY)
    await this.#site.clock.advance(1)
    await this.#site.site[Symbol.asyncDispose]()
  }

  #in(ms: number, run: () => void): void {
    this.#site.clock.after(ms, run)
  }

  async #listen(answer: (call: Event<'FLOW_CALLED'>) => readonly Sending[]): Promise<void> {
    const watcher = this.#site.site.connect('watcher')
    await watcher.consume('heard', { prefetch: 1_000 }, (delivery) => {
      void this.#hear(delivery.message)
      delivery.ack()
    })
    await this.#outside.consume('flow_worker_consume', { prefetch: 1_000 }, (delivery) => {
      const event = parseEvent(delivery.message)
      if ('data' in event && event.type === 'FLOW_CALLED') for (const one of answer(event)) this.send(one)
      delivery.ack()
    })
  }

  async #hear(message: Received): Promise<void> {
    const { messageId = '' } = message.properties
    const before = this.heard.get(messageId)
    if (!before) {
      this.heard.set(messageId, { atMs: this.nowMs, message })
      const end = endOf(message)
      if (end && (await this.store.reader.timersOf(end.id)).length > 0) this.stillArmed.push(end.id.key)
    } else if (textOf(before.message) !== textOf(message)) this.ambiguous.push(messageId)
  }

  #strike(fault: Fault): void {
    const { memory } = this.#site
    switch (fault.what) {
      case 'kill':
        this.#processes[0]?.kill(fault.forMs)
        break
      case 'kill all':
        for (const one of [...this.#processes]) one.kill(fault.forMs)
        break
      case 'another hub':
        if (this.#processes.length < PROCESSES_MAX) this.#startHub()
        break
      case 'cut':
        for (let n = 1; n <= this.#started; n++) memory.cut(nameOf(n))
        this.#trouble(RECONNECT_MS, true)
        break
      case 'restart':
        memory.restart()
        this.#trouble(RECONNECT_MS, true)
        break
      case 'stop':
        memory.stop()
        this.#in(fault.forMs, () => memory.start())
        this.#trouble(fault.forMs + RECONNECT_MS, true)
        break
      case 'block':
        memory.block()
        this.#in(fault.forMs, () => memory.unblock())
        this.#trouble(fault.forMs, true)
        break
      case 'store out':
        this.#weather.storeIsOut = true
        this.#in(fault.forMs, () => {
          this.#weather.storeIsOut = false
        })
        this.#trouble(fault.forMs, false)
        break
      case 'wake-ups lost':
        this.#weather.losesWakeUps = true
        this.#in(fault.forMs, () => {
          this.#weather.losesWakeUps = false
        })
        break
      default:
        this.#weather.fuses.push({ point: fault.what, count: fault.count, pauseMs: fault.forMs })
    }
  }

  #trouble(forMs: number, isOutage: boolean): Trouble {
    return this.troubles.add({ fromMs: this.nowMs, toMs: this.nowMs + forMs, isOutage })
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
      onCommit: (commit) => this.#committed(commit),
      onLost: (slotMs) => this.troubles.loseWakeUp(slotMs, this.nowMs),
      onKilled: (pauseMs) => this.#buried(process, pauseMs),
    })
    this.#processes.push(process)
    if (this.#down) this.#down.toMs = this.nowMs
    this.#down = undefined
    for (let tick = 1; tick <= TICKS; tick++) this.#in(tick * TICK_MS, () => undefined)
  }

  #committed(commit: Commit): void {
    this.commits.push(commit)
    if (!commit.isSweep) return
    for (const { body } of commit.rows) {
      const due = catalogue.TIMERS_DUE.body.safeParse(JSON.parse(body))
      if (due.success) this.troubles.riskWakeUp(due.data.slotMs)
    }
  }

  #buried(process: HubProcess, pauseMs: number): void {
    this.#processes = this.#processes.filter((one) => one !== process)
    const trouble = this.#trouble(0, false)
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
/** When something was refused for the first time is another time for each copy of it. */
const textOf = ({ key, body, properties: { type, correlationId } }: Received) =>
  JSON.stringify([key, body.toString().replace(/"firstFailedAt":"[^"]*"/, ''), type, correlationId])
