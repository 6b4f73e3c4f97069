import { describe, expect, test } from 'vitest'
import type { Broker } from '../../../../shared/bus/broker.ts'
import { parseEvent } from '../../../../shared/bus/envelope.ts'
import { gated } from '../../../../shared/bus/test/bus-fixture.ts'
import { VirtualClock } from '../../../../shared/clock.ts'
import { parkingQueue, parkingQueueOf, unroutedQueue } from '../../../../shared/topology.ts'
import { Comparison, type ComparisonOptions } from '../comparison.ts'
import {
  brokers,
  DEAD,
  fillDead,
  heldSite,
  idsOf,
  isoAgo,
  memory,
  noThreads,
  QUEUE,
  row,
  type Site,
  task,
} from './held-fixture.ts'

const comparisonOf = ({ bus, store, locks }: Site, changed: Partial<ComparisonOptions> = {}) =>
  new Comparison({ bus, store, locks, threads: noThreads, queues: () => [QUEUE], parking: async () => [], ...changed })
const eventsOf = async (site: Site) =>
  (await site.drain('hub_consume')).map(parseEvent).flatMap((parsed) => ('data' in parsed ? [parsed] : []))

describe.each(brokers)('the comparison of catalogue and queues, on $broker', ({ start }) => {
  test('lists what nobody has told of, and calls gone what somebody took away', async () => {
    await using site = await heldSite(start)
    await fillDead(site, ['kept', 'known'])
    await site.publish(DEAD, task('told-nobody'), {
      'x-ebs-held': 'told-nobody',
      'x-ebs-queue': QUEUE,
      'x-ebs-reason': 'exhausted',
      'x-ebs-error': 'Error: disk 7 is full',
      'x-ebs-tenant': 'acme',
      'x-ebs-attempts': 26,
    })
    const longAgoMs = Date.now() - 120_000
    await site.store.write(({ held }) =>
      held.addHeld([row({ id: 'taken', heldAtMs: longAgoMs, changedAtMs: longAgoMs })]),
    )
    await site.publishTo({ exchange: 'ebs', key: 'nobody-hears' }, task('unrouted'))
    await site.depthBecomes(unroutedQueue, 1)
    await site.depthBecomes(DEAD, 3)

    await comparisonOf(site).look(DEAD)
    await comparisonOf(site).look(unroutedQueue)

    expect(await site.states()).toMatchObject({ kept: 'held', known: 'held', 'told-nobody': 'held', taken: 'gone' })
    expect(await site.store.held.findHeld('told-nobody')).toMatchObject({
      ...{ place: DEAD, queue: QUEUE, messageId: 'm-told-nobody', type: 'TASK_CREATED', tenant: 'acme' },
      ...{ reason: 'exhausted', error: 'Error: disk 7 is full', attempts: 26, fingerprint: expect.any(String) },
    })
    const { items } = await site.store.held.listHeld({ place: unroutedQueue }, { limit: 10 })
    expect(items).toMatchObject([{ messageId: 'm-unrouted', queue: null, reason: 'unrouted', key: 'nobody-hears' }])
    // Looking changes nothing: all of it lies where it lay.
    expect(idsOf(await site.drain(DEAD))).toEqual(['m-kept', 'm-known', 'm-told-nobody'])
  })

  test('what was moved, and is still there because its hub died, is removed; what came back is held again', async () => {
    await using site = await heldSite(start)
    await fillDead(site, ['moved', 'back'])
    await site.store.write(async ({ held }) => {
      await held.moved('j1', ['moved'], 'released', 1)
      await held.markSeen(DEAD, ['back'], 1)
      await held.markGone(DEAD, 2)
    })
    expect(await site.states()).toEqual({ moved: 'released', back: 'gone' })

    await comparisonOf(site).look(DEAD)

    expect(await site.states()).toEqual({ moved: 'released', back: 'held' })
    expect(idsOf(await site.drain(DEAD))).toEqual(['m-back'])
  })

  test('R6: what the broker itself dead-lettered gets its headers, its MESSAGE_DEAD, and the TASK_FAILED that an object waits for', async () => {
    await using site = await heldSite(start)
    await site.publish(DEAD, task('t1'), { 'x-ebs-key': 'task-requests', 'x-ebs-attempt': 2 })
    await site.depthBecomes(DEAD, 1)

    await comparisonOf(site).look(DEAD)
    await comparisonOf(site).look(DEAD)

    const events = await eventsOf(site)
    expect(events.map(({ data }) => data)).toMatchObject([
      {
        type: 'MESSAGE_DEAD',
        queue: QUEUE,
        messageId: 'm-t1',
        reason: 'crashed',
        attempts: 2,
        deadType: 'TASK_CREATED',
        subject: { kind: 'task', id: 't1' },
      },
      { type: 'TASK_FAILED', taskId: 't1', objectId: 'o-t1', attempt: 2, final: true },
    ])
    const [message, ...others] = await site.drain(DEAD)
    expect(others).toEqual([])
    const id = events[0]?.meta.id
    expect(message?.properties.headers).toMatchObject({
      'x-ebs-held': id,
      'x-ebs-reason': 'crashed',
      'x-ebs-queue': QUEUE,
    })
    expect(message?.properties.messageId).toBe('m-t1')
    const { items } = await site.store.held.listHeld({}, { limit: 10 })
    expect(items).toMatchObject([{ id, place: DEAD, queue: QUEUE, reason: 'crashed', tenant: 'acme', state: 'held' }])
  })

  test('an adoption that is cut off between the copy and the end of the original leaves one message in the end', async () => {
    await using site = await heldSite(start)
    await site.publish(DEAD, task('t1'), { 'x-ebs-key': 'task-requests' })
    await site.depthBecomes(DEAD, 1)
    const { bus, store } = site
    let isSent = false
    const broker = gated(bus.broker, async () => {
      isSent = true
    })
    const write: typeof store.write = (job) => (isSent ? Promise.reject(new Error('kill -9')) : store.write(job))
    const dying = comparisonOf(site, { bus: { ...bus, broker }, store: { held: store.held, write } })

    await expect(dying.look(DEAD)).rejects.toThrow('kill -9')
    await site.depthBecomes(DEAD, 2)
    await comparisonOf(site).look(DEAD)

    expect(idsOf(await site.drain(DEAD))).toEqual(['m-t1'])
  })
})

