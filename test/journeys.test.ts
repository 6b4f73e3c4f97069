import { expect } from 'vitest'
import { z } from 'zod'
import { standIn } from './support/guests.ts'
import {
  accounts,
  accountsSince,
  begin,
  EXAMPLES,
  FULFILLED,
  idIn,
  order,
  TAKEN_BACK,
  untilShown,
} from './support/journeys.ts'
import { distinct, type Onlooker, onlooker } from './support/onlooker.ts'
import { testsOfOneSystem } from './support/shared-system.ts'
import type { System } from './support/system.ts'
import { waitUntil } from './support/wait-until.ts'

const test = testsOfOneSystem({
  services: ['hub', 'gateway', 'processor', 'statistics'],
  env: {
    EBS_DEFINITIONS_DIR: EXAMPLES,
    EBS_ACTIVITIES: 'reserve,release,charge,refund,ship,express-ship,notify,digest',
    EBS_JOURNEY_DEADLINE_WHILE_PARKED: 'frozen',
  },
})
const ENDS = ['journeys.completed', 'journeys.failed', 'journeys.needs-remediation', 'journeys.rejected']
const WAIT = { prefer: 'wait=10' }

const post = (system: System, json: unknown, headers: Readonly<Record<string, string>> = WAIT) =>
  system.ask('gateway', '/api/journeys', { json, headers })
const journey = z.looseObject({ id: z.string(), status: z.string() })
const show = async (system: System, id: string, of = 'gateway') =>
  journey.parse((await system.ask(of, `/api/journeys/${id}`)).json)

const items = z.object({ items: z.array(z.looseObject({ id: z.string() })) })
const listedAt = async (system: System, path: string) => items.parse((await system.ask('hub', path)).json).items
const idsAt = async (system: System, path: string) => (await listedAt(system, path)).map(({ id }) => id)
/** Ends of these journeys that were announced, each once, and who of them needs a person. */
const endsOf = async (ends: Onlooker, ...ids: readonly string[]) =>
  distinct(await ends.heard()).filter(({ body }) => ids.includes(String(body.sagaId)))

test('an order is fulfilled, by either branch: answered in time, shown step by step, each effect once; repeats start nothing', async ({
  system,
}) => {
  const before = await accounts(system)
  const ends = await onlooker(system.vhost, ...ENDS)
  const requests = await onlooker(system.vhost, 'activity.*')

  const [post1, courier] = await Promise.all([post(system, order('k1')), post(system, order('k2', { express: true }))])

  expect(post1).toMatchObject({
    status: 200,
    json: { type: 'order', version: 1, status: 'COMPLETED', output: { totalCents: 1_300, carrier: 'post' } },
  })
  expect(courier).toMatchObject({ status: 200, json: { output: { carrier: 'courier' } } })
  const [id, other] = [idIn(post1), idIn(courier)]
  expect(await show(system, id)).toMatchObject({
    ...{ kind: 'journey', type: 'order', version: 1, status: 'COMPLETED', phase: 'ended', key: 'k1' },
    activities: {
      reserve: { state: 'done', attempt: 1, output: { totalCents: 1_300 } },
      charge: { state: 'done', after: ['reserve'] },
      ship: { state: 'done' },
      express: { state: 'skipped' },
      notify: { state: 'done' },
    },
  })
  expect(await show(system, id, 'hub')).toMatchObject({ status: 'COMPLETED', timers: [] })

  // J2: the same key is the same journey, also once it has ended; with another payload it is refused, by key or by header.
  expect(await post(system, order('k1'))).toMatchObject({ status: 200, json: { id } })
  expect(await post(system, order('k1', { card: 'another' }))).toMatchObject({ status: 409 })
  const { key: _, ...unnamed } = order('k1', { card: 'another' })
  expect(await post(system, unnamed, { ...WAIT, 'idempotency-key': 'k1' })).toMatchObject({ status: 409 })

  expect(await accountsSince(system, before)).toEqual({ [id]: FULFILLED, [other]: FULFILLED })
  const sentBy = z.object({ order_id: z.string(), carrier: z.string().nullable() })
  expect(await system.shopRows(sentBy, 'select order_id, carrier from orders')).toEqual(
    expect.arrayContaining([
      { order_id: id, carrier: 'post' },
      { order_id: other, carrier: 'courier' },
    ]),
  )
  // The hub was asked before anything was said on the bus.
  const said = async () => (await endsOf(ends, id, other)).map(({ key }) => key)
  await waitUntil(async () => expect(await said()).toEqual(['journeys.completed', 'journeys.completed']))
  expect(distinct(await requests.heard())).toHaveLength(8)
  // What is said about journeys is for those who watch: it is no sign of a queue that is missing.
  const unheard = await system.rows(
    z.object({ type: z.string() }),
    "select type from unheard where type like '%JOURNEY%'",
  )
  expect(unheard).toEqual([])
})

