import { expect, test } from 'vitest'
import type { Body } from '../../../../shared/events.ts'
import type { Conversation } from '../../../../shared/store/conversations.ts'
import { parkingQueue, parkingQueueOf } from '../../../../shared/topology.ts'
import { LateParking } from '../late-parking.ts'
import { heldSite, memory, QUEUE, row, type Site, task } from './held-fixture.ts'

const PLACE = parkingQueueOf('r1', QUEUE)

const conversation = (kind: string, key: string, state: object, endedAtMs: number | null): Conversation => ({
  ...{ kind, key, state: JSON.stringify(state), endedAtMs },
  ...{
    version: 1,
    correlationId: 'c',
    tenant: null,
    traceparent: null,
    label: null,
    attention: null,
    status: 'x',
    createdAtMs: 1,
    changedAtMs: 1,
  },
})

/** The hub's part, with conversations as the test has them. */
function lateAt({ bus, store, locks }: Site) {
  const conversations = new Map<string, Conversation>()
  const requested: Body<'REPLAY_REQUESTED'>[] = []
  const put = (one: Conversation) => conversations.set(`${one.kind} ${one.key}`, one)
  const late = new LateParking({
    ...{ bus, locks, rules: () => new Map([['r1', { phase: 'lifted' as const }]]) },
    store: {
      held: store.held,
      reader: {
        findConversation: ({ kind, key }) => conversations.get(`${kind} ${key}`),
        listConversations: ({ kind }) => ({
          items: [...conversations.values()].filter((one) => one.kind === kind && one.endedAtMs === null),
          next: undefined,
        }),
      },
    },
    async tell(body) {
      if (body.type !== 'REPLAY_REQUESTED') throw new Error(`not asked for: ${body.type}`)
      requested.push(body)
      job(body, null)
    },
  })
  const job = ({ id, sources }: Body<'REPLAY_REQUESTED'>, endedAtMs: number | null) =>
    put(conversation('replay', id, { sources }, endedAtMs))
  const rule = (endedAtMs: number | null) => put(conversation('sideline', 'r1', {}, endedAtMs))
  return { late, requested, rule, job }
}

async function park(site: Site, id: string, heldAtMs = Date.now()): Promise<void> {
  await site.bus.broker.declare(parkingQueue('r1', QUEUE, 'quorum'))
  await site.publish(PLACE, task(id), { 'x-ebs-held': id, 'x-ebs-rule': 'r1#7' })
  await site.store.write(({ held }) => held.addHeld([row({ id, place: PLACE, rule: 'r1#7', heldAtMs })]))
}

/** As its job does. */
async function bringBack(site: Site, job: string, ids: readonly string[]): Promise<void> {
  expect(await site.drain(PLACE)).toHaveLength(ids.length)
  await site.store.write(({ held }) => held.moved(job, ids, 'released', Date.now()))
}

test('what was set aside when its rule was over is replayed by one job at a time, and the empty queue is removed', async () => {
  await using site = await heldSite(memory)
  const { late, requested, rule, job } = lateAt(site)
  rule(1)
  await park(site, 'a')

  await late.run()
  await park(site, 'b', Date.now() + 1)
  await late.run()

  const about = { act: 'replay', which: 'front', rule: 'r1#7', actor: 'ebs', reason: expect.stringContaining('stood') }
  expect(requested).toMatchObject([{ ...about, sources: [{ from: PLACE, to: QUEUE, count: 1 }] }])
  const [first] = requested
  if (first) job(first, 2)
  await late.run()
  expect(requested).toMatchObject([about, { ...about, sources: [{ from: PLACE, to: QUEUE, count: 2 }] }])
  await bringBack(site, 'j', ['a', 'b'])
  await late.run()
  expect(await site.depth(PLACE)).toBe(0)
  const [, second] = requested
  if (second) job(second, 3)
  await late.run()

  expect(await site.depth(PLACE)).toBeUndefined()
  expect(requested).toHaveLength(2)
})

test('a job that somebody has cancelled is not asked for again', async () => {
  await using site = await heldSite(memory)
  const { late, requested, rule, job } = lateAt(site)
  rule(1)
  await park(site, 'a')

  await late.run()
  const [cancelled] = requested
  if (cancelled) job(cancelled, 2)
  await late.run()

  expect(requested).toHaveLength(1)
  expect(await site.depth(PLACE)).toBe(1)
})

test('what a rule has set aside that is not over, or has been started again, is left to it', async () => {
  await using site = await heldSite(memory)
  const { late, requested, rule } = lateAt(site)
  rule(null)
  await park(site, 'a')

  await late.run()
  expect(requested).toEqual([])
  rule(1)
  await late.run()
  expect(requested).toHaveLength(1)
  rule(null)
  await bringBack(site, 'j', ['a'])
  await late.run()

  expect(await site.depth(PLACE)).toBe(0)
})
