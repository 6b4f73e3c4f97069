import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Asker, openAsker } from '../../../shared/bus/ask.ts'
import type { Bus } from '../../../shared/bus/bus.ts'
import { parseEvent } from '../../../shared/bus/envelope.ts'
import { MemoryBroker } from '../../../shared/bus/memory-broker.ts'
import { noRules, noWatcher } from '../../../shared/bus/rules.ts'
import { VirtualClock } from '../../../shared/clock.ts'
import { type Body, rowOf } from '../../../shared/events.ts'
import { type AnyKind, anyKind } from '../../../shared/flow/any-kind.ts'
import { groupKind } from '../../../shared/flow/group.ts'
import { hubKind } from '../../../shared/flow/hub-kind.ts'
import { journeyKind } from '../../../shared/flow/journey/journey.ts'
import { DefinitionRegistry } from '../../../shared/flow/journey/registry.ts'
import { Kernel } from '../../../shared/flow/kernel.ts'
import type { CheckToken } from '../../../shared/service/auth-token.ts'
import { createHealth } from '../../../shared/service/health.ts'
import { createHttp } from '../../../shared/service/http.ts'
import { createLog } from '../../../shared/service/log.ts'
import { createMetrics } from '../../../shared/service/metrics.ts'
import { silentRecorder } from '../../../shared/service/recorder.ts'
import { SqliteHubStore } from '../../../shared/store/sqlite-hub-store.ts'
import { exchanges, topologyPlan } from '../../../shared/topology.ts'
import { serveAudit } from '../audit-routes.ts'
import { flowCrud } from '../flow-crud.ts'
import type { HeldOperations } from '../held-operations.ts'
import { measureHub, measureInputs } from '../hub-metrics.ts'
import { Journeys } from '../journeys/journeys.ts'
import type { Operations } from '../operations.ts'
import { serveHub } from '../routes.ts'
import { sidelineTermsOf } from '../sideline-terms.ts'
import { fakeHeldOperations } from './fake-held.ts'

export const START_MS = Date.UTC(2026, 0, 1)
const limits = { deadlineMs: 15_000, call: { timeoutMs: 2_000, retries: 2, backoffMs: 200 } }

type FixtureOptions = {
  /** Besides groups and flows. */
  readonly kinds?: readonly AnyKind[]
  readonly held?: HeldOperations
  /** Asks for tokens. Missing: anybody may do anything. */
  readonly auth?: CheckToken
  /** Where lines of the log go. Missing: nowhere. */
  readonly lines?: string[]
  /** Asks over the broker, or as this does. Missing: nobody can be asked. */
  readonly asker?: Pick<Asker, 'ask'> | 'real'
}

/** The hub's kernel, store and API with a clock of its own; nothing consumes, nothing relays its outbox, and nothing is held. */
export async function hubFixture(options: FixtureOptions = {}) {
  const { kinds: more = [], held = fakeHeldOperations(), auth, asker, lines } = options
  const folder = await mkdtemp(join(tmpdir(), 'ebs-hub-'))
  const store = await SqliteHubStore.open({ path: join(folder, 'hub.db') })
  const destination = { write: (line: string) => void lines?.push(line) }
  const log = createLog({ service: 'hub', level: lines ? 'info' : 'silent', destination })
  const clock = new VirtualClock(START_MS)
  const server = new MemoryBroker({ clock })
  const broker = server.connect({ service: 'hub', plan: topologyPlan('quorum') })
  const bus: Bus = { broker, service: 'hub', clock, log, recorder: silentRecorder, rules: noRules, outcomes: noWatcher }
  const registry = new DefinitionRegistry()
  const stopping = new AbortController()
  const journeys = new Journeys({ bus, store, registry, queueType: 'quorum', stopping: stopping.signal })
  const journey = journeyKind({ definitions: registry, hasWebhook: true })
  const kinds = [anyKind(groupKind), anyKind(hubKind(flowCrud(limits))), anyKind(journey), ...more]
  const metrics = createMetrics()
  const kernel = new Kernel({ bus, kinds, earlyKeepMs: 60_000, ...measureInputs(metrics) })
  const sidelineTerms = sidelineTermsOf(() => journeys.activityQueues())
  const asking = asker === 'real' ? await openAsker(bus) : asker
  const findAsker = () => asking
  const operations: Operations = {
    ...{ store, kernel, kinds, clock, stopping: stopping.signal, sidelineTerms, journeys, broker, findAsker },
    ...held,
  }
  const http = await createHttp({
    name: 'hub',
    title: 'hub',
    log,
    health: createHealth(),
    metrics,
    ...(auth && { auth }),
  })
  serveAudit(http, { store, clock, metrics })
  serveHub(http, operations)
  measureHub(metrics, operations)
  return {
    store,
    kernel,
    broker,
    server,
    journeys,
    clock,
    log,
    operations,
    /** Tells the service to stop. */
    beginStop: () => stopping.abort(),
    metricsText: () => metrics.text(),
    /** Hands events to the kernel, as if they had come over the bus. */
    hear: (...bodies: readonly Body[]) =>
      store.write(async (tx) => {
        await journeys.sync(tx)
        await kernel.handle(bodies.map(eventOf), tx)
      }),
    /** Takes the wake-ups that are to be delivered at once out of the outbox, and hands them to the kernel; gives their number. */
    async wake() {
      const rows = store.readPending(0, 10_000).filter(({ exchange }) => exchange === exchanges.deliver)
      await store.removePublished(rows.map(({ seq }) => seq))
      const events = rows.map(({ body }) => eventOf(JSON.parse(body)))
      await store.write((tx) => kernel.handle(events, tx))
      return rows.length
    },
    get: (url: string) => http.inject({ method: 'GET', url }),
    post: (url: string, payload: object = { actor: 'ann', reason: 'test' }, headers: Record<string, string> = {}) =>
      http.inject({ method: 'POST', url, payload, headers }),
    /** A body as it is. */
    postText: (url: string, payload: string) =>
      http.inject({ method: 'POST', url, payload, headers: { 'content-type': 'application/json' } }),
    async [Symbol.asyncDispose]() {
      await journeys.stop()
      await http.close()
      await broker.close()
      await store.close()
      await rm(folder, { recursive: true })
    },
  }
}

export const groupBody = (id: string, expected: readonly string[] = ['a', 'b'], ttl = 30): Body => ({
  type: 'EventGroupCollectorCreate',
  id,
  expected: [...expected],
  ttl,
})
export const doneBody = (group: string, id: string): Body => ({
  type: 'EventGroupCollectorEntityDone',
  group,
  id,
  result: 1,
})
export const flowBody = (flowId: string, error?: 'hub' | 'worker'): Body => ({
  type: 'FLOW_REQUESTED',
  flowId,
  length: 2,
  mode: 'parallel',
  ...(error && { error }),
})

function eventOf(body: Body) {
  const parsed = parseEvent({
    exchange: 'ebs',
    key: rowOf(body.type).key,
    body: Buffer.from(JSON.stringify(body)),
    properties: { headers: {} },
  })
  if (!('data' in parsed)) throw new Error(`Not an event: ${JSON.stringify(parsed)}`)
  return parsed
}
