import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Broker, ClosedError, type Received } from '../../../shared/bus/broker.ts'
import { type Event, parseEvent, toMessage } from '../../../shared/bus/envelope.ts'
import type { Body } from '../../../shared/events.ts'
import type { HubStore } from '../../../shared/store/hub-store.ts'
import { MemoryHubStore } from '../../../shared/store/memory-hub-store.ts'
import { SqliteHubStore } from '../../../shared/store/sqlite-hub-store.ts'
import { queues, topologyPlan } from '../../../shared/topology.ts'
import { documentOf, TYPES, type TypeName } from './journey-simulation-definitions.ts'
import type { SimulatedHub } from './journey-simulation-hub.ts'
import { Processes } from './journey-simulation-processes.ts'
import { Shop, sagaIdOf } from './journey-simulation-shop.ts'
import type { Fault, JourneyStory, Story } from './journey-simulation-story.ts'
import { Witness } from './journey-simulation-witness.ts'
import { memoryStage } from './sideline-simulation-stage.ts'

export const REPLIES = 'outside_reply.1'
export const HEARD = 'heard'
const REGISTER_AGAIN_MS = 1_000
const BY = { actor: 'ann', reason: 'a simulation' }

const { hub_consume, hub_work } = queues
const own = topologyPlan('quorum', { withLadder: true, queues: { hub_consume, hub_work } })
const quorum = { 'x-queue-type': 'quorum' }
const plan = {
  ...own,
  queues: [...own.queues, { name: HEARD, arguments: quorum }, { name: REPLIES, arguments: quorum }],
  bindings: [...own.bindings, { source: 'ebs', destination: HEARD, to: 'queue' as const, key: '#' }],
}

export type Sent = { readonly id: string; readonly sagaId: string; readonly body: Body<'INITIATE_WORKFLOW'> }

/** Hubs, workers, an outside and a broker, to which things happen. */
export class JourneySimulation {
  readonly store: HubStore
  readonly shop: Shop
  readonly witness: Witness
  /** What was heard on the exchange, and what those who wait have got: by message id, the first time counts. */
  readonly heard = new Map<string, Event>()
  readonly replies = new Map<string, Event>()
  /** Requests, in the order in which they were sent. */
  readonly sent: Sent[] = []
  readonly surprises: string[] = []
  /** What has happened, for whoever has to understand it. */
  readonly trace: string[] = []
  readonly stage: ReturnType<typeof memoryStage>
  readonly #outside: Broker
  readonly #close: () => Promise<void>
  readonly #processes: Processes
  readonly #recent: Event[] = []

  private constructor(story: Story, place: Place) {
    this.stage = place.stage
    this.store = place.store
    this.#close = place.close
    this.#outside = place.outside
    this.shop = new Shop(story.journeys)
    this.witness = new Witness({
      said: this.shop.said,
      find: (key) => {
        const id = { kind: 'journey', key }
        const { reader } = this.store
        const found = atOnce(reader.findConversation(id))
        const timers = [...atOnce(reader.timersOf(id)), ...atOnce(reader.frozenTimersOf(id))]
        return found && { state: found.state, timers: timers.map(({ name }) => name) }
      },
    })
    this.#processes = new Processes(story, this)
  }

  static async start(story: Story): Promise<JourneySimulation> {
    const stage = memoryStage(plan)
    const outside = await stage.connect('outside')
    const place = story.isOnDisk ? await onDisk() : { store: new MemoryHubStore(), close: async () => undefined }
    const simulation = new JourneySimulation(story, { ...place, stage, outside })
    await simulation.#listen(HEARD, simulation.heard)
    await simulation.#listen(REPLIES, simulation.replies)
    await simulation.#processes.begin()
    // The first definition of each type but the late one is there before any journey.
    for (const type of TYPES)
      for (const [n, { atMs, definition }] of story.definitions[type].entries())
        simulation.in(n === 0 && type !== 'late' ? 0 : atMs, () =>
          simulation.#register(type, documentOf(type, n + 1, definition)),
        )
    return simulation
  }

  get nowMs(): number {
    return this.stage.clock.now()
  }

  /** The hub that works, or one that stands by. */
  get hub(): SimulatedHub | undefined {
    return this.#processes.hub
  }

  in(ms: number, run: () => unknown): void {
    this.stage.clock.after(ms, () => void run())
  }

  note(what: string, about: unknown): void {
    this.trace.push(`${this.nowMs % 100_000_000} ${what} ${JSON.stringify(about)}`)
  }

