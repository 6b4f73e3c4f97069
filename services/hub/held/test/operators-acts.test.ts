import { expect, test } from 'vitest'
import type { Broker } from '../../../../shared/bus/broker.ts'
import { gated } from '../../../../shared/bus/test/bus-fixture.ts'
import type { Body } from '../../../../shared/events.ts'
import { parkingQueueOf } from '../../../../shared/topology.ts'
import type { ReplayRequest } from '../../held-operations.ts'
import { Contents } from '../contents.ts'
import { editHeld } from '../edits.ts'
import { requestReplay } from '../replay-requests.ts'
import { searchHeld } from '../search.ts'
import { DEAD, fillDead, heldSite, idsOf, isoAgo, memory, QUEUE, row, type Site, task } from './held-fixture.ts'

const by = { actor: 'ann', reason: 'fixed' }
const DAY_MS = 86_400_000

function actsAt({ bus, store, locks }: Site) {
  const contents = new Contents({ bus, store, locks })
  const requested: Body[] = []
  let refusal: string | undefined
  const search = (...which: Parameters<typeof searchHeld> extends [unknown, ...infer Rest] ? Rest : never) =>
    searchHeld({ store, contents }, ...which)
  const tellIn = async (body: Body) => {
    requested.push(body)
    return refusal
  }
  return {
    contents,
    search,
    requested,
    refuse(reason: string) {
      refusal = reason
    },
    edit: (id: string, body: unknown) => editHeld({ bus, store, contents }, id, body, by),
    request: (request: Partial<ReplayRequest> = {}) =>
      requestReplay(
        { bus, store, search, tellIn },
        { filter: {}, act: 'replay', by, pacing: {}, force: false, dryRun: false, ...request },
      ),
  }
}

test('contents come out of the queue once, and out of the catalogue from then on; those that are gone are missing', async () => {
  await using site = await heldSite(memory)
  await fillDead(site, ['a', 'b', 'c'])
  const { contents } = actsAt(site)
  await site.store.write(({ held }) => held.addHeld([row({ id: 'lost' })]))

  const first = await contents.fetch(['a', 'c', 'lost', 'unknown'])
  expect(idsOf(await site.drain(DEAD))).toEqual(['m-a', 'm-b', 'm-c'])
  const again = await contents.fetch(['a', 'b', 'c'])

  expect([...first.keys()]).toEqual(['a', 'c'])
  expect(JSON.parse(first.get('a')?.body.toString() ?? '')).toEqual(task('a'))
  expect(first.get('a')?.properties).toMatchObject({ messageId: 'm-a', headers: { 'x-ebs-held': 'a' } })
  expect([...again.keys()]).toEqual(['a', 'c'])
  expect(again.get('a')).toEqual(first.get('a'))
})

test('a body that is too long to be kept is read out of its queue each time', async () => {
  await using site = await heldSite(memory)
  const body = task('big')
  if (body.type !== 'TASK_CREATED') throw new Error('not a task')
  await site.publish(
    DEAD,
    { ...body, object: { ...body.object, content: 'x'.repeat(65_536) } },
    { 'x-ebs-held': 'big' },
  )
  await site.store.write(({ held }) => held.addHeld([row({ id: 'big' })]))
  const { contents } = actsAt(site)

  expect((await contents.fetch(['big'])).get('big')?.body.length).toBeGreaterThan(65_536)
  expect(await site.store.held.findContent('big')).toBeUndefined()
  expect((await contents.fetch(['big'])).get('big')?.body.length).toBeGreaterThan(65_536)
})

test('a search looks into contents, pages through what matches, and never gives one twice', async () => {
  await using site = await heldSite(memory)
  const ids = Array.from({ length: 20 }, (_, i) => `t${i}`)
  await fillDead(site, ids)
  const { search } = actsAt(site)
  const which = { filter: { queue: QUEUE }, where: 'event.task.id.endsWith("5") || event.task.id == "t7"' }

  const found: string[] = []
  let cursor: string | undefined
  do {
    const page = await search(which, { limit: 2, cursor })
    expect(page.items.length).toBeLessThanOrEqual(2)
    found.push(...page.items.map(({ id }) => id))
    cursor = page.next
  } while (cursor !== undefined)

  expect(found.toSorted()).toEqual(['t15', 't5', 't7'])
  const byRow = { ...which, where: 'tenant == "acme" && queue == "process_consume" && key == "task-requests"' }
  expect((await search(byRow, { limit: 100 })).items).toHaveLength(20)
})

test('a search over many looks through their queue once', async () => {
  await using site = await heldSite(memory)
  const ids = Array.from({ length: 1_200 }, (_, i) => `t${i}`)
  await fillDead(site, ids)
  let looks = 0
  const broker: Broker = {
    ...gated(site.bus.broker, async () => undefined),
    browse(queue) {
      looks++
      return site.bus.broker.browse(queue)
    },
  }
  const { search } = actsAt({ ...site, bus: { ...site.bus, broker } })

  const { items, next } = await search({ filter: {}, where: 'event.task.id.endsWith("00")' }, { limit: 100 })

  expect(items).toHaveLength(11)
  expect(next).toBeUndefined()
  expect(looks).toBe(1)
})

