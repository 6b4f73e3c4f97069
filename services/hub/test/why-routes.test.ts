import { expect, test } from 'vitest'
import { answerQuestions } from '../../../shared/bus/answer.ts'
import type { Bus } from '../../../shared/bus/bus.ts'
import { noRules, noWatcher } from '../../../shared/bus/rules.ts'
import type { Body } from '../../../shared/events.ts'
import { silentRecorder } from '../../../shared/service/recorder.ts'
import { StoreUnavailableError } from '../../../shared/store/store.ts'
import { topologyPlan } from '../../../shared/topology.ts'
import { whySchema } from '../why/answer.ts'
import { fakeHeldOperations, heldRow } from './fake-held.ts'
import { flowBody, groupBody, hubFixture } from './hub-fixture.ts'

type Hub = Awaited<ReturnType<typeof hubFixture>>

type Told = Body<'FACTS_TOLD'>['facts']

/** Another service on the hub's broker, which answers questions about any id with these facts. */
async function telling(
  hub: Hub,
  service: 'datagen' | 'statistics',
  facts: Told | ((id: string) => Told),
  as: Partial<Body<'FACTS_TOLD'>> = {},
) {
  const broker = hub.server.connect({ service, plan: topologyPlan('quorum') })
  const { clock, log } = hub
  const bus: Bus = { broker, service, clock, log, recorder: silentRecorder, rules: noRules, outcomes: noWatcher }
  const asked: string[] = []
  await answerQuestions(bus, {
    queue: `${service}_ask`,
    answer(event) {
      if (event.type !== 'FACTS_ASKED') return undefined
      asked.push(event.data.id)
      const { id } = event.data
      return { type: 'FACTS_TOLD', id, service, facts: typeof facts === 'function' ? facts(id) : facts, ...as }
    },
  })
  return asked
}

const whyOf = async (hub: Hub, id: string) => {
  const response = await hub.get(`/api/why/${encodeURIComponent(id)}`)
  expect(response.statusCode).toBe(200)
  return whySchema.parse(response.json())
}

const object = { id: 'o', tenant: 'acme', acceptedAt: '2025-12-31T23:59:59.000Z', state: 'accepted' }
const objectGroup = {
  ...groupBody('o', ['o.1', 'o.2']),
  completedBy: 'tasks' as const,
  payload: { tenant: 'acme', createdAt: '2025-12-31T23:59:59.000Z' },
}

test('an object is told from what datagen, statistics, the hub, its catalogue and the broker know, with one question to each, and one for each task that is missing and was not told', async () => {
  const held = fakeHeldOperations()
  const parked = heldRow({
    subject: 'o.2',
    place: 'ebs.sideline.r.process_consume',
    rule: 'r#1',
    error: null,
    firstFailedAtMs: null,
  })
  held.held.heldAbout.mockImplementation((id) => (id === 'o.2' ? [parked] : []))
  await using hub = await hubFixture({ asker: 'real', held })
  const asked = [
    await telling(hub, 'datagen', { object }),
    await telling(hub, 'statistics', { object: { id: 'o' }, tasks: { total: 2, finished: 1, unfinished: [] } }),
  ]
  await hub.hear(objectGroup)

  const why = await whyOf(hub, 'o')

  expect(why).toMatchObject({
    kind: 'object',
    state: 'parked',
    where: { queue: 'process_consume', rule: 'r' },
    timeline: [
      { at: object.acceptedAt, what: 'the object was accepted', by: 'datagen' },
      { what: 'opened', by: 'hub' },
      { what: 'task ….2: TASK_CREATED was parked', by: 'rule r' },
    ],
    missing: [],
  })
  expect(why.related.map(({ id, state }) => `${id} ${state}`)).toEqual(['o.2 parked', 'o.1 waiting'])
  expect(asked).toEqual([['o'], ['o', 'o.1', 'o.2']])
})

test('who does not answer within two seconds is named, and the rest is told', async () => {
  await using hub = await hubFixture({ asker: 'real' })
  await telling(hub, 'statistics', {})
  await hub.hear(flowBody('f1'))

  const asking = whyOf(hub, 'f1')
  await hub.clock.advance(2_000)

  expect(await asking).toMatchObject({
    kind: 'flow',
    state: 'waiting',
    missing: ['datagen did not answer within 2 s: what it has stored is missing here'],
  })
})

test('facts that this version does not understand are said to be missing', async () => {
  await using hub = await hubFixture({ asker: 'real' })
  await telling(hub, 'statistics', {})
  await telling(hub, 'datagen', { object: { id: 7 } })

  expect((await whyOf(hub, 'o')).missing[0]).toMatch(/^datagen answers with what this version does not understand/)
})

test.each([
  { name: 'about another id', facts: { object }, as: { id: 'somebody-else' } },
  { name: 'of another service', facts: { object }, as: { service: 'mallory' } },
  { name: 'with a time that is none', facts: { object: { ...object, acceptedAt: 'soon' } }, as: {} },
  { name: 'with a name that is none', facts: { object: { ...object, tenant: 'x'.repeat(1_000) } }, as: {} },
])('an answer $name is not believed, and the rest is told', async ({ facts, as }) => {
  await using hub = await hubFixture({ asker: 'real' })
  await telling(hub, 'datagen', facts, as)
  await telling(hub, 'statistics', {})
  await hub.hear(flowBody('o'))

  expect(await whyOf(hub, 'o')).toMatchObject({
    kind: 'flow',
    missing: [expect.stringMatching(/^datagen answers with what this version does not understand/)],
  })
})