describe('a message whose stay is over', () => {
  const died = (id: string, agoMs: number) =>
    ({
      'x-ebs-held': id,
      'x-ebs-queue': QUEUE,
      'x-ebs-reason': 'exhausted',
      'x-ebs-last-failed-at': isoAgo(agoMs),
    }) as const

  test.each([
    { agoMs: 300_000, name: 'the same stay', isCopy: true },
    { agoMs: 200_000, name: 'died twice, long before its end', isCopy: true },
    { agoMs: 130_000, name: 'as far before its end as clocks may be apart', isCopy: false },
    { agoMs: 10, name: 'died again afterwards', isCopy: false },
    { agoMs: Number.NaN, name: 'says nothing of its time', isCopy: false },
  ])('$name: is removed as a copy: $isCopy', async ({ agoMs, isCopy }) => {
    await using site = await heldSite(memory)
    const nowMs = Date.now()
    for (const state of ['discarded', 'archived', 'released', 'handled', 'dead', 'parked'] as const) {
      await site.store.write(async ({ held }) => {
        await held.addHeld([row({ id: state, heldAtMs: nowMs - 300_000 })])
        const isMoved = state === 'discarded' || state === 'archived' || state === 'released'
        await held.moved('j1', [state], isMoved ? state : 'released', nowMs - 100_000)
        if (!isMoved) await held.settle(state, state, nowMs - 100_000)
      })
      const { 'x-ebs-last-failed-at': _, ...timeless } = died(state, 0)
      await site.publish(DEAD, task(state), Number.isNaN(agoMs) ? timeless : died(state, agoMs))
    }

    await comparisonOf(site).look(DEAD)
    await comparisonOf(site).look(DEAD)

    const { items } = await site.store.held.listHeld({ states: ['held'] }, { limit: 100 })
    const ids = ['discarded', 'archived', 'released', 'handled', 'dead', 'parked'].map((id) => `${id}~2`)
    expect(items.map(({ id }) => id).toSorted()).toEqual(isCopy ? [] : ids.toSorted())
    expect(await site.depth(DEAD)).toBe(isCopy ? 0 : 6)
  })

  test('may die a third time', async () => {
    await using site = await heldSite(memory)
    await site.store.write(async ({ held }) => {
      await held.addHeld(['a', 'a~2'].map((id) => row({ id, heldAtMs: Date.now() - 300_000 })))
      await held.moved('j1', ['a', 'a~2'], 'discarded', Date.now() - 100_000)
    })
    await site.publish(DEAD, task('a'), died('a', 0))

    await comparisonOf(site).look(DEAD)

    expect(await site.states()).toEqual({ a: 'discarded', 'a~2': 'discarded', 'a~3': 'held' })
    expect(await site.depth(DEAD)).toBe(1)
  })

  test('that no queue wants after its replay either is held again, and stays', async () => {
    await using site = await heldSite(memory)
    await site.publishTo({ exchange: 'ebs', key: 'nobody-hears' }, task('a'))
    const replay = async (job: string) => {
      await comparisonOf(site).look(unroutedQueue)
      const errand = {
        type: 'REPLAY_ERRAND',
        job,
        act: 'replay',
        from: unroutedQueue,
        which: 'front',
        upTo: 1,
      } as const
      await site.mover.run(errand)
    }

    await replay('j1')
    await replay('j2')
    await comparisonOf(site).look(unroutedQueue)

    const states = Object.values(await site.states())
    expect(states.toSorted()).toEqual(['handled', 'handled', 'held'])
    expect(idsOf(await site.drain(unroutedQueue))).toEqual(['m-a'])
  })
})