const STUCK = '/api/journeys?type=order&attention=remediation'

test('J4: what is refused for good, or fails too often, is left to a person, with what happened and what may be done', async ({
  system,
}) => {
  const before = await accounts(system)
  const stuckBefore = await idsAt(system, STUCK)
  const mocks = { ship: [{ status: 503, error: 'no van today' }] }
  await standIn(system, 'processor', { EBS_MOCK_ACTIVITIES: JSON.stringify(mocks) })

  const [declined, stuck] = await Promise.all([
    post(system, order('declined', { card: 'declined' })),
    post(system, order('without van')),
  ])
  const [refused, failed] = [idIn(declined), idIn(stuck)]

  expect([declined, stuck]).toMatchObject([
    { status: 202, json: { status: 'NEEDS_REMEDIATION' } },
    { status: 202, json: { status: 'NEEDS_REMEDIATION' } },
  ])
  expect(await show(system, refused)).toMatchObject({
    status: 'NEEDS_REMEDIATION',
    remediation: { cause: 'permanent', steps: ['charge'], error: expect.stringContaining('declined') },
    activities: { charge: { state: 'failed', attempt: 1, status: 400 }, ship: { state: 'pending' } },
  })
  // J3: as often as the definition says, which is twice more where it says nothing.
  expect(await show(system, failed)).toMatchObject({
    remediation: { cause: 'exhausted', steps: ['ship'], error: expect.stringContaining('no van today') },
    activities: { ship: { state: 'failed', attempt: 3, status: 503 }, notify: { state: 'done' } },
  })
  const stuckSince = (await listedAt(system, STUCK)).filter(({ id }) => !stuckBefore.includes(id))
  expect(stuckSince).toMatchObject([{ attention: 'remediation' }, { attention: 'remediation' }])
  expect(stuckSince.map(({ id }) => id).toSorted()).toEqual([refused, failed].toSorted())
  expect(await accountsSince(system, before)).toMatchObject({
    [refused]: { reservations: 1, charged_cents: 0, parcels: 0 },
    [failed]: { reservations: 1, charged_cents: 1_300, parcels: 0, notices: 1 },
  })
})

test('J9: a journey of a type that nobody has registered waits, and begins when somebody does', async ({ system }) => {
  const alerts = await onlooker(system.vhost, ...ENDS)
  const fingerprint = {
    ...{ type: 'fingerprint', version: 1, deadline: '1m', output: 'outputs.digest.sha256' },
    activities: { digest: { activity: 'digest', input: "{'content': payload.content}" } },
  }

  const early = await post(system, { type: 'fingerprint', payload: { content: 'abc' } }, {})
  const id = idIn(early)
  expect(early).toMatchObject({ status: 202, json: { status: 'ACCEPTED' } })
  expect(await show(system, id)).toMatchObject({ status: 'ACCEPTED', type: 'fingerprint', waitingFor: 'definition' })
  await waitUntil(async () =>
    expect(await endsOf(alerts, id)).toMatchObject([
      { key: 'journeys.needs-remediation', body: { sagaId: id, cause: 'unknown-type' } },
    ]),
  )

  const registered = await system.ask('hub', '/api/definitions', { json: fingerprint })

  expect(registered).toMatchObject({ status: 201, json: { type: 'fingerprint', version: 1, warnings: [] } })
  const sha256 = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
  await waitUntil(async () => expect(await show(system, id)).toMatchObject({ status: 'COMPLETED', output: sha256 }))
  expect(await system.ask('hub', '/api/definitions', { json: fingerprint })).toMatchObject({ status: 200 })
  expect(await system.ask('hub', '/api/definitions', { json: { ...fingerprint, deadline: '2m' } })).toMatchObject({
    status: 409,
  })
})

