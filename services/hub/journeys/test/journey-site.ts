import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEvent, toMessage } from '../../../../shared/bus/envelope.ts'
import { newId } from '../../../../shared/bus/ids.ts'
import { MemoryBroker } from '../../../../shared/bus/memory-broker.ts'
import type { Body } from '../../../../shared/events.ts'
import { startService } from '../../../../shared/service/lifecycle.ts'
import { activityPlan, activityQueueOf, topologyPlan } from '../../../../shared/topology.ts'
import { hub } from '../../service.ts'

type Request = Body<'ACTIVITY_REQUESTED'>
type Answered = { readonly status: number; readonly output?: unknown; readonly error?: string }
/** What a worker makes of a request; undefined: it keeps it to itself. */
export type Work = (request: Request) => Answered | undefined

/** A journey of three steps: two beside each other, and one after both. */
export const trip = {
  type: 'trip',
  version: 1,
  deadline: '1m',
  activities: {
    flight: { activity: 'book.flight', input: '{"to": payload.to}', retry: { retries: 0 } },
    hotel: { activity: 'book.hotel', input: '{"in": payload.to}', retry: { retries: 0 } },
    mail: {
      ...{ activity: 'mail', after: ['flight', 'hotel'], retry: { retries: 0 } },
      input: '{"flight": outputs.flight.seat, "hotel": outputs.hotel.room}',
    },
  },
  output: '{"mailed": outputs.mail}',
}

/** The activities of that journey, done well. */
export const travelAgency: Readonly<Record<string, Work>> = {
  'book.flight': () => ({ status: 200, output: { seat: '12A' } }),
  'book.hotel': () => ({ status: 200, output: { room: 7 } }),
  mail: ({ input }) => ({ status: 200, output: input }),
}

/** The whole hub on a broker in memory, with workers, and someone on the bus who starts journeys and hears everything. */
export async function journeySite({
  definitions,
  env: more = {},
}: {
  readonly definitions?: string
  readonly env?: Readonly<Record<string, string>>
} = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'ebs-journeys-'))
  const broker = new MemoryBroker()
  const link = broker.connect({ service: 'someone', plan: topologyPlan('quorum') })
  await link.ready()
  const heard: Body[] = []
  await link.consume('statistics', { prefetch: 100 }, (delivery) => {
    const parsed = parseEvent(delivery.message)
    if ('data' in parsed) heard.push(parsed.data)
    delivery.ack()
  })
  const replies: Body[] = []
  await link.listen('someone_reply.1', (message) => {
    const parsed = parseEvent(message)
    if ('data' in parsed) replies.push(parsed.data)
  })
  const env = {
    ...{ EBS_HUB_PORT: '0', EBS_DATA_DIR: folder, EBS_LOG_LEVEL: 'silent' },
    ...(definitions !== undefined && { EBS_DEFINITIONS_DIR: definitions }),
    ...more,
  }
  const start = () => startService(hub, { env, connect: (options) => broker.connect(options) })
  let service = await start()
  const say = (body: Body, { replyTo }: { readonly replyTo?: string } = {}) => {
    const about = { id: newId(Date.now()), service: 'someone', atMs: Date.now(), replyTo }
    return link.publish(toMessage(body, { ...about, correlationId: about.id }))
  }
  return {
    say,
    replies,
    /** Of these types, in order. */
    heard: (...types: readonly Body['type'][]) => heard.filter(({ type }) => types.includes(type)),
    /** Asks for a journey, and waits for its end at a queue of its own. */
    request: (sagaId: string, payload: Body<'INITIATE_WORKFLOW'>['payload'], journeyType = 'trip') =>
      say(
        { type: 'INITIATE_WORKFLOW', sagaId, journeyType, formatVersion: 1, tenant: 'default', payload, meta: {} },
        { replyTo: 'someone_reply.1' },
      ),
    /** Consumes the queues of these activities. */
    async work(works: Readonly<Record<string, Work>>) {
      const worker = broker.connect({ service: 'worker', plan: topologyPlan('quorum') })
      await worker.ready()
      for (const [activity, work] of Object.entries(works)) {
        await worker.extend(activityPlan(activity, 'quorum'))
        await worker.consume(activityQueueOf(activity), { prefetch: 10 }, (delivery) => {
          delivery.ack()
          const parsed = parseEvent(delivery.message)
          if (!('data' in parsed) || parsed.type !== 'ACTIVITY_REQUESTED') return
          const { callId, attempt } = parsed.data
          const answer = work(parsed.data)
          if (answer) void say(answerOf(answer, { callId, attempt }))
        })
      }
      return { stop: () => worker.close(0) }
    },
    /** Stops the hub in order and starts it again on what it has stored. */
    async restart() {
      await service.stop()
      service = await start()
    },
    register: async (document: object) => {
      const response = await service.http.inject({ method: 'POST', url: '/api/definitions', payload: document })
      return { status: response.statusCode, json: response.json() }
    },
    post: async (path: string, body: object) => {
      const response = await service.http.inject({ method: 'POST', url: path, payload: body })
      return { status: response.statusCode, json: response.json() }
    },
    get: async (path: string) => (await service.http.inject({ method: 'GET', url: path })).json(),
    metrics: async () => (await service.http.inject({ method: 'GET', url: '/metrics' })).body,
    async [Symbol.asyncDispose]() {
      await service.stop()
      await link.close(0)
      await broker.stop()
      await rm(folder, { recursive: true })
    },
  }
}

function answerOf({ status, output, error }: Answered, of: Pick<Request, 'callId' | 'attempt'>): Body {
  // Through JSON, as over the wire.
  if (status < 400) return JSON.parse(JSON.stringify({ type: 'ACTIVITY_SUCCEEDED', ...of, status, output }))
  return { type: 'ACTIVITY_FAILED', ...of, status, ...(error !== undefined && { error }) }
}