test('a request freezes the set by place, and begins a job for it', async () => {
  await using site = await heldSite(memory)
  await fillDead(site, ['a', 'b', 'c'])
  await site.store.write(({ held }) => held.addHeld([row({ id: 'u', place: 'ebs.unrouted', queue: null })]))
  const { request, requested } = actsAt(site)

  expect(await request({ dryRun: true })).toEqual({ outcome: 'counted', count: 4, old: 0 })
  expect(Object.values(await site.states())).toEqual(['held', 'held', 'held', 'held'])
  const answer = await request({ filter: { ids: ['a', 'c', 'u'] }, pacing: { canary: 2, rate: undefined } })

  expect(answer).toMatchObject({ outcome: 'requested', count: 3 })
  expect(requested).toEqual([
    {
      ...{ type: 'REPLAY_REQUESTED', id: answer.outcome === 'requested' && answer.id, act: 'replay', which: 'chosen' },
      ...{ ...by, canary: 2 },
      sources: expect.arrayContaining([
        { from: DEAD, to: QUEUE, count: 2 },
        { from: 'ebs.unrouted', count: 1 },
      ]),
    },
  ])
  expect(await site.states()).toEqual({ a: 'chosen', b: 'held', c: 'chosen', u: 'chosen' })
  // What one job has, no other takes.
  expect(await request({ filter: { ids: ['a', 'c', 'u'] } })).toEqual({ outcome: 'empty' })
})

test('where messages go is said by the place that they lie in, not by what they say of themselves', async () => {
  await using site = await heldSite(memory)
  const parked = { place: parkingQueueOf('r.1', QUEUE), rule: 'r.1#7' }
  await site.store.write(({ held }) =>
    held.addHeld([
      row({ id: 'a', queue: 'distributor_consume' }),
      row({ id: 'b' }),
      row({ id: 'p', ...parked, queue: 'distributor_consume' }),
      row({ id: 'x', place: 'none-of-ours' }),
    ]),
  )
  const { request, requested } = actsAt(site)

  expect(await request({ filter: { ids: ['x'] } })).toMatchObject({ outcome: 'refused' })
  expect(await request({ filter: { ids: ['a', 'b', 'p'] } })).toMatchObject({ outcome: 'requested', count: 3 })

  const sources = [
    { from: DEAD, to: QUEUE, count: 2 },
    { from: parked.place, to: QUEUE, count: 1 },
  ]
  expect(requested).toMatchObject([{ sources: expect.arrayContaining(sources) }])
  expect((await site.states()).x).toBe('held')
})

test('the content of one that died again is its own', async () => {
  await using site = await heldSite(memory)
  await site.store.write(async ({ held }) => {
    await held.addHeld([row({ id: 'a', heldAtMs: Date.now() - 90_000 }), row({ id: 'a~2' })])
    await held.moved('j1', ['a'], 'discarded', Date.now() - 30_000)
  })
  await site.publish(DEAD, task('a'), { 'x-ebs-held': 'a', 'x-ebs-last-failed-at': isoAgo(0) })
  const { contents } = actsAt(site)

  const found = await contents.fetch(['a~2'])

  expect(JSON.parse(found.get('a~2')?.body.toString() ?? '{}')).toEqual(task('a'))
})

test('what is older than the inbox remembers is not replayed by chance, but dropped or replayed by who says so', async () => {
  await using site = await heldSite(memory)
  const heldAtMs = Date.now() - 31 * DAY_MS
  await site.store.write(({ held }) => held.addHeld([row({ id: 'old', heldAtMs }), row({ id: 'new' })]))
  const { request } = actsAt(site)

  expect(await request()).toEqual({ outcome: 'too-old', count: 2, old: 1, olderThanDays: 30 })
  expect(await request({ dryRun: true })).toEqual({ outcome: 'counted', count: 2, old: 1 })
  expect(await request({ act: 'discard', filter: { ids: ['new'] } })).toMatchObject({ outcome: 'requested' })
  expect(await request({ force: true })).toMatchObject({ outcome: 'requested', count: 1 })
})

test('a request that is refused leaves the catalogue as it was', async () => {
  await using site = await heldSite(memory)
  await site.store.write(({ held }) => held.addHeld([row({ id: 'a' })]))
  const { request, refuse } = actsAt(site)
  refuse('not now')

  expect(await request()).toEqual({ outcome: 'refused', reason: 'not now' })
  expect(await site.states()).toEqual({ a: 'held' })
  expect(await request({ filter: { queue: 'nobody' } })).toEqual({ outcome: 'empty' })
})

test('an edit has to be what the queue takes; it keeps the envelope, and what the queue holds stays as it is', async () => {
  await using site = await heldSite(memory)
  await fillDead(site, ['a'])
  const { edit, contents } = actsAt(site)

  expect(await edit('a', { type: 'TASK_CREATED', task: {} })).toMatchObject({
    outcome: 'invalid',
    errors: expect.arrayContaining([{ field: 'object', message: expect.any(String) }]),
  })
  expect(await edit('a', { type: 'NO_SUCH_TYPE' })).toMatchObject({ outcome: 'invalid' })
  expect(await edit('a', { type: 'OBJECT_COMPLETED', objectId: 'o', tenant: 't', durationMs: 1, tasks: 1 })).toEqual({
    outcome: 'invalid',
    errors: [{ field: 'type', message: 'process_consume does not take OBJECT_COMPLETED' }],
  })
  expect(await edit('a', 'text')).toMatchObject({ outcome: 'invalid' })
  expect(await edit('nobody', task('x'))).toEqual({ outcome: 'unknown' })
  expect(await edit('a', task('mended'))).toMatchObject({ outcome: 'edited', edited: expect.stringContaining('ann') })

  const content = (await contents.fetch(['a'])).get('a')
  expect(JSON.parse(content?.body.toString() ?? '')).toEqual(task('mended'))
  expect(content).toMatchObject({ edited: expect.stringContaining('fixed'), properties: { messageId: 'm-a' } })
  expect((await site.drain(DEAD)).map(({ body }) => JSON.parse(body.toString()))).toEqual([task('a')])
  await site.store.write(({ held }) => held.choose('j1', ['a'], 1))
  expect(await edit('a', task('late'))).toEqual({ outcome: 'not-held', state: 'chosen' })
})
