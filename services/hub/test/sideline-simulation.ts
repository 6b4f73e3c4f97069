import { Writable } from 'node:stream'
import { type Broker, ClosedError, type Received } from '../../../shared/bus/broker.ts'
import type { Bus } from '../../../shared/bus/bus.ts'
import { toMessage } from '../../../shared/bus/envelope.ts'
import { noRules, noWatcher } from '../../../shared/bus/rules.ts'
import type { Body } from '../../../shared/events.ts'
import { type ReplayState, replayState } from '../../../shared/flow/replay-state.ts'
import { type SidelineState, sidelineState } from '../../../shared/flow/sideline-state.ts'
import { createLog } from '../../../shared/service/log.ts'
import { silentRecorder } from '../../../shared/service/recorder.ts'
import type { Conversation } from '../../../shared/store/conversations.ts'
import { MemoryHubStore } from '../../../shared/store/memory-hub-store.ts'
import { MemoryStore } from '../../../shared/store/memory-store.ts'
import { deadQueueOf, parkingQueueOf } from '../../../shared/topology.ts'
import { type Process, SimulatedKeeper, SimulatedProcessor } from './sideline-simulation-consumers.ts'
import { SimulatedHub } from './sideline-simulation-hub.ts'
import { bodyOf, Ledger, rules, type Sending, TASKS } from './sideline-simulation-ledger.ts'
import type { Stage } from './sideline-simulation-stage.ts'
import type { Act, Fault, ServiceName } from './sideline-simulation-story.ts'

type Fuse = Extract<Fault, { what: 'fuse' }>

const BY = { actor: 'ann', reason: 'a simulation' }
const log = createLog({ service: 'simulation', level: 'silent', destination: new Writable() })

/** A hub, consumers, an operator and the outside, to whom things happen. */
export class SidelineSimulation {
  readonly ledger: Ledger
  readonly store = new MemoryHubStore()
  readonly #stage: Stage
  readonly #outside: Broker
  readonly #inbox = new MemoryStore()
  readonly #processes = new Map<ServiceName, Process>()
  #hub: SimulatedHub | undefined
  readonly #states = new Map<string, { readonly version: number; readonly state: SidelineState }>()
  /** Acts that failed otherwise than because the hub was killed. */
  readonly surprises: string[] = []
  /** What has happened, for whoever has to understand it. */
  readonly trace: string[] = []
  #lastCommand = 0
  readonly #fuses: Fuse[] = []

  private constructor(stage: Stage, outside: Broker) {
    this.#stage = stage
    this.#outside = outside
    this.ledger = new Ledger({ stateOf: (id) => this.stateOf(id) })
  }

  static async start(stage: Stage): Promise<SidelineSimulation> {
    const simulation = new SidelineSimulation(stage, await stage.connect('outside'))
    for (const service of ['hub', 'processor-1', 'processor-2', 'keeper'] as const) await simulation.#begin(service)
    simulation.store.onEnqueued(() => simulation.ledger.look())
    return simulation
  }