  /** Asks for a journey, as often as its story says. */
  request({ atMs, type, tenant, n, copies }: JourneyStory, index: number): void {
    const sagaId = sagaIdOf(index)
    const send = (afterMs: number, id: string, nonce: string) =>
      this.in(atMs + afterMs, () => {
        const body: Body<'INITIATE_WORKFLOW'> = {
          ...{ type: 'INITIATE_WORKFLOW', sagaId, journeyType: type, formatVersion: 1, tenant },
          ...{ payload: { n, nonce }, meta: { key: sagaId } },
        }
        this.sent.push({ id, sagaId, body })
        this.#publish(id, body, { tenant, replyTo: REPLIES })
      })
    const id = `request ${index}`
    send(0, id, 'first')
    for (const [nth, { afterMs, how }] of copies.entries())
      send(afterMs, how === 'same message' ? id : `${id} copy ${nth}`, how === 'other payload' ? 'other' : 'first')
  }

  /** Somebody says this in so many ms; with a queue, straight to it. */
  say(afterMs: number, id: string, body: Body, queue?: string): void {
    this.in(afterMs, () => {
      this.shop.hear(body)
      this.#publish(id, body, {}, queue)
    })
  }

  strike(fault: Fault): void {
    this.note('fault', fault)
    const { memory } = this.stage
    const forMs = 'forMs' in fault ? fault.forMs : 0
    switch (fault.what) {
      case 'fuse':
        this.#processes.fuses.push({ ...fault })
        break
      case 'kill':
        this.#processes.kill(fault.process, forMs)
        break
      case 'cut':
        this.stage.cut(this.#processes.nameOf(fault.process))
        break
      case 'restart':
        this.stage.restart()
        break
      case 'stop':
        this.stage.stop(forMs)
        break
      case 'block':
        memory.block()
        this.in(forMs, () => memory.unblock())
        break
      case 'store out':
      case 'wake-ups lost':
        this.#processes.trouble(fault.what, forMs)
        break
      case 'another hub':
        this.#processes.standBy()
        break
      case 'echo':
        for (const { data, meta } of this.#recent.slice(-fault.count))
          this.#outside.publish(toMessage(data, { ...meta, service: 'outside', atMs: this.nowMs })).catch(unlessClosed)
    }
  }

  /** Nothing goes wrong any more. */
  calm(): void {
    this.#processes.fuses.splice(0)
    this.shop.isMended = true
  }

  /** The outside has its broker. */
  get isUp(): boolean {
    return this.#outside.state === 'up'
  }

  depth(queue: string): number {
    return this.stage.memory.depth(queue)
  }

  /** What lies in a queue, which stays there. */
  async look(queue: string): Promise<readonly Received[]> {
    const browse = await this.#outside.browse(queue)
    const found: Received[] = []
    for await (const { message } of browse ?? []) found.push(message)
    await browse?.close()
    return found
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#processes.killAll()
    await this.stage.pass(1)
    await this.stage[Symbol.asyncDispose]()
    await this.#close()
  }

  async #listen(queue: string, into: Map<string, Event>): Promise<void> {
    await this.#outside.consume(queue, { prefetch: 1_000 }, (delivery) => {
      const { message } = delivery
      const parsed = parseEvent(message)
      if ('data' in parsed && !into.has(parsed.meta.id)) {
        into.set(parsed.meta.id, parsed)
        if (queue === HEARD && ECHOED.test(message.key)) this.#recent.push(parsed)
      }
      delivery.ack()
    })
  }

  #publish(id: string, body: Body, about: { tenant?: string; replyTo?: string }, queue?: string): void {
    const message = toMessage(body, { id, service: 'outside', correlationId: id, atMs: this.nowMs, ...about })
    const sent = queue === undefined ? message : { ...message, exchange: '', key: queue }
    this.#outside.publish(sent).catch(unlessClosed)
  }

  /** Again until a hub has it. */
  async #register(type: TypeName, document: object): Promise<void> {
    const { hub } = this
    try {
      const outcome = (await hub?.journeys.register(JSON.parse(JSON.stringify(document)), BY))?.outcome
      if (outcome === 'registered' || outcome === 'same') return
      if (outcome !== undefined) this.surprises.push(`registering ${type}: ${outcome} ${JSON.stringify(document)}`)
    } catch (error) {
      this.note('not registered', { type, error: String(error) })
    }
    this.in(REGISTER_AGAIN_MS, () => this.#register(type, document))
  }
}

type Place = {
  readonly stage: ReturnType<typeof memoryStage>
  readonly store: HubStore
  readonly outside: Broker
  readonly close: () => Promise<void>
}

/** What may come twice without a fault of anybody's: requests, answers and what they lead to. */
const ECHOED = /^(?:initiate_|activities\.|activity\.)/

async function onDisk(): Promise<Pick<Place, 'store' | 'close'>> {
  const folder = await mkdtemp(join(tmpdir(), 'ebs-journeys-'))
  const store = await SqliteHubStore.open({ path: join(folder, 'hub.db') })
  return {
    store,
    close: async () => {
      await store.close()
      await rm(folder, { recursive: true })
    },
  }
}

const unlessClosed = (error: unknown) => {
  if (!(error instanceof ClosedError)) throw error
}

/** Both stores read at once. */
function atOnce<T>(value: T | Promise<T>): T {
  if (value instanceof Promise) throw new TypeError('This store does not read at once.')
  return value
}
