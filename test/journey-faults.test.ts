import { expect } from 'vitest'
import { z } from 'zod'
import { activityGate } from './support/activity-gate.ts'
import { ignoredCounts, ignoredSince } from './support/collector.ts'
import { backAtEnd, guest } from './support/guests.ts'
import {
  accounts,
  accountsSince,
  begin,
  FULFILLED,
  order,
  patientOrder,
  register,
  show,
  TAKEN_BACK,
  untilShown,
} from './support/journeys.ts'
import { distinct, type Onlooker, onlooker } from './support/onlooker.ts'
import { EVERYTHING, NOT_THE_EVENTS, permitWrites } from './support/permissions.ts'
import { testsOfOneSystem } from './support/shared-system.ts'
import type { System } from './support/system.ts'
import { waitUntil } from './support/wait-until.ts'

const test = testsOfOneSystem({ services: ['hub', 'gateway'] })

const ENDS = ['journeys.completed', 'journeys.failed', 'journeys.compensated', 'journeys.needs-remediation']

/** Ends of these journeys that were announced, each once, and who of them needs a person. */
const endsOf = async (ends: Onlooker, ids: readonly string[]) =>
  distinct(await ends.heard()).filter(({ body }) => ids.includes(String(body.sagaId)))

/** What a service says from now on is not heard, until writes are permitted again. */
async function cutOff({ vhost }: System, service: string): Promise<void> {
  await permitWrites(vhost, NOT_THE_EVENTS)
  await vhost.closeConnections(`${service}_publish`)
}

/** The steps of an order, in turns; `ship` is refused where no carrier goes, and then what was done is taken back. */
const TURNS = [['reserve'], ['charge'], ['notify', 'ship'], ['charge:undo'], ['reserve:undo']]
const ADDRESSES = ['Main St 1', 'nowhere']
/** Of the orders, which are sent to these addresses in turns. */
const isSent = (n: number) => n % ADDRESSES.length === 0
/** What one asks for in a turn. */
const callsOf = (id: string, n: number, steps: readonly string[]) =>
  steps.filter((step) => !(isSent(n) && step.endsWith(':undo'))).map((step) => `${id}:${step}`)

test('D6, J2: a hub killed at every step of a journey: one instance, each request sent once, each effect once, and an end', async ({
  system,
}) => {
  const hub = system.process('hub')
  backAtEnd(hub)
  const accountsBefore = await accounts(system)
  await register(system, patientOrder({ onFailure: 'compensate' }))
  const gate = await activityGate(system, ['reserve', 'charge', 'notify', 'ship', 'refund', 'release'])
  const requests = await onlooker(system.vhost, 'activity.*')
  const ends = await onlooker(system.vhost, ...ENDS)
  const asked = async () => distinct(await requests.heard()).map(({ body }) => body.callId)
  const beginSome = (when: string) =>
    Promise.all(ADDRESSES.map((address) => begin(system, order(`${when} ${address}`, { address }))))

  const before = await beginSome('before')
  await waitUntil(() => gate.held().length === before.length)
  const meanwhile = await beginSome('meanwhile')
  await hub.kill()
  const journeys = [...before, ...meanwhile, ...(await beginSome('behind'))]
  await hub.restart()

  for (const [turn, steps] of TURNS.entries()) {
    const calls = journeys.flatMap((id, n) => callsOf(id, n, steps))
    await waitUntil(() => expect(gate.held()).toEqual(expect.arrayContaining(calls)))
    const known = await asked()
    // A third is decided and not told yet, a third is answered as the hub is killed, a third while it is away; next time the others.
    const third = (which: number) => calls.filter((_, i) => (i + turn) % 3 === which)
    await cutOff(system, 'hub')
    const decided = new Set(third(0).map((call) => call.replace(/:.*/, '')))
    const revisions = new Map(
      await Promise.all([...decided].map(async (id) => [id, (await show(system, id)).revision] as const)),
    )

    await gate.let(third(0))
    for (const [id, revision] of revisions)
      await waitUntil(async () => expect((await show(system, id)).revision).toBeGreaterThan(revision))
    await gate.let(third(1))
    await hub.kill()
    expect(await asked()).toEqual(known)
    await gate.let(third(2))
    await permitWrites(system.vhost, EVERYTHING)
    await hub.restart()
  }

  const ended = journeys.map((id, n) => [id, isSent(n) ? 'journeys.completed' : 'journeys.compensated'])
  await waitUntil(async () =>
    expect((await endsOf(ends, journeys)).map(({ key, body }) => [body.sagaId, key]).sort()).toEqual(ended.sort()),
  )
  for (const [n, id] of journeys.entries())
    await untilShown(system, id, { status: isSent(n) ? 'COMPLETED' : 'COMPENSATED', timers: [] })
  expect(await accountsSince(system, accountsBefore)).toEqual(
    Object.fromEntries(journeys.map((id, n) => [id, isSent(n) ? FULFILLED : TAKEN_BACK])),
  )
  expect((await asked()).sort()).toEqual(journeys.flatMap((id, n) => callsOf(id, n, TURNS.flat())).sort())
  const { items } = listed.parse((await system.ask('hub', '/api/journeys?type=order')).json)
  expect(items.map(({ id }) => id).sort()).toEqual([...journeys].sort())
})