test('what a rule that is not over has set aside is listed again when the catalogue was lost', async () => {
  await using site = await heldSite(memory)
  const place = parkingQueueOf('r1', QUEUE)
  await site.bus.broker.declare(parkingQueue('r1', QUEUE, 'quorum'))
  await site.publish(place, task('a'), { 'x-ebs-held': 'a', 'x-ebs-rule': 'r1#7', 'x-ebs-reason': 'sideline' })
  const comparison = comparisonOf(site, { parking: async () => [place] })

  await comparison.run()
  await comparison.run()

  const { items } = await site.store.held.listHeld({ place }, { limit: 10 })
  expect(items).toMatchObject([{ id: 'a', rule: 'r1#7', state: 'held' }])
})

test('a queue is looked through when its count differs twice in a row, and one that stays different not again and again', async () => {
  await using site = await heldSite(memory)
  const rounds = roundsOf(site)
  // Parked twice under one id: the queue has two, the catalogue one.
  await dead(site, 'twice')
  await dead(site, 'twice')

  expect(await rounds(1)).toBe(0)
  expect(await rounds(1)).toBe(1)
  expect(await rounds(2)).toBe(1)
  expect(await rounds(20)).toBe(0)
  expect(await rounds(20)).toBe(1)
})

test('while the counts of a queue move it is not looked through, but for once a minute', async () => {
  await using site = await heldSite(memory)
  let published = 0
  const rounds = roundsOf(site, () => dead(site, `d${++published}`))

  expect(await rounds(6)).toBe(0)
  expect(await rounds(1)).toBe(1)
  expect(await rounds(6)).toBe(0)
  expect(await rounds(1)).toBe(1)
})

const dead = (site: Site, id: string) => site.publish(DEAD, task(id), { 'x-ebs-held': id, 'x-ebs-reason': 'exhausted' })

/** Runs so many rounds, ten seconds from one to the next; gives how often a queue was looked through. */
function roundsOf(site: Site, before: () => Promise<void> = async () => undefined) {
  const clock = new VirtualClock(Date.now())
  let looked = 0
  const watched: Broker = {
    ...gated(site.bus.broker, async () => undefined),
    browse(queue) {
      looked += 1
      return site.bus.broker.browse(queue)
    },
  }
  const comparison = comparisonOf(site, { bus: { ...site.bus, clock, broker: watched } })
  return async (count: number) => {
    looked = 0
    for (let n = 0; n < count; n++) {
      await before()
      await comparison.run()
      await clock.advance(10_000)
    }
    return looked
  }
}
