import { describe, expect, test } from 'vitest'
import { type Event, parseEvent } from '../../../../shared/bus/envelope.ts'
import { gated } from '../../../../shared/bus/test/bus-fixture.ts'
import { parkingQueue, parkingQueueOf, unroutedQueue } from '../../../../shared/topology.ts'
import type { Errand } from '../mover.ts'
import { brokers, DEAD, fillDead, heldSite, memory, QUEUE, type Site, task } from './held-fixture.ts'

const PARKING = parkingQueueOf('r1', QUEUE)

const errand = (fields: Partial<Errand>): Errand => ({
  type: 'REPLAY_ERRAND',
  job: 'j1',
  act: 'discard',
  from: DEAD,
  to: QUEUE,
  which: 'chosen',
  upTo: 1_000,
  ...fields,
})
const choose = (site: Site, ids: readonly string[]) => site.store.write(({ held }) => held.choose('j1', ids, 1))
const told = async (site: Site): Promise<readonly Event<'MESSAGES_DISCARDED'>[]> =>
  (await site.drain('hub_consume')).map(parseEvent).flatMap((event) => {
    if ('data' in event && event.type === 'MESSAGES_DISCARDED') return [event]
    return []
  })
const said = (id: string) => ({
  messageId: `m-${id}`,
  type: 'TASK_CREATED',
  held: id,
  subject: { kind: 'task', id },
})

describe.each(brokers)('what is said of dropped messages, on $broker', ({ start }) => {
  test.each(['discard', 'archive'] as const)('%s says once which messages, by whom and why', async (act) => {
    await using site = await heldSite(start)
    await fillDead(site, ['a', 'b', 'c'])
    await choose(site, ['a', 'c'])

    await site.mover.run(errand({ act, upTo: 2 }))

    const events = await told(site)
    expect(events.map(({ data }) => data)).toEqual([
      {
        ...{ type: 'MESSAGES_DISCARDED', queue: QUEUE, job: 'j1', act, actor: 'ann', reason: 'test' },
        messages: [said('a'), said('c')],
      },
    ])
  })

  test('D1: a hub that dies between the event and the note says the same again, under the same id', async () => {
    await using site = await heldSite(start)
    await fillDead(site, ['a', 'b'])
    await choose(site, ['a', 'b'])
    const { store, bus } = site
    let isSent = false
    const broker = gated(bus.broker, async () => {
      isSent = true
    })
    const write: typeof store.write = (job) => (isSent ? Promise.reject(new Error('kill -9')) : store.write(job))
    const dying = site.moverOf({ bus: { ...bus, broker }, store: { held: store.held, write } })

    await expect(dying.run(errand({ upTo: 2 }))).rejects.toThrow('kill -9')
    await site.depthBecomes(DEAD, 2)
    expect(await site.mover.run(errand({ upTo: 2 }))).toMatchObject({ moved: 2 })

    const events = await told(site)
    expect(events.map(({ data }) => data.messages)).toEqual([
      [said('a'), said('b')],
      [said('a'), said('b')],
    ])
    expect(new Set(events.map(({ meta }) => meta.id)).size).toBe(1)
    expect(await site.depth(DEAD)).toBe(0)
  })
})

test('another set of messages of the same job, with the same first, is said under another id', async () => {
  await using site = await heldSite(memory)
  await fillDead(site, ['a', 'b'])
  await choose(site, ['a', 'b'])
  const { store, bus } = site
  let isSent = false
  const broker = gated(bus.broker, async () => {
    isSent = true
  })
  const write: typeof store.write = (job) => (isSent ? Promise.reject(new Error('kill -9')) : store.write(job))
  const dying = site.moverOf({ bus: { ...bus, broker }, store: { held: store.held, write } })
  await expect(dying.run(errand({ upTo: 1 }))).rejects.toThrow('kill -9')

  await site.mover.run(errand({ upTo: 2 }))

  const events = await told(site)
  expect(events.map(({ data }) => data.messages.map(({ held }) => held))).toEqual([['a'], ['a', 'b']])
  expect(new Set(events.map(({ meta }) => meta.id)).size).toBe(2)
})

test('nothing is dropped that could not be told of', async () => {
  await using site = await heldSite(memory)
  await fillDead(site, ['a'])
  await choose(site, ['a'])
  const broker = gated(site.bus.broker, () => Promise.reject(new Error('no')))
  // Each look at the clock takes 4 s, so that the time in which it tries again is soon over.
  let nowMs = Date.now()
  const clock = {
    now: () => (nowMs += 4_000),
    after: (_ms: number, run: () => void) => site.bus.clock.after(0, run),
  }
  const mover = site.moverOf({ bus: { ...site.bus, broker, clock } })

  expect(await mover.run(errand({ upTo: 1 }))).toMatchObject({ moved: 0 })
  mover.stop()

  expect(await site.states()).toEqual({ a: 'chosen' })
  await site.depthBecomes(DEAD, 1)
})

test('of what was set aside the rule is said, and no event names more than 250 messages', async () => {
  await using site = await heldSite(memory)
  await site.bus.broker.declare(parkingQueue('r1', QUEUE, 'quorum'))
  const ids = Array.from({ length: 300 }, (_, i) => `t${i}`)
  for (const id of ids) await site.publish(PARKING, task(id), { 'x-ebs-held': id, 'x-ebs-rule': 'r1#7' })

  await site.mover.run(errand({ from: PARKING, which: 'front', rule: 'r1#7', upTo: 300 }))

  const events = await told(site)
  expect(events.flatMap(({ data }) => data.messages)).toEqual(ids.map(said))
  expect(new Set(events.map(({ data }) => data.rule))).toEqual(new Set(['r1#7']))
  for (const { data } of events) expect(data.messages.length).toBeLessThanOrEqual(250)
})

test('names of strangers that take a megabyte as JSON are told in several events', async () => {
  await using site = await heldSite(memory)
  const ids = Array.from({ length: 200 }, (_, i) => `${i}`.padStart(3, '0') + '\u0001'.repeat(252))
  await fillDead(site, ids.slice(0, 200))
  await choose(site, ids)

  await site.mover.run(errand({ upTo: 200 }))

  const events = await told(site)
  expect(events.length).toBeGreaterThan(1)
  expect(events.flatMap(({ data }) => data.messages.map(({ held }) => held))).toEqual(ids)
})

test('poison, and what died because its queue does not take it, is named without a subject', async () => {
  await using site = await heldSite(memory)
  await site.publish(DEAD, task('stray'), { 'x-ebs-held': 'h1', 'x-ebs-queue': QUEUE, 'x-ebs-reason': 'poison' })

  await site.mover.run(errand({ which: 'front', upTo: 1 }))

  expect((await told(site)).map(({ data }) => data.messages)).toEqual([
    [{ messageId: 'm-stray', type: 'TASK_CREATED', held: 'h1' }],
  ])
})

test('what no queue wanted is said to be dropped from where it lay', async () => {
  await using site = await heldSite(memory)
  await site.publishTo({ exchange: 'ebs', key: 'nobody-hears' }, task('a'))
  await site.depthBecomes(unroutedQueue, 1)

  await site.mover.run({ ...errand({ from: unroutedQueue, which: 'front', upTo: 1 }), to: undefined })

  expect((await told(site)).map(({ data }) => data.queue)).toEqual([unroutedQueue])
})
