import { describe, expect, test } from 'vitest'
import type { Broker } from '../../../../shared/bus/broker.ts'
import { parseEvent } from '../../../../shared/bus/envelope.ts'
import { gated } from '../../../../shared/bus/test/bus-fixture.ts'
import { VirtualClock } from '../../../../shared/clock.ts'
import { unroutedQueue } from '../../../../shared/topology.ts'
import { Comparison, type ComparisonOptions } from '../comparison.ts'
import {
  brokers,
  DEAD,
  fillDead,
  heldSite,
  idsOf,
  memory,
  noThreads,
  QUEUE,
  row,
  type Site,
  task,
} from './held-fixture.ts'

const comparisonOf = ({ bus, store, locks }: Site, changed: Partial<ComparisonOptions> = {}) =>
  new Comparison({ bus, store, locks, threads: noThreads, queues: [QUEUE], ...changed })
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

test('a queue is looked through when its count differs twice in a row, and one that stays different not again and again', async () => {
  await using site = await heldSite(memory)
  const clock = new VirtualClock(Date.now())
  const looked: string[] = []
  const watched: Broker = {
    ...gated(site.bus.broker, async () => undefined),
    browse(queue) {
      looked.push(queue)
      return site.bus.broker.browse(queue)
    },
  }
  const comparison = comparisonOf(site, { bus: { ...site.bus, clock, broker: watched } })
  const rounds = async (count: number) => {
    for (let n = 0; n < count; n++) {
      await comparison.run()
      await clock.advance(10_000)
    }
    return looked.splice(0).length
  }
  // Parked twice under one id: the queue has two, the catalogue one.
  for (const id of ['twice', 'twice'])
    await site.publish(DEAD, task(id), { 'x-ebs-held': id, 'x-ebs-reason': 'exhausted' })

  expect(await rounds(1)).toBe(0)
  expect(await rounds(1)).toBe(1)
  expect(await rounds(2)).toBe(1)
  expect(await rounds(20)).toBe(0)
  expect(await rounds(20)).toBe(1)
})