test('of an error that is very long the beginning is told', async () => {
  await using hub = await hubFixture({ asker: 'real' })
  const failed = { ...object, state: 'failed', endedAt: object.acceptedAt, error: 'e'.repeat(100_000) }
  await telling(hub, 'datagen', { object: failed })
  await telling(hub, 'statistics', {})

  const why = await whyOf(hub, 'o')

  expect(why.summary).toContain('… (100000 characters)')
  expect(JSON.stringify(why).length).toBeLessThan(5_000)
})

test('tasks that are done while the hub is behind are told as done: statistics is asked for them by id', async () => {
  await using hub = await hubFixture({ asker: 'real' })
  await telling(hub, 'datagen', { object })
  await telling(hub, 'statistics', (id) =>
    id === 'o'
      ? { object: { id }, tasks: { total: 2, finished: 2, unfinished: [] } }
      : { task: { id, objectId: 'o', attempts: 1, finishedAt: object.acceptedAt } },
  )
  await hub.hear(objectGroup)

  const why = await whyOf(hub, 'o')

  expect(why.summary).toContain('The hub has not heard that yet: the news')
  expect(why.related.map(({ id, state }) => `${id} ${state}`)).toEqual(['o.1 completed', 'o.2 completed'])
})

test('what lies somewhere is told, however much about it has been settled since', async () => {
  const held = fakeHeldOperations()
  const place = { queue: 'flow_worker_consume', subject: 'f1', type: 'FLOW_CALLED' }
  const settled = Array.from({ length: 100 }, (_, n) => heldRow({ ...place, id: `n${n}`, state: 'handled', job: 'j' }))
  held.held.heldAbout.mockImplementation((_, limit) => [...settled, heldRow({ ...place, id: 'old' })].slice(0, limit))
  await using hub = await hubFixture({ held })
  await hub.hear(flowBody('f1'))

  expect((await whyOf(hub, 'f1')).commands[0]?.command).toBe("ebs dead replay old --reason '…'")
})

test('when more has been held than is looked through, that is said', async () => {
  const held = fakeHeldOperations()
  held.held.heldAbout.mockImplementation((_, limit) =>
    Array.from({ length: Math.min(limit, 10_000) }, (_one, n) => heldRow({ id: `n${n}`, state: 'handled', job: 'j' })),
  )
  await using hub = await hubFixture({ held })
  await hub.hear(flowBody('f1'))

  expect((await whyOf(hub, 'f1')).missing).toContain(
    'of the messages about f1 that were held the newest 500 were looked at',
  )
})

test('a word that a message in the outbox says is no id: nobody knows it', async () => {
  await using hub = await hubFixture()
  const empty = { ...groupBody('g1', []), payload: { customer: 'acme' } }
  await hub.hear(empty)

  expect(await whyOf(hub, 'acme')).toMatchObject({ kind: 'unknown' })
  expect((await whyOf(hub, 'g1')).timeline.at(-1)).toMatchObject({ by: 'hub', what: expect.stringMatching(/outbox$/) })
})

test('while nobody can be asked, the hub tells what it has, and what it is about to say', async () => {
  await using hub = await hubFixture()
  await hub.hear(groupBody('g1', []))

  const why = await whyOf(hub, 'g1')

  expect(why).toMatchObject({ kind: 'group', state: 'completed' })
  expect(why.timeline.at(-1)).toMatchObject({ what: "EventGroupCollectorSuccess waits in the hub's outbox" })
  expect(why.missing.map((text) => text.split(' ')[0])).toEqual(['datagen', 'statistics'])
})

test('a step of a journey, a call of a flow and the task of an object lead to what they belong to', async () => {
  await using hub = await hubFixture()
  await hub.hear(objectGroup, flowBody('f1'))

  expect(await whyOf(hub, 'o.1')).toMatchObject({ kind: 'task', related: [{ kind: 'object', id: 'o' }] })
  expect(await whyOf(hub, 'f1.1')).toMatchObject({ kind: 'call', related: [{ kind: 'flow', id: 'f1' }] })
  expect(await whyOf(hub, 'f1:install')).toMatchObject({ kind: 'call', summary: expect.stringContaining('install') })
  expect(await whyOf(hub, 'f1.9')).toMatchObject({ kind: 'unknown' })
})

test('what lies in a store that is out of reach is missing; the rest is told', async () => {
  await using hub = await hubFixture()
  await hub.hear(groupBody('g1'))
  const { reader } = hub.operations.store
  const find = reader.findConversation.bind(reader)
  reader.findConversation = (id) => {
    if (id.kind === 'flow') throw new StoreUnavailableError('the secondary is away')
    return find(id)
  }

  expect(await whyOf(hub, 'g1')).toMatchObject({
    kind: 'group',
    state: 'waiting',
    missing: expect.arrayContaining(["the hub's store: the secondary is away"]),
  })
})

test.each([
  { id: 'x'.repeat(255), status: 200 },
  { id: 'x'.repeat(256), status: 400 },
  { id: 'ü €/%:..', status: 200 },
])('ids are at most 255 characters: $status', async ({ id, status }) => {
  await using hub = await hubFixture()

  const response = await hub.get(`/api/why/${encodeURIComponent(id)}`)

  expect(response.statusCode).toBe(status)
  if (status === 200) expect(response.json()).toMatchObject({ id, kind: 'unknown', state: 'unknown' })
})
