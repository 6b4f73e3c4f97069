import { Writable } from 'node:stream'
import type { Bus } from '../../../shared/bus/bus.ts'
import { noRules, noWatcher } from '../../../shared/bus/rules.ts'
import { gated } from '../../../shared/bus/test/bus-fixture.ts'
import type { Body } from '../../../shared/events.ts'
import { createLog } from '../../../shared/service/log.ts'
import { silentRecorder } from '../../../shared/service/recorder.ts'
import type { JourneySimulation } from './journey-simulation.ts'
import { SimulatedHub } from './journey-simulation-hub.ts'
import type { Fault, Story } from './journey-simulation-story.ts'
import { SimulatedWorker } from './journey-simulation-worker.ts'

const HUBS_MAX = 2
/** A process that cannot go on is started again after this. */
const RESTART_MS = 1_000
const log = createLog({ service: 'simulation', level: 'silent', destination: new Writable() })

type Fuse = Extract<Fault, { what: 'fuse' }>
type Point = Fuse['point']
type Worker = 'worker-1' | 'worker-2'

/** Hubs and workers, which may be killed at any point, and are started again. */
export class Processes {
  readonly fuses: Fuse[] = []
  readonly #story: Story
  readonly #simulation: JourneySimulation
  readonly #workers = new Map<Worker, SimulatedWorker>()
  #hubs: { readonly name: string; readonly hub: SimulatedHub }[] = []
  #started = 0
  /** Until when the store takes nothing, and wake-ups are lost. */
  readonly #untilMs = { 'store out': 0, 'wake-ups lost': 0 }

  constructor(story: Story, simulation: JourneySimulation) {
    this.#story = story
    this.#simulation = simulation
  }

  /** The hub that works, or one that stands by. */
  get hub(): SimulatedHub | undefined {
    return this.#hubs[0]?.hub
  }

  async begin(): Promise<void> {
    await this.#beginHub()
    for (const name of ['worker-1', 'worker-2'] as const) await this.#beginWorker(name)
  }

  standBy(): void {
    if (this.#hubs.length < HUBS_MAX) void this.#beginHub()
  }

  trouble(what: 'store out' | 'wake-ups lost', forMs: number): void {
    this.#untilMs[what] = this.#simulation.nowMs + forMs
  }

  killAll(): void {
    for (const { hub } of this.#hubs) hub.kill()
    for (const worker of this.#workers.values()) worker.kill()
  }

  /** A process comes to a point at which a fuse may end it, or its connection, a few turns of the event loop later. */
  #burn(name: string, point: Point): void {
    const fuse = this.fuses.find((one) => this.nameOf(one.process) === name && one.point === point)
    if (!fuse || fuse.count-- > 0) return
    this.fuses.splice(this.fuses.indexOf(fuse), 1)
    this.#simulation.note('burnt', fuse)
    const go = (turns: number) => {
      if (turns > 0) setImmediate(() => go(turns - 1))
      else if (fuse.isCut) this.#simulation.stage.cut(name)
      else this.kill(fuse.process, fuse.forMs, name)
    }
    go(fuse.turns)
  }

  nameOf(process: Fuse['process']): string {
    return process === 'hub' ? (this.#hubs[0]?.name ?? '') : process
  }

  kill(process: Fuse['process'], forMs: number, name = this.nameOf(process)): void {
    if (process === 'hub') {
      const found = this.#hubs.find((one) => one.name === name)
      if (!found) return
      this.#hubs = this.#hubs.filter((one) => one !== found)
      this.#simulation.stage.cut(name)
      found.hub.kill()
      this.#simulation.in(forMs, () => this.#hubs.length === 0 && this.#beginHub())
    } else {
      const worker = this.#workers.get(process)
      if (!worker?.isAlive) return
      this.#simulation.stage.cut(process)
      worker.kill()
      this.#simulation.in(forMs, () => this.#beginWorker(process))
    }
  }

  async #beginHub(): Promise<void> {
    const name = `hub-${++this.#started}`
    const bus = await this.#bus(name, 'hub')
    const hub = new SimulatedHub({
      bus,
      store: this.#simulation.store,
      overdueMs: this.#story.overdueMs,
      isFrozenWhileParked: this.#story.isFrozenWhileParked,
      isStoreOut: () => this.#has('store out'),
      losesWakeUps: () => this.#has('wake-ups lost'),
      onMoment: (point) => this.#burn(name, point),
      onCommit: (commit) => this.#simulation.witness.take(commit),
      onFailed: (error) => {
        this.#simulation.note('a hub ends', String(error))
        this.kill('hub', RESTART_MS, name)
      },
    })
    this.#hubs.push({ name, hub })
  }

  async #beginWorker(name: Worker): Promise<void> {
    const say = (afterMs: number, id: string, body: Body) => this.#simulation.say(afterMs, id, body)
    this.#workers.set(name, new SimulatedWorker({ bus: await this.#bus(name, name), shop: this.#simulation.shop, say }))
  }

  async #bus(name: string, service: string): Promise<Bus> {
    const broker = gated(await this.#simulation.stage.connect(name), async () => this.#burn(name, 'before publish'))
    const publish = broker.publish.bind(broker)
    broker.publish = async (message) => {
      await publish(message)
      this.#burn(name, 'after publish')
    }
    const { clock } = this.#simulation.stage
    return { broker, service, clock, log, recorder: silentRecorder, rules: noRules, outcomes: noWatcher }
  }

  #has(what: 'store out' | 'wake-ups lost'): boolean {
    return this.#simulation.nowMs < this.#untilMs[what]
  }
}
