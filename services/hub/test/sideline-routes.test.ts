import { expect, test } from 'vitest'
import { sidelineTerms } from '../sideline-terms.ts'
import { heldRow } from './fake-held.ts'
import { START_MS } from './hub-fixture.ts'
import { put, ruleShown } from './shown-kinds.ts'
import { sidelineFixture } from './sideline-fixture.ts'

const acme = { filter: 'tenant == "acme"' }

test('a rule is shown with what is parked now, its history and its timers; its messages are listed by state', async () => {
  await using hub = await sidelineFixture()
  await hub.rule('active', { queues: ['process_consume', 'datagen_consume'] })
  hub.held.held.countByPlace.mockReturnValue([
    { place: 'ebs.sideline.acme.process_consume', count: 7 },
    { place: 'ebs.sideline.other.process_consume', count: 90 },
    { place: 'process_consume.dead', count: 90 },
  ])
  hub.held.held.listHeld.mockReturnValue({ items: [heldRow({ state: 'released', job: 'acme:1' })], next: 'more' })

  const shown = await hub.get('/api/sidelines/acme')
  const messages = await hub.get('/api/sidelines/acme/messages?state=released&limit=1&cursor=x')

  expect(shown.json()).toMatchObject({
    ...{ id: 'acme', status: 'active', parked: 7, timers: [], endedAt: null },
    parkedByQueue: { process_consume: 7, datagen_consume: 0 },
    history: [{ what: 'active' }],
  })
  expect(messages.json()).toMatchObject({ items: [{ id: 'h1', state: 'released', replay: 'acme:1' }], next: 'more' })
  expect(hub.held.held.listHeld.mock.calls).toEqual([
    [
      { rule: `acme#${START_MS}`, states: ['released'] },
      { limit: 1, cursor: 'x' },
    ],
  ])
})

test('rules are listed newest first, open or over, by status', async () => {
  await using hub = await sidelineFixture()
  await hub.rule('closed', {}, true)
  await put(hub.store, 'sideline', { key: 'b', status: 'active', state: ruleShown() })

  const lists = await Promise.all(
    ['', '?open=true', '?open=false', '?status=active', '?limit=1'].map((query) => hub.get(`/api/sidelines${query}`)),
  )

  expect(lists.map((list) => list.json().items.map(({ id }: { id: string }) => id))).toEqual([
    ['b', 'acme'],
    ['b'],
    ['acme'],
    ['b'],
    ['b'],
  ])
})

test.each(['/api/sidelines/none', '/api/sidelines/none/messages'])('%s is 404', async (url) => {
  await using hub = await sidelineFixture()
  expect((await hub.get(url)).statusCode).toBe(404)
})

test('a dry run asks the consumers of the usual queues, and tells what they found', async () => {
  await using hub = await sidelineFixture()
  const counts = { sampled: 100, matched: 40, unclear: 3 }
  const found = {
    ...counts,
    queues: [{ queue: 'process_consume', ...counts }],
    ...{ answered: 2, missing: ['processor-3'], examples: ['m1'] },
  }
  hub.held.trials.run.mockResolvedValue(found)

  const response = await hub.post('/api/sidelines/dry-run', { filter: acme.filter })

  expect([response.statusCode, response.json()]).toEqual([200, found])
  expect(hub.held.trials.run.mock.calls).toEqual([
    [{ filter: acme.filter, queues: sidelineTerms.defaultQueues, sample: 1_000 }],
  ])
  expect(sidelineTerms.defaultQueues).toEqual(expect.not.arrayContaining(['hub_consume', 'hub_work', 'statistics']))
})
