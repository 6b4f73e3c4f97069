import { z } from 'zod'
import type { Message, Received } from '../../bus/broker.ts'
import { publish } from '../../bus/bus.ts'
import { type Event, toMessage } from '../../bus/envelope.ts'
import { subscribeStateful } from '../../bus/stateful-consumer.ts'
import { gated, retryPolicy, virtualSite } from '../../bus/test/bus-fixture.ts'
import type { Body } from '../../events.ts'
import { MemoryConversationStore } from '../../store/memory-conversations.ts'
import { startRelay } from '../../store/outbox-relay.ts'
import { topologyPlan } from '../../topology.ts'
import { type AnyKind, anyKind } from '../any-kind.ts'
import type { Decision, Kind, Sent, TimerChange } from '../decision.ts'
import { ignore } from '../decision.ts'
import { Kernel } from '../kernel.ts'

export const EARLY_KEEP_MS = 60_000
const QUEUE = 'hub_consume'

/** Queues of the platform, and one that hears all that the hub says. */
const plan = topologyPlan('quorum')
const heardPlan = {
  ...plan,
  queues: [...plan.queues, { name: 'heard', arguments: { 'x-queue-type': 'quorum' } }],
  bindings: [...plan.bindings, { source: 'ebs', destination: 'heard', to: 'queue' as const, key: '#' }],
}

const eggState = z.object({ fired: z.array(z.string()) })
type EggState = z.infer<typeof eggState>

/**
 * A kind for tests: FLOW_REQUESTED opens it with timers as `error` and `requestKey` say (`name:ms` separated by commas), another one
 * changes them (`-name` cancels); FLOW_SUCCEEDED ends it. Each timer that fires is said as FLOW_REFUSED with its name;
 * `first` cancels `second` and moves `third` by a second.
 */
export const egg: Kind<EggState> = {
  name: 'egg',
  state: eggState,
  keyOf: ({ data }) => ('flowId' in data ? data.flowId : undefined),
  view: (state) => state,
  decide(state, input, nowMs): Decision<EggState> {
    if ('act' in input) return ignore('late')
    const key = 'event' in input && 'flowId' in input.event.data ? input.event.data.flowId : ''
    const change = (sent: readonly Sent[], timers: readonly TimerChange[], next = state ?? { fired: [] }) =>
      ({
        kind: 'change',
        state: next,
        status: 'open',
        ended: false,
        sent,
        timers,
        history: [{ what: 'changed' }],
      }) as const
    if ('timer' in input) {
      if (input.timer === 'broken') throw new Error('this decision always fails')
      const fired = [...(state?.fired ?? []), input.timer]
      const others = input.timer === 'first' ? [{ cancel: 'second' }, { arm: 'third', dueMs: nowMs + 1_000 }] : []
      return change([{ body: { type: 'FLOW_REFUSED', flowId: 'timer', error: input.timer } }], others, { fired })
    }
    const { event } = input
    if (event.type === 'FLOW_SUCCEEDED')
      return state ? { ...change([], []), ended: true, status: 'over' } : { kind: 'early' }
    if (event.type !== 'FLOW_REQUESTED') return ignore('unknown')
    if (event.data.length === 99) return { kind: 'refuse', reason: `${key} is refused` }
    return change(
      [],
      (event.data.requestKey ?? '')
        .split(',')
        .filter(Boolean)
        .map((text) => timerOf(text, nowMs)),
    )
  },
}

function timerOf(text: string, nowMs: number): TimerChange {
  if (text.startsWith('-')) return { cancel: text.slice(1) }
  const [name = '', ms] = text.split(':')
  return { arm: name, dueMs: nowMs + Number(ms) }
}

/** A hub with a memory store and a clock that the test turns. It can be killed and started again on the same store. */
export async function startKernel({
  kinds = [anyKind(egg)],
  frozenWhileParked,
}: {
  readonly kinds?: readonly AnyKind[]
  readonly frozenWhileParked?: ReadonlySet<string>
} = {}) {
  const { clock, memory, site } = virtualSite(heardPlan)
  const store = new MemoryConversationStore()
  /** How far the hub's clock is ahead of the broker's. */
  const shift = { ms: 0 }
  const lateness: number[] = []
  const sent: Message[] = []
  const heard: Received[] = []
  const watcher = site.connect('watcher')
  await watcher.consume('heard', { prefetch: 1_000 }, (delivery) => {
    heard.push(delivery.message)
    delivery.ack()
  })

  const start = async (service = 'hub') => {
    const broker = site.connect(service)
    const watch = { now: () => clock.now() + shift.ms, after: clock.after.bind(clock) }
    const bus = { ...site.bus(gated(broker, async (message) => void sent.push(message))), service, clock: watch }
    const kernel = new Kernel({
      bus,
      kinds,
      earlyKeepMs: EARLY_KEEP_MS,
      frozenWhileParked,
      onFired: (ms) => void lateness.push(ms),
      onIgnored: () => undefined,
    })
    const relay = startRelay({
      outbox: store,
      publish: (row) => publish(bus, kernel.messageOf(row)),
      log: bus.log,
      clock,
    })
    const loop = await subscribeStateful(bus, {
      queue: QUEUE,
      store,
      handle: (arrived, tx) => kernel.handle(arrived, tx),
      isIdempotent: (arrived) => kernel.isIdempotent(arrived),
      relayed: () => relay.flushed(),
      accepts: (event) => kernel.accepts(event),
      retry: retryPolicy(),
      prefetch: 500,
      lingerMs: 1,
    })
    return {
      kernel,
      bus,
      /** As kill -9: nothing more is sent or acked. */
      async kill() {
        await broker.close(0)
        await Promise.all([relay.stop(), loop.stop(0)])
      },
    }
  }
  return {
    clock,
    shift,
    memory,
    store,
    lateness,
    sent,
    heard,
    watcher,
    start,
    hub: await start(),
    said: (type: Event['type']) =>
      heard.filter(({ properties }) => properties.type === type).map(({ body }) => body.toString()),
    [Symbol.asyncDispose]: () => site[Symbol.asyncDispose](),
  }
}

export type Rig = Awaited<ReturnType<typeof startKernel>>

let ids = 0
export const send = (rig: Rig, body: Body, id = `m${ids++}`) =>
  rig.watcher.publish(toMessage(body, { id, service: 'test', correlationId: id, atMs: rig.clock.now() }))
/** `timers`: `name:ms`, or `-name` to cancel, with commas. */
export const request = (rig: Rig, flowId: string, timers = '', length = 1) =>
  send(rig, { type: 'FLOW_REQUESTED', flowId, length, mode: 'parallel', ...(timers && { requestKey: timers }) })
export const fired = (rig: Rig) => rig.said('FLOW_REFUSED').map((text): string => JSON.parse(text).error)
export const eggId = (key: string) => ({ kind: 'egg', key })
export const wakeUps = (rig: Rig) => rig.sent.filter(({ properties }) => properties.type === 'TIMERS_DUE').length
export const by = { actor: 'ann', reason: 'a test' }
