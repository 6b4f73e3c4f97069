import { onTestFinished, vi } from 'vitest'
import { answerQuestions } from '../../../shared/bus/answer.ts'
import { type Asker, openAsker } from '../../../shared/bus/ask.ts'
import { answering, type Bus, publish } from '../../../shared/bus/bus.ts'
import { subscribe } from '../../../shared/bus/consumer.ts'
import { type Event, toMessage } from '../../../shared/bus/envelope.ts'
import { newId } from '../../../shared/bus/ids.ts'
import { retryPolicy, virtualSite } from '../../../shared/bus/test/bus-fixture.ts'
import type { Body } from '../../../shared/events.ts'
import { createHealth } from '../../../shared/service/health.ts'
import { createHttp } from '../../../shared/service/http.ts'
import { createMetrics } from '../../../shared/service/metrics.ts'
import { topologyPlan } from '../../../shared/topology.ts'
import type { Asking, View } from '../asking.ts'
import { serveConversations } from '../conversation-routes.ts'
import { serveFlows } from '../flow-routes.ts'
import { FlowWatches } from '../flow-watch.ts'

/** As long as EBS_WAIT_MS_MAX may be. */
export const WAIT_MS_MAX = 600_000

/** A broker in memory, on a clock that the test turns, and what can be connected to it. */
export function playground() {
  const { clock, memory, site } = virtualSite(topologyPlan('quorum'))
  onTestFinished(() => site[Symbol.asyncDispose]())
  const connect = async (service: string): Promise<Bus> => {
    const bus = site.bus(site.connect(service), { service })
    await bus.broker.ready()
    return bus
  }
  return {
    clock,
    memory,
    gateway: async (service = 'gateway') => {
      const bus = await connect(service)
      return gatewayOn({ bus, asker: await openAsker(bus) })
    },
    hub: async () => fakeHub(await connect('hub')),
  }
}

/** The routes of a replica, without a port. */
export async function gatewayOn({ bus, asker }: Asking) {
  const { log } = bus
  let asks = 0
  const ask: Asker['ask'] = (...question) => {
    asks++
    return asker.ask(...question)
  }
  const asking = { bus, asker: { ...asker, ask } }
  const http = await createHttp({
    name: 'gateway',
    title: 'gateway',
    docs: true,
    log,
    health: createHealth(),
    metrics: createMetrics(),
  })
  const stopping = new AbortController()
  const watches = new FlowWatches(asking, stopping.signal)
  serveFlows(http, { ...asking, watches, waitMsMax: WAIT_MS_MAX })
  serveConversations(http, asking)
  onTestFinished(() => http.close())
  return {
    ...asking,
    get asks() {
      return asks
    },
    watches,
    stopping,
    get: (url: string) => http.inject(url),
    postNothing: () => http.inject({ method: 'POST', url: '/api/flows' }),
    post: (payload: object, headers: Readonly<Record<string, string>> = {}) =>
      http.inject({ method: 'POST', url: '/api/flows', payload, headers }),
  }
}

/** A hub that does what the test says: it knows the views that it is given, and replies when it is told to. */
async function fakeHub(bus: Bus) {
  const requests: Event<'FLOW_REQUESTED'>[] = []
  const asked: string[] = []
  const views = new Map<string, View>()
  const state = { isSilent: false }
  await subscribe(bus, {
    queue: 'hub_consume',
    retry: retryPolicy(),
    prefetch: 10,
    handlers: {
      FLOW_REQUESTED: (event) => {
        requests.push(event)
        return []
      },
    },
  })
  await answerQuestions(bus, {
    queue: 'hub_ask',
    answer: (event) => {
      if (event.type !== 'CONVERSATION_ASKED') throw new TypeError(`${event.type} is no question.`)
      const { kind, id } = event.data
      asked.push(`${kind} ${id}`)
      return state.isSilent ? undefined : { type: 'CONVERSATION_TOLD', kind, id, view: views.get(`${kind} ${id}`) }
    },
  })
  return {
    bus,
    requests,
    asked,
    views,
    state,
    /** The request for this flow, once it is there. */
    requested: (flowId: string) =>
      vi.waitFor(() => {
        const found = requests.find(({ data }) => data.flowId === flowId)
        if (!found) throw new Error(`nobody has requested flow ${flowId}`)
        return found
      }),
    /** Replies to whoever sent this request, as the hub does besides telling everybody. */
    reply: async ({ meta: { replyTo, correlationId } }: Event<'FLOW_REQUESTED'>, body: Body) => {
      if (replyTo === undefined) throw new Error('Nobody waits for this reply.')
      const atMs = bus.clock.now()
      const message = toMessage(body, { id: newId(atMs), service: 'hub', correlationId, atMs })
      await publish(bus, answering(message, { replyTo, correlationId }))
    },
  }
}

export const succeeded = (flowId: string): Body<'FLOW_SUCCEEDED'> => ({
  type: 'FLOW_SUCCEEDED',
  flowId,
  length: 3,
  mode: 'parallel',
  durationMs: 12,
  output: { installed: [1, 2, 3], validated: [1, 2, 3] },
})

export const failed = (flowId: string, kind: Body<'FLOW_FAILED'>['kind']): Body<'FLOW_FAILED'> => ({
  type: 'FLOW_FAILED',
  flowId,
  length: 3,
  mode: 'parallel',
  durationMs: 6_400,
  kind,
  error: 'OPERATION_TIMED_OUT',
  callId: `${flowId}.3`,
  undone: [`${flowId}.1`],
  notUndone: [],
})