  /** Sends in so many ms, and so on. */
  send(sending: Sending): void {
    this.#in(sending.atMs, () => {
      const sent = this.ledger.send(sending)
      this.#publish(bodyOf(sent), sent.id, sent.tenant)
    })
  }

  act(atMs: number, act: Act): void {
    this.#in(atMs, () => {
      this.#note('act', act)
      this.#act(act).catch((error: unknown) => {
        if (!(error instanceof ClosedError)) this.surprises.push(`${JSON.stringify(act)}: ${String(error)}`)
      })
    })
  }

  strike(atMs: number, fault: Fault): void {
    this.#in(atMs, () => {
      this.#note('fault', fault)
      void this.#strike(fault)
    })
  }

  /** Nothing goes wrong any more. */
  calm(): void {
    this.#fuses.splice(0)
    this.ledger.broken.clear()
  }

  /** Tells a rule something, as the API does; does nothing while no hub is there. */
  async command(command: Omit<Body<'SIDELINE_COMMAND'>, 'type' | 'actor' | 'reason'>): Promise<void> {
    if (!this.#hub?.isAlive) return
    await this.#hub.operations.tell({ type: 'SIDELINE_COMMAND', ...BY, ...command })
  }

  async commandJob(id: string, action: 'pause' | 'resume' | 'cancel'): Promise<void> {
    if (!this.#hub?.isAlive) return
    await this.#hub.operations.tell({ type: 'REPLAY_COMMAND', id, action, ...BY })
  }

  stateOf(rule: string): SidelineState | undefined {
    const found = this.#find('sideline', rule)
    if (!found) return undefined
    const known = this.#states.get(rule)
    if (known?.version === found.version) return known.state
    const state = sidelineState.parse(JSON.parse(found.state))
    this.#states.set(rule, { version: found.version, state })
    this.#note('rule', {
      rule,
      status: found.status,
      phase: state.phase,
      wait: state.wait?.for,
      job: state.job?.id,
      missing: state.missing,
    })
    return state
  }

  /** Newest first. */
  jobs(isOpen?: boolean): readonly ReplayState[] {
    const { reader } = this.store
    const page = reader.listConversations({ kind: 'replay', isOpen }, { limit: 1_000 })
    return 'items' in page ? page.items.map(({ state }) => replayState.parse(JSON.parse(state))) : []
  }

  async depth(queue: string): Promise<number> {
    return (await this.#outside.inspect(queue))?.messages ?? 0
  }

  /** What lies in a queue, which stays there. */
  async look(queue: string): Promise<readonly Received[]> {
    const browse = await this.#outside.browse(queue)
    const found: Received[] = []
    for await (const { message } of browse ?? []) found.push(message)
    await browse?.close()
    return found
  }

  /** Whether a queue is there. */
  async has(queue: string): Promise<boolean> {
    return (await this.#outside.inspect(queue)) !== undefined
  }

  pass(ms: number): Promise<void> {
    return this.#stage.pass(ms)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#hub?.kill()
    for (const one of this.#processes.values()) one.kill()
    await this.pass(1)
    await this.#stage[Symbol.asyncDispose]()
  }

  get #nowMs() {
    return this.#stage.clock.now()
  }

  #in(ms: number, run: () => void): void {
    this.#stage.clock.after(ms, run)
  }

  #note(what: string, about: object): void {
    this.trace.push(`${this.#nowMs % 100_000_000} ${what} ${JSON.stringify(about)}`)
  }

  #find(kind: string, key: string): Conversation | undefined {
    const found = this.store.reader.findConversation({ kind, key })
    return found instanceof Promise ? undefined : found
  }

  async #act(act: Act): Promise<void> {
    switch (act.what) {
      case 'break':
        this.ledger.broken.add(act.tenant)
        this.#in(act.forMs, () => this.ledger.broken.delete(act.tenant))
        break
      case 'job': {
        const job = this.jobs()[act.nth]
        if (job) await this.commandJob(job.id, act.action)
        break
      }
      case 'dead': {
        if (!this.#hub?.isAlive) return
        const filter = { place: deadQueueOf(TASKS), tenant: act.tenant }
        const request = { filter, act: act.act, by: BY, pacing: act.pacing, force: false, dryRun: false }
        await this.#hub.operations.replays.request(request)
        break
      }
      default:
        await this.#commandRule(act)
    }
  }

  async #commandRule(act: Extract<Act, { rule: number }>): Promise<void> {
    const rule = rules[act.rule] ?? rules[0]
    const { id, filter, queues } = rule
    const expiresInMs = act.what === 'start' ? act.expiresInMs : undefined
    const command =
      act.what === 'start'
        ? {
            ...{ action: act.what, id, filter, queues: [...queues] },
            ...(expiresInMs !== undefined && { expiresAt: new Date(this.#nowMs + expiresInMs).toISOString() }),
            ...(act.probeMs !== undefined && { probeMs: act.probeMs }),
          }
        : { action: act.what, id, ...act.pacing }
    if (act.way === 'told') await this.command(command)
    else this.#publish({ type: 'SIDELINE_COMMAND', ...BY, ...command }, `command ${++this.#lastCommand}`)
  }

  #publish(body: Body, id: string, tenant?: string): void {
    const message = toMessage(body, { id, service: 'outside', correlationId: id, atMs: this.#nowMs, tenant })
    this.#outside.publish(message).catch((error: unknown) => this.surprises.push(`${id}: ${String(error)}`))
  }

  async #strike(fault: Fault): Promise<void> {
    const stage = this.#stage
    switch (fault.what) {
      case 'cut':
        stage.cut(fault.service)
        break
      case 'restart':
        stage.restart()
        break
      case 'stop':
        stage.stop(fault.forMs)
        break
      case 'kill':
        this.#kill(fault.service, fault.forMs)
        break
      case 'fuse':
        this.#fuses.push({ ...fault })
        break
      case 'delete parking': {
        const rule = rules[fault.rule] ?? rules[0]
        await this.#outside.removeEmpty(parkingQueueOf(rule.id, fault.queue)).catch(() => false)
      }
    }
  }

  /** A process comes to a moment at which a fuse may end it, or its connection, a few turns of the event loop later. */
  #burn(name: ServiceName): void {
    const fuse = this.#fuses.find(({ service }) => service === name)
    if (!fuse || fuse.count-- > 0) return
    this.#fuses.splice(this.#fuses.indexOf(fuse), 1)
    this.#note('burnt', fuse)
    const go = (turns: number) => {
      if (turns > 0) setImmediate(() => go(turns - 1))
      else if (fuse.isCut) this.#stage.cut(name)
      else this.#kill(name, fuse.forMs)
    }
    go(fuse.turns)
  }

  #kill(service: ServiceName, forMs: number): void {
    const process = service === 'hub' ? this.#hub : this.#processes.get(service)
    if (!process?.isAlive) return
    this.#stage.cut(service)
    process.kill()
    this.#in(forMs, () => void this.#begin(service))
  }

  async #begin(service: ServiceName): Promise<void> {
    const bus: Bus = {
      broker: await this.#stage.connect(service),
      service,
      clock: this.#stage.clock,
      log,
      recorder: silentRecorder,
      rules: noRules,
      outcomes: noWatcher,
    }
    const around = { bus, ledger: this.ledger, onMoment: () => this.#burn(service) }
    if (service === 'hub') this.#hub = new SimulatedHub(bus, this.store, around.onMoment)
    else if (service === 'keeper') this.#processes.set(service, new SimulatedKeeper(around, this.#inbox))
    else this.#processes.set(service, new SimulatedProcessor(around))
  }
}
