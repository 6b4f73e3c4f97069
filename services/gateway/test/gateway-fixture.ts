import { request } from 'node:http'
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
import { createHttp, type HttpOptions } from '../../../shared/service/http.ts'
import { createMetrics } from '../../../shared/service/metrics.ts'
import { topologyPlan } from '../../../shared/topology.ts'
import type { Asking, View } from '../asking.ts'
import { serveConversations } from '../conversation-routes.ts'
import { EndWatches } from '../end-watch.ts'
import { serveFlows } from '../flow-routes.ts'
import { journeyFormats } from '../journey-formats.ts'
import { type JourneysApi, serveJourneys } from '../journey-routes.ts'

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
    gateway: async (options: ReplicaOptions = {}) => {
      const bus = await connect('gateway')
      return gatewayOn({ bus, asker: await openAsker(bus) }, options)
    },
    hub: async () => fakeHub(await connect('hub')),
  }
}

type ReplicaOptions = Pick<HttpOptions, 'auth' | 'docs'> & Pick<JourneysApi, 'formats'>

/** The routes of a replica, without a port. */
export async function gatewayOn(
  { bus, asker }: Asking,
  { auth, docs = false, formats = journeyFormats }: ReplicaOptions = {},
) {
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
    docs,
    log,
    health: createHealth(),
    metrics: createMetrics(),
    auth,
  })
  const stopping = new AbortController()
  const watches = new EndWatches(asking, stopping.signal)
  const api = { ...asking, watches, waitMsMax: WAIT_MS_MAX }
  serveFlows(http, api)
  serveJourneys(http, { ...api, site: 'here', formats })
  serveConversations(http, asking)
  onTestFinished(() => http.close())
  return {
    ...asking,
    get asks() {
      return asks
    },
    watches,
    stopping,
    get: (url: string, headers: Readonly<Record<string, string>> = {}) => http.inject({ url, headers }),
    postNothing: () => http.inject({ method: 'POST', url: '/api/flows' }),
    post: (payload: object, headers: Readonly<Record<string, string>> = {}) =>
      http.inject({ method: 'POST', url: '/api/flows', payload, headers }),
    /** Over a port. `hangUp` resolves when that is known here. */
    postAndHangUp: async (payload: object, headers: Readonly<Record<string, string>>) => {
      const address = await http.listen({ port: 0, host: '127.0.0.1' })
      const closed = new Promise<void>((resolve) => {
        http.server.once('request', (_, response) => response.once('close', resolve))
      })
      const client = request(`${address}/api/journeys`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
      })
      client.on('error', () => undefined).end(JSON.stringify(payload))
      return {
        hangUp: () => {
          client.destroy()
          return closed
        },
      }
    },
    postJourney: (payload: object | string, headers: Readonly<Record<string, string>> = {}) =>
      http.inject({
        method: 'POST',
        url: '/api/journeys',
        payload,
        headers: { 'content-type': 'application/json', ...headers },
      }),
  }
}

/** A hub that does what the test says: it knows the views that it is given, and replies when it is told to. */
async function fakeHub(bus: Bus) {
  const requests: Event<'FLOW_REQUESTED'>[] = []
  const journeys: Event<'INITIATE_WORKFLOW'>[] = []
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
      INITIATE_WORKFLOW: (event) => {
        journeys.push(event)
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
    journeys,
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
    /** The request for a journey of this type, once it is there. */
    ordered: (type: string) =>
      vi.waitFor(() => {
        const found = journeys.find(({ data }) => data.journeyType === type)
        if (!found) throw new Error(`nobody has asked for a journey ${type}`)
        return found
      }),
    /** Replies to whoever sent this request, as the hub does besides telling everybody. */
    reply: async ({ meta: { replyTo, correlationId } }: Pick<Event, 'meta'>, body: Body) => {
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
