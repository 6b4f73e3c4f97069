import { expect } from 'vitest'
import type { Bus } from '../../../../shared/bus/bus.ts'
import type { Event } from '../../../../shared/bus/envelope.ts'
import { noRules, noWatcher } from '../../../../shared/bus/rules.ts'
import type { Arrived } from '../../../../shared/bus/stateful-consumer.ts'
import type { Body } from '../../../../shared/events.ts'
import { anyKind } from '../../../../shared/flow/any-kind.ts'
import { remediationJobKind } from '../../../../shared/flow/journey/remediation-job.ts'
import { readBack } from '../../../../shared/flow/sent-messages.ts'
import { silentRecorder } from '../../../../shared/service/recorder.ts'
import type { HubTransaction } from '../../../../shared/store/hub-store.ts'
import { fakeHeldOperations } from '../../test/fake-held.ts'
import { hubFixture } from '../../test/hub-fixture.ts'
import { tell } from '../../told.ts'

const once = { retry: { retries: 0 }, timeout: '10m' }
/** Two steps that can be taken back, and one behind them. */
export const order = {
  type: 'order',
  version: 1,
  deadline: '1h',
  activities: {
    reserve: { activity: 'stock.reserve', compensate: { activity: 'stock.release', ...once }, ...once },
    charge: { activity: 'payment.charge', after: ['reserve'], ...once },
    ship: { activity: 'ship', after: ['charge'], ...once },
  },
}
export const by = { actor: 'ann', reason: 'bank is back' }

export type RemediationSite = Awaited<ReturnType<typeof remediationSite>>

/** A hub whose operators' acts reach its kernel; what its conversations tell each other arrives when a test says so. */
export async function remediationSite() {
  const held = fakeHeldOperations()
  const hub = await hubFixture({ kinds: [anyKind(remediationJobKind)], held })
  const { store, kernel, broker, clock, log, journeys } = hub
  const bus: Bus = { broker, service: 'hub', clock, log, recorder: silentRecorder, rules: noRules, outcomes: noWatcher }
  const handle = async (arrived: readonly Arrived[], tx: HubTransaction) => {
    await journeys.sync(tx)
    return kernel.handle(arrived, tx)
  }
  held.tell.mockImplementation((body) => tell(bus, { store, handle }, body))
  await broker.ready()
  expect((await hub.post('/api/definitions', order)).statusCode).toBe(201)
  const sent: Body[] = []

  /** Delivers what is in the outbox for the hub itself, a batch at a time; gives their number. */
  const deliver = async (): Promise<number> => {
    const rows = store.readPending(0, 1_000)
    await store.removePublished(rows.map(({ seq }) => seq))
    const own: Event[] = []
    for (const row of rows) {
      const message = kernel.messageOf(row)
      const parsed = readBack(message)
      if (!('data' in parsed)) continue
      if (message.exchange === '' && message.key === 'hub_consume') own.push(parsed)
      else sent.push(parsed.data)
    }
    if (own.length > 0) await store.write((tx) => handle(own, tx))
    return rows.length
  }
  const settle = async () => {
    while ((await deliver()) > 0);
  }
  const answer = async (callId: string, failed?: { readonly status: number; readonly error: string }) => {
    await hub.hear(
      failed
        ? { type: 'ACTIVITY_FAILED', callId, ...failed }
        : { type: 'ACTIVITY_SUCCEEDED', callId, status: 200, output: 1 },
    )
    await settle()
  }
  const begin = async (id: string, { type = 'order', tenant = 'acme' } = {}) => {
    const asked = { sagaId: id, journeyType: type, formatVersion: 1, tenant, payload: { n: 1 }, meta: {} }
    await hub.hear({ type: 'INITIATE_JOURNEY', ...asked })
    await settle()
  }
  return {
    ...hub,
    held,
    bus,
    begin,
    answer,
    settle,
    /** What left the hub and is of these types, in order. */
    sent: (...types: readonly Body['type'][]) => sent.filter(({ type }) => types.includes(type)),
    /** Its charge is refused: it needs a person. */
    async stuck(id: string, { type = 'order', tenant = 'acme' } = {}) {
      await begin(id, { type, tenant })
      await answer(`${id}:reserve`)
      await answer(`${id}:charge`, { status: 402, error: 'card refused' })
    },
    async act(id: string, act: string, body: object = {}) {
      const response = await hub.post(`/api/remediation/${id}/${act}`, { ...by, ...body })
      await settle()
      return { status: response.statusCode, json: response.json() }
    },
    journey: async (id: string) => (await hub.get(`/api/journeys/${id}`)).json(),
    [Symbol.asyncDispose]: () => hub[Symbol.asyncDispose](),
  }
}