test('what a rule sets aside of an activity waits with its journey, whose clock stands still, and goes on when it is brought back', async ({
  system,
}) => {
  const before = await accounts(system)
  const by = { actor: 'ann', reason: 'no vans today' }
  const rule = { id: 'vans', filter: 'tenant == "acme"', queues: ['activity.ship'], ...by }
  expect(await system.ask('hub', '/api/sidelines', { json: rule })).toMatchObject({ status: 201 })
  const [kept, other] = await Promise.all([
    post(system, { ...order('k1'), tenant: 'acme' }, {}),
    post(system, { ...order('k1'), tenant: 'globex' }),
  ])
  expect(other).toMatchObject({ status: 200, json: { status: 'COMPLETED' } })

  const id = idIn(kept)
  await waitUntil(async () =>
    expect(await show(system, id)).toMatchObject({
      ...{ status: 'RUNNING', timers: [], activities: { ship: { state: 'running' }, notify: { state: 'done' } } },
      held: [{ where: 'ebs.sideline.vans.activity.ship', type: 'ACTIVITY_REQUESTED', state: 'held' }],
      frozenTimers: [{ name: 'deadline' }, { name: 'step:ship' }],
    }),
  )
  expect(await system.ask('hub', '/api/sidelines/vans/resolve', { json: by })).toMatchObject({ status: 202 })

  await waitUntil(async () =>
    expect(await show(system, id)).toMatchObject({ status: 'COMPLETED', activities: { ship: { attempt: 1 } } }),
  )
  expect(await accountsSince(system, before)).toEqual({ [id]: FULFILLED, [idIn(other)]: FULFILLED })
})

const BY = { actor: 'ann', reason: 'the customer called' }

const act = (system: System, id: string, name: string, more: object = {}) =>
  system.ask('hub', `/api/remediation/${id}/${name}`, { json: { ...BY, ...more } })
const stuck = (system: System, id: string, step: string) =>
  untilShown(system, id, { status: 'NEEDS_REMEDIATION', remediation: { cause: 'permanent', steps: [step] } })

test('J4, J5: what was refused for good goes on with another input, without the step, or is taken back, as a person decides; then nothing more', async ({
  system,
}) => {
  const before = await accounts(system)
  const stuckBefore = await idsAt(system, '/api/remediation')
  const [patched, skipped, undone, cancelled] = await Promise.all([
    begin(system, order('patched', { card: 'declined' })),
    begin(system, order('skipped', { address: 'nowhere' })),
    begin(system, order('undone', { address: 'nowhere' })),
    begin(system, order('cancelled', { card: 'declined' })),
  ])
  await Promise.all([
    stuck(system, patched, 'charge'),
    stuck(system, skipped, 'ship'),
    stuck(system, undone, 'ship'),
    stuck(system, cancelled, 'charge'),
  ])
  const parcel = { carrier: 'post', tracking: 'by hand' }

  const { json: seen } = await system.ask('hub', `/api/remediation/${patched}`)
  expect(seen).toMatchObject({
    status: 'NEEDS_REMEDIATION',
    steps: ['charge'],
    acts: ['retry', 'skip', 'compensate', 'cancel'],
  })
  // Nothing has changed about it: it is refused again.
  expect(await act(system, patched, 'retry')).toMatchObject({ status: 202 })
  await stuck(system, patched, 'charge')
  expect(await act(system, patched, 'retry', { revision: 1 })).toMatchObject({ status: 409 })
  expect(
    await act(system, patched, 'retry', { step: 'charge', input: { amountCents: 1_300, card: '4242' } }),
  ).toMatchObject({
    status: 202,
  })
  expect(await act(system, skipped, 'skip', { step: 'ship', output: parcel })).toMatchObject({ status: 202 })
  expect(await act(system, undone, 'compensate')).toMatchObject({ status: 202 })
  expect(await act(system, cancelled, 'cancel')).toMatchObject({ status: 202 })

  await untilShown(system, patched, {
    ...{ status: 'COMPLETED', output: { totalCents: 1_300, carrier: 'post' } },
    activities: { charge: { state: 'done', attempt: 3, input: { card: '4242' } } },
  })
  await untilShown(system, skipped, { status: 'COMPLETED', output: parcel, activities: { ship: { state: 'skipped' } } })
  await untilShown(system, undone, { status: 'COMPENSATED' })
  await untilShown(system, cancelled, { status: 'CANCELLED' })
  for (const [id, how] of [
    [patched, 'COMPLETED'],
    [undone, 'COMPENSATED'],
    [cancelled, 'CANCELLED'],
  ] as const)
    expect(await act(system, id, 'compensate')).toMatchObject({ status: 409, json: { journey: { status: how } } })
  expect(await idsAt(system, '/api/remediation')).toEqual(stuckBefore)
  expect(await accountsSince(system, before)).toEqual({
    [patched]: FULFILLED,
    [skipped]: { ...FULFILLED, parcels: 0 },
    [undone]: TAKEN_BACK,
    [cancelled]: { ...FULFILLED, charged_cents: 0, parcels: 0, notices: 0 },
  })
})