const listed = z.object({ items: z.array(z.object({ id: z.string() })) })

/** A journey of one step, which takes money, as it says. */
const payment = (type: string, how: object) => ({
  ...{ type, version: 1, deadline: '10m', output: 'outputs.charge.chargeId' },
  activities: { charge: { activity: 'charge', input: "{'amountCents': 500, 'card': '4242'}", ...how } },
})

test.for([
  { what: 'is asked again when it is back', type: 'payment-in-time', charge: { timeout: '5m' }, isLate: false },
  {
    what: 'is asked once more when its time is over',
    type: 'payment-too-late',
    charge: { timeout: '2s', retry: { retries: 25, initialMs: 100, maxMs: 100 } },
    isLate: true,
  },
])(
  'J3: an activity that is killed between its effect and its answer $what: one effect',
  async ({ type, charge, isLate }, { system }) => {
    const { vhost } = system
    const before = await accounts(system)
    await register(system, payment(type, charge))
    const answers = await onlooker(vhost, 'activities.*')
    const id = await begin(system, { type, payload: {} })
    await untilShown(system, id, { status: 'RUNNING' })
    // The connections that the others have are not asked again.
    await permitWrites(vhost, NOT_THE_EVENTS)
    const processor = await guest(system, 'processor', { EBS_ACTIVITIES: 'charge' })
    await waitUntil(async () => expect(Object.keys(await accountsSince(system, before))).toEqual([id]))
    await processor.kill()
    const attempt = await attemptOf(system, id)

    if (isLate) await waitUntil(async () => (await attemptOf(system, id)) > attempt)
    expect((await answers.heard()).filter(({ body }) => String(body.callId).startsWith(id))).toEqual([])
    await permitWrites(vhost, EVERYTHING)
    await processor.restart()

    await untilShown(system, id, { status: 'COMPLETED', activities: { charge: { state: 'done' } } })
    if (!isLate) expect(await attemptOf(system, id)).toBe(1)
    expect(await accountsSince(system, before)).toEqual({ [id]: expect.objectContaining({ charged_cents: 500 }) })
  },
)

const charged = z.object({ activities: z.object({ charge: z.object({ attempt: z.int() }) }) })
const attemptOf = async (system: System, id: string) => charged.parse(await show(system, id)).activities.charge.attempt

test('J3: a result that comes before its journey is kept, also by a hub that is killed, and counts once when it begins', async ({
  system,
}) => {
  const hub = system.process('hub')
  backAtEnd(hub)
  await register(system, payment('payment-overtaken', { timeout: '5m', activity: 'charge-by-hand' }))
  const { early: earlyBefore } = await statusOf(system)
  const ends = await onlooker(system.vhost, ...ENDS)
  const sagaId = 'overtaken.main'
  const answer = (chargeId: string) =>
    system.publish({
      key: 'activities.succeeded',
      body: { type: 'ACTIVITY_SUCCEEDED', callId: `${sagaId}:charge`, output: { chargeId } },
    })
  const early = async (count: number) =>
    waitUntil(async () => expect(await statusOf(system)).toEqual({ early: earlyBefore + count }))

  await answer('the first')
  await early(1)
  // What was said to the hub before has been counted: it hears one after the other.
  const ignoredBefore = await ignoredCounts(system)
  await hub.kill()
  await hub.restart()
  await answer('another')
  await early(2)
  const request = { type: 'INITIATE_WORKFLOW', sagaId, journeyType: 'payment-overtaken', payload: {} }
  await system.publish({ key: 'initiate_workflow', body: request })

  await untilShown(system, sagaId, { status: 'COMPLETED', output: 'the first', timers: [] })
  await early(0)
  await answer('too late')
  await waitUntil(async () => expect(await ignoredSince(system, ignoredBefore)).toEqual({ 'journey late': 2 }))
  expect(await show(system, sagaId)).toMatchObject({ output: 'the first' })
  const told = [{ body: { sagaId, output: 'the first' } }]
  await waitUntil(async () => expect(await endsOf(ends, [sagaId])).toMatchObject(told))
})

const status = z.object({ early: z.number() })
const statusOf = async (system: System) => status.parse((await system.ask('hub', '/api/status')).json)
