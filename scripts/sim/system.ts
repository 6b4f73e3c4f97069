import type { Broker, Received } from '../../shared/bus/broker.ts'
import { MemoryBroker } from '../../shared/bus/memory-broker.ts'
import type { VirtualClock } from '../../shared/clock.ts'
import type { Http } from '../../shared/service/http.ts'
import { createLog, type Logger } from '../../shared/service/log.ts'
import { type Plan, topologyPlan } from '../../shared/topology.ts'
import type { Fault, Point } from './fault-plan.ts'
import { launchers } from './launchers.ts'
import { MortalFiles } from './mortal-files.ts'
import { Outages } from './outages.ts'
import { SimProcess } from './process.ts'
import { Random } from './random.ts'
import type { Place, Role, Story } from './story.ts'
import type { Trace } from './trace.ts'

export const START_MS = Date.UTC(2026, 0, 1)
export const HEARD = 'heard'
/** A process that cannot go on is started again after this, as a supervisor does. */
const RESTART_MS = 1_000
/** While something is on its way, time passes in steps as small as these. */
const BUSY_STEP_MS = 20
const QUIET_STEP_MS = 250

type Standing = { readonly place: Place; process: SimProcess | undefined }
type Crash = Extract<Fault, { what: 'crash' | 'lost confirm' }>
type Trouble = Exclude<Fault, { what: 'crash' | 'lost confirm' | 'kill' | 'cut' | 'broker restart' }>

/** All services in this process, over one broker and one disk, and what strikes them. */
export class System implements Disposable {
  readonly clock: VirtualClock
  readonly memory: MemoryBroker
  readonly files = new MortalFiles()
  readonly trace: Trace
  /** Every queue that anybody has declared. */
  readonly queues = new Set<string>()
  /** How often each sort of fault was struck, and felt by somebody. */
  readonly struck = new Map<string, number>()
  /** Of the broker, and of whoever hears what ends a conversation. */
  readonly outages = new Outages()
  readonly surprises: string[] = []
  readonly outside: Broker
  readonly root: string
  readonly #random: Random
  readonly #log: Logger
  readonly #standing = new Map<string, Standing>()
  readonly #fuses: { fault: Crash; left: number }[] = []
  readonly #felt = new Set<Trouble>()
  readonly #troubles: { readonly fault: Trouble; readonly untilMs: number }[] = []

  constructor(story: Story, { clock, trace, root }: { clock: VirtualClock; trace: Trace; root: string }) {
    this.clock = clock
    this.trace = trace
    this.root = root
    this.#random = new Random(story.seed, 'strikes')
    this.memory = new MemoryBroker({ clock })
    const destination = { write: (line: string) => trace.remark(line.trimEnd()) }
    this.#log = createLog({ service: 'sim', level: trace.isKept ? 'warn' : 'silent', destination })
    this.outside = this.memory.connect({ service: 'outside', plan: outsidePlan })
    this.#declared(outsidePlan)
    for (const place of story.places) {
      this.#standing.set(place.name, { place, process: undefined })
      this.#begin(place.name)
    }
  }

  get nowMs(): number {
    return this.clock.now()
  }

  in(ms: number, run: () => unknown): void {
    this.clock.after(ms, () => void run())
  }

  wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.clock.after(ms, resolve))
  }

  /** A living process of this role that takes requests. */
  find(
    role: Role,
    isFit: (process: SimProcess) => boolean = () => true,
  ): { process: SimProcess; http: () => Promise<Http> } | undefined {
    for (const { place, process } of this.#standing.values())
      if (place.role === role && process?.isAlive && process.http && isFit(process))
        return { process, http: process.http }
    return undefined
  }

  async pass(ms: number): Promise<void> {
    const endMs = this.nowMs + ms
    while (this.nowMs < endMs) {
      const stepMs = this.memory.isIdle() ? QUIET_STEP_MS : BUSY_STEP_MS
      await this.clock.advance(Math.min(stepMs, endMs - this.nowMs))
    }
  }

  strike(fault: Fault): void {
    this.trace.note('fault', JSON.stringify(fault))
    switch (fault.what) {
      case 'crash':
      case 'lost confirm':
        this.#fuses.push({ fault, left: fault.count })
        break
      case 'kill':
        if (this.#kill(fault.place, fault.forMs)) this.#count(fault.what)
        break
      case 'cut':
        if (this.#standing.get(fault.place)?.process?.isAlive) this.#count(fault.what)
        this.memory.cut(fault.place)
        this.outages.add(this.nowMs, 0)
        break
      case 'broker restart':
        this.#count(fault.what)
        this.memory.restart()
        this.outages.add(this.nowMs, 0)
        break
      case 'broker away':
        this.#feel(fault)
        this.memory.stop()
        this.#lasts(fault, () => this.memory.start())
        break
      case 'memory alarm':
        this.#feel(fault)
        this.memory.block()
        this.#lasts(fault, () => this.memory.unblock())
        break
      default:
        this.#lasts(fault, () => undefined)
    }
  }

  /** Nothing goes wrong any more; who is dead comes back by itself. */
  calm(): void {
    this.#fuses.splice(0)
    // Of a wake-up that was lost somebody learns only later: these are lost as long as was planned.
    this.#troubles.splice(0, Infinity, ...this.#troubles.filter(({ fault }) => fault.what === 'wake-ups lost'))
    this.memory.start()
    this.memory.unblock()
  }

  /** Everybody is there. */
  get isWhole(): boolean {
    return [...this.#standing.values()].every(({ process }) => process?.isAlive && process.http)
  }

  [Symbol.dispose](): void {
    for (const { process } of this.#standing.values()) process?.kill()
    this.outside.close(0).catch(() => undefined)
    this.files[Symbol.dispose]()
  }

  #begin(name: string): void {
    const standing = this.#standing.get(name)
    if (!standing || standing.process?.isAlive) return
    const { role, env } = standing.place
    this.trace.note('begins', name)
    standing.process = new SimProcess({
      ...{ name, env, launcher: launchers[role], clock: this.clock, log: this.#log },
      ...{ memory: this.memory, files: this.files, root: this.root },
      latenessMs: () => {
        const late = this.#trouble('timers late', name)
        return late ? this.#random.int(0, this.#feel(late).lateMsMax) : 0
      },
      isStoreOut: () => {
        const out = this.#trouble('store out', name)
        return out !== undefined && this.#feel(out) === out
      },
      onPoint: (point) => this.#reach(name, point),
      onFailed: (error) => {
        this.trace.remark(`${name} failed: ${error instanceof Error ? error.stack : error}`)
        this.trace.note('failed', name)
        this.#kill(name, RESTART_MS)
      },
      around: {
        onDeclared: (plan) => this.#declared(plan),
        onPublish: ({ exchange, key, properties }) => {
          this.trace.note(`${name} publishes`, `${exchange} ${key} ${properties.messageId}`)
          this.#reach(name, 'publish')
        },
        onDelivery: (queue, message, handOn, drop) => this.#deliver(queue, message, handOn, drop),
      },
    })
  }

  /** Whether there was somebody to kill. */
  #kill(name: string, forMs: number): boolean {
    const { place, process } = this.#standing.get(name) ?? {}
    if (!process?.isAlive) return false
    this.trace.note('dies', name)
    process.kill()
    if (place?.role === 'hub') this.outages.add(this.nowMs, forMs)
    this.in(forMs, () => this.#begin(name))
    return true
  }

  /** A process comes to a point at which a fuse may end it, or its connection. */
  #reach(name: string, point: Point | 'publish'): void {
    if (point === 'before commit') this.trace.note('commits', name)
    const fuse = this.#fuses.find(
      ({ fault }) => fault.place === name && (fault.what === 'crash' ? fault.point : 'publish') === point,
    )
    if (!fuse || --fuse.left > 0) return
    this.#fuses.splice(this.#fuses.indexOf(fuse), 1)
    const { fault } = fuse
    this.#count(fault.what === 'crash' ? `crash ${fault.point}` : fault.what)
    // The message is stored in the next turn, and confirmed in the one after that.
    if (fault.what === 'lost confirm') setImmediate(() => this.memory.cut(name))
    else this.#kill(name, fault.forMs)
  }

  #deliver(queue: string, message: Received, handOn: () => void, drop: () => void): void {
    const { properties } = message
    this.trace.note(queue, `${properties.type} ${properties.messageId}`)
    const lost = properties.type === 'TIMERS_DUE' && this.#trouble('wake-ups lost')
    if (lost) {
      this.#feel(lost)
      drop()
      return
    }
    const duplicates = this.#trouble('duplicates')
    if (duplicates && this.#random.chance(duplicates.share)) {
      this.#feel(duplicates)
      this.#copy(queue, message)
    }
    const delays = this.#trouble('delays')
    if (delays && this.#random.chance(delays.share)) this.in(this.#random.int(1, this.#feel(delays).delayMsMax), handOn)
    else handOn()
  }

  /** As its publisher sends it again who has not heard its confirm. */
  #copy(queue: string, { body, properties }: Received): void {
    // Questions are answered for whoever still listens; a copy proves nothing.
    if (properties.replyTo !== undefined || properties.messageId === undefined) return
    const headers = Object.fromEntries(
      Object.entries(properties.headers).flatMap(([name, value]) =>
        typeof value === 'object' || name === 'x-delivery-count' || value === undefined || value === null
          ? []
          : [[name, typeof value === 'string' || typeof value === 'number' ? value : Boolean(value)]],
      ),
    )
    this.trace.note('copies', `${queue} ${properties.messageId}`)
    this.outside
      .publish({ exchange: '', key: queue, body, properties: { ...properties, headers } })
      .catch((error: unknown) => this.trace.remark(`no copy: ${error}`))
  }

  #lasts(fault: Trouble, end: () => void): void {
    this.#troubles.push({ fault, untilMs: this.nowMs + fault.forMs })
    if (this.#isOutage(fault))
      this.outages.add(this.nowMs, fault.forMs + (fault.what === 'delays' ? fault.delayMsMax : 0))
    this.in(fault.forMs, end)
  }

  /** Whether what was said may be heard late for it. */
  #isOutage(fault: Trouble): boolean {
    if (fault.what === 'store out') return this.#standing.get(fault.place)?.place.role === 'hub'
    return fault.what === 'broker away' || fault.what === 'memory alarm' || fault.what === 'delays'
  }

  #trouble<W extends Trouble['what']>(what: W, place?: string): Extract<Trouble, { what: W }> | undefined {
    for (const { fault, untilMs } of this.#troubles)
      if (isOf(fault, what) && this.nowMs < untilMs && (!('place' in fault) || fault.place === place)) return fault
    return undefined
  }

  #declared(plan: Plan): void {
    for (const { name } of plan.queues) this.queues.add(name)
  }

  /** Somebody notices it: it counts, once. */
  #feel<F extends Trouble>(fault: F): F {
    if (this.#felt.has(fault)) return fault
    this.#felt.add(fault)
    this.#count(fault.what)
    return fault
  }

  #count(what: string): void {
    this.struck.set(what, (this.struck.get(what) ?? 0) + 1)
  }
}

const isOf = <W extends Trouble['what']>(fault: Trouble, what: W): fault is Extract<Trouble, { what: W }> =>
  fault.what === what

const base = topologyPlan('quorum')
/** The outside hears everything that crosses the exchange. */
const outsidePlan: Plan = {
  ...base,
  queues: [...base.queues, { name: HEARD, arguments: { 'x-queue-type': 'quorum' } }],
  bindings: [...base.bindings, { source: 'ebs', destination: HEARD, to: 'queue', key: '#' }],
}
