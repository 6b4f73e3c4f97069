import { expect, test } from 'vitest'
import { parseEvent } from '../../../../shared/bus/envelope.ts'
import type { Arrived } from '../../../../shared/bus/stateful-consumer.ts'
import { type Body, rowOf } from '../../../../shared/events.ts'
import { intakeOf, isHeldNews } from '../intake.ts'
import { DEAD, heldSite, memory, noThreads, QUEUE, row, type Site } from './held-fixture.ts'

/** An intake whose kernel notes what it gets. */
function intakeAt(site: Site) {
  const decided: string[] = []
  const known: string[] = []
  const handle = intakeOf({
    clock: site.bus.clock,
    threads: noThreads,
    decide: async (arrived) => {
      decided.push(...arrived.map((one) => ('type' in one ? one.type : one.stranger)))
      return []
    },
    onKnown: (type) => known.push(type),
  })
  return {
    decided,
    known,
    take: (...arrived: readonly Arrived[]) => site.store.write((tx) => handle(arrived, tx)),
  }
}

let ids = 0
function event(body: Body, { id = `e${++ids}`, tenant, atMs }: { id?: string; tenant?: string; atMs?: number } = {}) {
  const parsed = parseEvent({
    exchange: 'ebs',
    key: rowOf(body.type).key,
    body: Buffer.from(JSON.stringify(body)),
    properties: {
      messageId: id,
      correlationId: 'c1',
      headers: { ...(tenant && { 'x-ebs-tenant': tenant }), ...(atMs && { 'x-ebs-at': atMs }) },
    },
  })
  if (!('data' in parsed)) throw new Error(JSON.stringify(parsed))
  return parsed
}
const by = { actor: 'ann', reason: 'db down' }
const replay = { job: 'j1', held: 'h1' }
const handled = { type: 'MESSAGE_REPLAYED', queue: QUEUE, messageId: 'm', reason: 'handled', replay } as const
const dead: Body = { type: 'MESSAGE_DEAD', queue: QUEUE, messageId: 'm', reason: 'exhausted', error: 'Error: disk 7' }

test('news of dead and parked messages becomes rows under the id of the news, and is nothing to the kernel; nor is what was dropped', async () => {
  await using site = await heldSite(memory)
  const intake = intakeAt(site)

  await intake.take(
    event({ ...dead, attempts: 26, deadType: 'TASK_CREATED', deadKey: 'task-requests' }, { id: 'd1', tenant: 'acme' }),
    event({ type: 'MESSAGE_PARKED', queue: QUEUE, messageId: 'm2', reason: 'db down', rule: 'r1#7' }, { id: 'p1' }),
    event({ type: 'SIDELINE_CHANGED', id: 'r1', status: 'active', actor: 'ann', reason: 'db down' }),
    event({ type: 'MESSAGES_DISCARDED', queue: QUEUE, job: 'j1', act: 'discard', ...by, messages: [] }),
  )

  expect(intake.decided).toEqual(['SIDELINE_CHANGED'])
  expect(intake.known).toEqual([])
  expect(await site.store.held.findHeld('d1')).toMatchObject({
    ...{ place: DEAD, queue: QUEUE, messageId: 'm', type: 'TASK_CREATED', key: 'task-requests', tenant: 'acme' },
    ...{ correlationId: 'c1', reason: 'exhausted', error: 'Error: disk 7', attempts: 26, rule: null, state: 'held' },
    fingerprint: expect.any(String),
  })
  expect(await site.store.held.findHeld('p1')).toMatchObject({
    ...{ place: `ebs.sideline.r1.${QUEUE}`, queue: QUEUE, messageId: 'm2', rule: 'r1#7', fingerprint: null },
  })
})

test('one that dies again under the same id when its last stay is over is listed again, and once', async () => {
  await using site = await heldSite(memory)
  const intake = intakeAt(site)
  const [firstMs, againMs] = [Date.now() - 50_000, Date.now()]
  await intake.take(event(dead, { id: 'd1', atMs: firstMs }))
  await site.store.write(({ held }) => held.moved('j1', ['d1'], 'discarded', firstMs + 10_000))

  await intake.take(event(dead, { id: 'd1', atMs: firstMs }))
  expect(await site.states()).toEqual({ d1: 'discarded' })
  await intake.take(event(dead, { id: 'd1', atMs: againMs }), event(dead, { id: 'd1', atMs: againMs }))
  await intake.take(event(dead, { id: 'd1', atMs: againMs }))

  expect(await site.states()).toEqual({ d1: 'discarded', 'd1~2': 'held' })
  expect(isHeldNews(event(dead))).toBe(true)
  expect(isHeldNews(event(handled))).toBe(false)
})

test('S7: an outcome counts once, however often it is told, and in whatever order it and the note of the move come', async () => {
  await using site = await heldSite(memory)
  await site.store.write(({ held }) => held.addHeld([row({ id: 'h1' })]))
  const intake = intakeAt(site)

  await intake.take(event(handled), event(handled))
  await intake.take(event(handled))
  await site.store.write(({ held }) => held.moved('j1', ['h1'], 'released', 1))

  expect(intake.decided).toEqual(['MESSAGE_REPLAYED'])
  expect(intake.known).toEqual(['MESSAGE_REPLAYED', 'MESSAGE_REPLAYED'])
  expect(await site.states()).toEqual({ h1: 'handled' })
})

test('one that fails is told once, dies again, and is held under another id', async () => {
  await using site = await heldSite(memory)
  await site.store.write(async ({ held }) => {
    await held.addHeld([row({ id: 'h1' })])
    await held.moved('j1', ['h1'], 'released', 1)
  })
  const intake = intakeAt(site)
  const failing: Body = {
    type: 'MESSAGE_FAILING',
    queue: QUEUE,
    messageId: 'm',
    reason: 'failed',
    error: 'again',
    replay,
  }

  await intake.take(event(failing), event(failing))
  await intake.take(event({ ...dead, replay }, { id: 'd2' }))
  await intake.take(event(failing))

  expect(intake.decided).toEqual(['MESSAGE_FAILING', 'MESSAGE_DEAD'])
  expect(await site.states()).toEqual({ h1: 'dead', d2: 'held' })
})

test('outcomes of messages that the catalogue does not have are counted, and change nothing', async () => {
  await using site = await heldSite(memory)
  const intake = intakeAt(site)

  await intake.take(event(handled), event({ ...handled, replay: { job: 'j9', held: 'h9' } }))

  expect(intake.decided).toEqual([])
  expect(intake.known).toHaveLength(2)
  expect(await site.states()).toEqual({})
})

test.each([
  { status: 'cancelled' as const, left: 'held' },
  { status: 'completed' as const, left: 'held' },
  { status: 'stopped' as const, left: 'chosen' },
])('what a job has not moved when it is $status is $left', async ({ status, left }) => {
  await using site = await heldSite(memory)
  const many = Array.from({ length: 1_500 }, (_, i) => `h${i}`)
  await site.store.write(async ({ held }) => {
    await held.addHeld(many.map((id) => row({ id })))
    await held.choose('j1', many, 1)
    await held.moved('j1', ['h0'], 'released', 1)
  })
  const intake = intakeAt(site)

  await intake.take(
    event({ type: 'REPLAY_ENDED', id: 'j1', status, total: 1_500, handled: 0, failed: 0, reason: 'test' }),
  )

  const states = Object.values(await site.states())
  expect(states.filter((state) => state === left)).toHaveLength(1_499)
  expect(intake.decided).toEqual(['REPLAY_ENDED'])
})
