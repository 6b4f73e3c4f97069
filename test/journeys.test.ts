import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { distinct, onlooker } from './support/onlooker.ts'
import { type System, startSystem } from './support/system.ts'
import { waitUntil } from './support/wait-until.ts'

const services = ['hub', 'gateway', 'processor', 'statistics'] as const
const env = {
  EBS_DEFINITIONS_DIR: join(import.meta.dirname, '..', 'docs', 'examples', 'journeys'),
  EBS_ACTIVITIES: 'reserve,charge,ship,express-ship,notify,digest',
}
const ENDS = ['journeys.completed', 'journeys.failed', 'journeys.needs-remediation', 'journeys.rejected']
const WAIT = { prefer: 'wait=10' }

const goods = { items: [{ sku: 'tea', quantity: 2 }], card: '4242', address: 'Main St 1', email: 'ada@example.com' }
const order = (key: string, changed: object = {}) => ({ type: 'order', key, payload: { ...goods, ...changed } })

const post = (system: System, json: unknown, headers: Readonly<Record<string, string>> = WAIT) =>
  system.ask('gateway', '/api/journeys', { json, headers })
const journey = z.looseObject({ id: z.string(), status: z.string() })
const show = async (system: System, id: string, of = 'gateway') =>
  journey.parse((await system.ask(of, `/api/journeys/${id}`)).json)
const begun = (answer: { json: unknown }) => z.looseObject({ id: z.string() }).parse(answer.json).id

const account = z.object({
  reservations: z.int(),
  charged_cents: z.int(),
  parcels: z.int(),
  carrier: z.string().nullable(),
  notices: z.int(),
})
const accounts = (system: System) => system.shopRows(account, 'select * from orders order by carrier, charged_cents')
const EFFECTS = { reservations: 1, charged_cents: 1_300, parcels: 1, notices: 1 }

test('an order is fulfilled, by either branch: answered in time, shown step by step, each effect once; repeats start nothing', async () => {
  await using system = await startSystem({ services, env })
  const ends = await onlooker(system.vhost, ...ENDS)
  const requests = await onlooker(system.vhost, 'activity.*')

  const [post1, courier] = await Promise.all([post(system, order('k1')), post(system, order('k2', { express: true }))])

  expect(post1).toMatchObject({
    status: 200,
    json: { type: 'order', version: 1, status: 'COMPLETED', output: { totalCents: 1_300, carrier: 'post' } },
  })
  expect(courier).toMatchObject({ status: 200, json: { output: { carrier: 'courier' } } })
  const id = begun(post1)
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

  expect(await accounts(system)).toEqual([
    { ...EFFECTS, carrier: 'courier' },
    { ...EFFECTS, carrier: 'post' },
  ])
  // The hub was asked before anything was said on the bus.
  const said = distinct(await ends.heard()).map(({ key }) => key)
  expect(said).toEqual(['journeys.completed', 'journeys.completed'])
  expect(distinct(await requests.heard())).toHaveLength(8)
  // What is said about journeys is for those who watch: it is no sign of a queue that is missing.
  const unheard = await system.rows(
    z.object({ type: z.string() }),
    "select type from unheard where type like '%JOURNEY%'",
  )
  expect(unheard).toEqual([])
})

test('J4: what is refused for good, or fails too often, is left to a person, with what happened and what may be done', async () => {
  const mocks = { ship: [{ status: 503, error: 'no van today' }] }
  await using system = await startSystem({ services, env: { ...env, EBS_MOCK_ACTIVITIES: JSON.stringify(mocks) } })

  const [declined, stuck] = await Promise.all([
    post(system, order('k1', { card: 'declined' })),
    post(system, order('k2')),
  ])

  expect([declined, stuck]).toMatchObject([
    { status: 202, json: { status: 'NEEDS_REMEDIATION' } },
    { status: 202, json: { status: 'NEEDS_REMEDIATION' } },
  ])
  expect(await show(system, begun(declined))).toMatchObject({
    status: 'NEEDS_REMEDIATION',
    remediation: { cause: 'permanent', steps: ['charge'], error: expect.stringContaining('declined') },
    activities: { charge: { state: 'failed', attempt: 1, status: 400 }, ship: { state: 'pending' } },
  })
  // J3: as often as the definition says, which is twice more where it says nothing.
  expect(await show(system, begun(stuck))).toMatchObject({
    remediation: { cause: 'exhausted', steps: ['ship'], error: expect.stringContaining('no van today') },
    activities: { ship: { state: 'failed', attempt: 3, status: 503 }, notify: { state: 'done' } },
  })
  const listed = await system.ask('hub', '/api/journeys?type=order&attention=remediation')
  expect(listed.json).toMatchObject({ items: [{ attention: 'remediation' }, { attention: 'remediation' }] })
  expect(await accounts(system)).toMatchObject([
    { reservations: 1, charged_cents: 0, parcels: 0 },
    { reservations: 1, charged_cents: 1_300, parcels: 0, notices: 1 },
  ])
})

test('J9: a journey of a type that nobody has registered waits, and begins when somebody does', async () => {
  await using system = await startSystem({
    services: ['hub', 'gateway', 'processor'],
    env: { EBS_ACTIVITIES: 'digest' },
  })
  const alerts = await onlooker(system.vhost, ...ENDS)
  const fingerprint = {
    ...{ type: 'fingerprint', version: 1, deadline: '1m', output: 'outputs.digest.sha256' },
    activities: { digest: { activity: 'digest', input: "{'content': payload.content}" } },
  }

  const early = await post(system, { type: 'fingerprint', payload: { content: 'abc' } }, {})
  const id = begun(early)
  expect(early).toMatchObject({ status: 202, json: { status: 'ACCEPTED' } })
  expect(await show(system, id)).toMatchObject({ status: 'ACCEPTED', type: 'fingerprint', waitingFor: 'definition' })
  await waitUntil(async () =>
    expect(distinct(await alerts.heard())).toMatchObject([
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

test('what a rule sets aside of an activity waits with its journey, whose clock stands still, and goes on when it is brought back', async () => {
  const frozen = { ...env, EBS_JOURNEY_DEADLINE_WHILE_PARKED: 'frozen' }
  await using system = await startSystem({ services: ['hub', 'gateway', 'processor'], env: frozen })
  const by = { actor: 'ann', reason: 'no vans today' }
  const rule = { id: 'vans', filter: 'tenant == "acme"', queues: ['activity.ship'], ...by }
  expect(await system.ask('hub', '/api/sidelines', { json: rule })).toMatchObject({ status: 201 })
  const [kept, other] = await Promise.all([
    post(system, { ...order('k1'), tenant: 'acme' }, {}),
    post(system, { ...order('k1'), tenant: 'globex' }),
  ])
  expect(other).toMatchObject({ status: 200, json: { status: 'COMPLETED' } })

  const id = begun(kept)
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
  expect(await accounts(system)).toMatchObject([EFFECTS, EFFECTS])
})
