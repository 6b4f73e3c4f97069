import { expect, test } from 'vitest'
import { groupBody } from './hub-fixture.ts'
import { operatedSystem } from './operated-system.ts'

/** A rule is confirmed, jobs are decided and errands are run by several transactions each. */
const within = { timeout: 10_000 }

test('one tenant is set aside, seen and brought back, while the others flow on', async () => {
  await using system = await operatedSystem()
  const rule = { id: 'acme', filter: 'tenant == "acme"', queues: ['process_consume'] }
  await system.say(groupBody('o1', ['t1']), 'o1')

  expect(await system.post('/api/sidelines', rule)).toMatchObject({
    status: 201,
    json: { status: 'active', missing: [] },
  })
  expect((await system.post('/api/sidelines', rule)).status).toBe(200)
  expect(await system.post('/api/sidelines', { ...rule, filter: 'tenant == "b"' })).toMatchObject({
    status: 409,
    json: { sideline: { filter: rule.filter } },
  })
  for (const n of [1, 2, 3, 4, 5]) await system.sayTask(n, n % 2 === 0 ? 'other' : 'acme')
  await expect.poll(async () => (await system.get('/api/sidelines/acme')).parked, within).toBe(3)
  await expect.poll(() => system.handled).toEqual(['t2', 't4'])

  const messages = await system.get('/api/sidelines/acme/messages')
  expect(messages.items).toHaveLength(3)
  expect((await system.get('/api/groups/o1')).held).toEqual([
    expect.objectContaining({ where: 'ebs.sideline.acme.process_consume', type: 'TASK_CREATED', state: 'held' }),
  ])
  expect(await system.get('/api/status')).toMatchObject({
    sidelines: { open: 1, parked: 3 },
    dead: { total: 0 },
  })
  expect((await system.get('/api/dead')).items).toEqual([])
  expect((await system.post('/api/dead/replay', { filter: {}, all: true })).status).toBe(409)

  const resolved = await system.post('/api/sidelines/acme/resolve', { canary: 1 })
  expect(resolved).toMatchObject({ status: 202, json: { replay: expect.stringContaining('acme:') } })
  await expect.poll(() => system.get('/api/sidelines/acme'), within).toMatchObject({ status: 'closed' })
  expect(system.handled.toSorted()).toEqual(['t1', 't2', 't3', 't4', 't5'])
  const job = await system.get(`/api/replays/${resolved.json.replay}`)
  expect(job).toMatchObject({ status: 'completed', total: 3, moved: 3, handled: 3, failed: 0, pending: 0 })
  expect((await system.get('/api/groups/o1')).held).toEqual([])
  expect((await system.post('/api/sidelines/acme/resolve')).status).toBe(409)
})

test('a dry run asks the consumers what they saw', async () => {
  await using system = await operatedSystem()
  for (const n of [1, 2, 3]) await system.sayTask(n, n === 1 ? 'acme' : 'other')
  await expect.poll(() => system.handled.length).toBe(3)

  const trial = { filter: 'tenant == "acme"', queues: ['process_consume'], actor: undefined, reason: undefined }
  const { json } = await system.post('/api/sidelines/dry-run', trial)

  const counts = { sampled: 3, matched: 1, unclear: 0 }
  expect(json).toMatchObject({ ...counts, queues: [{ queue: 'process_consume', ...counts }], answered: 1, missing: [] })
  expect(json.examples).toHaveLength(1)
})

test('dead letters of one cause are found together, one is mended, and all come back: a few first', async () => {
  await using system = await operatedSystem()
  system.breakWith('no disk')
  for (const n of [1, 2, 3, 4, 5]) await system.sayTask(n, 'acme')
  const group = async () => (await system.get('/api/dead/groups?queue=process_consume')).items
  await expect.poll(async () => (await group())[0]?.count, within).toBe(5)
  const [{ fingerprint, example }] = await group()

  const shown = await system.get(`/api/dead/${example}`)
  expect(shown).toMatchObject({ queue: 'process_consume', bodyIs: 'json', body: { type: 'TASK_CREATED' } })
  const found = await system.get(`/api/dead?where=${encodeURIComponent('event.task.id == "t3"')}`)
  expect(found.items).toHaveLength(1)
  const [{ id }] = found.items
  const { body } = await system.get(`/api/dead/${id}`)
  const mended = { ...body, task: { ...body.task, id: 't3-mended' } }
  expect((await system.post(`/api/dead/${id}/edit`, { body: { ...body, task: {} } })).status).toBe(422)
  expect((await system.post(`/api/dead/${id}/edit`, { body: mended })).status).toBe(200)

  system.breakWith(undefined)
  const wish = { filter: { fingerprint }, canary: 2 }
  expect(await system.post('/api/dead/replay', { ...wish, dryRun: true })).toEqual({
    status: 200,
    json: { count: 5, needForce: 0 },
  })
  const asked = await system.post('/api/dead/replay', wish)
  expect(asked).toMatchObject({ status: 202, json: { count: 5 } })
  const job = `/api/replays/${asked.json.replay}`
  await expect.poll(() => system.get(job), within).toMatchObject({ status: 'completed' })
  expect(system.handled.toSorted()).toEqual(['t1', 't2', 't3-mended', 't4', 't5'])
  expect((await system.get('/api/dead')).items).toEqual([])
  expect((await system.get(`${job}/messages?state=handled`)).items).toHaveLength(5)
  expect((await system.post(`${job}/cancel`)).status).toBe(409)
})

test('what nobody wants is dropped, or taken into the archive, and says so', async () => {
  await using system = await operatedSystem()
  system.breakWith('no disk')
  await system.post('/api/sidelines', { id: 'b', filter: 'tenant == "b"', queues: ['process_consume'] })
  for (const n of [1, 2]) await system.sayTask(n, 'acme')
  for (const n of [3, 4]) await system.sayTask(n, 'b')
  const status = async () => {
    const { sidelines, dead } = await system.get('/api/status')
    return { ...sidelines, dead: dead.total }
  }
  await expect.poll(status, within).toEqual({ open: 1, parked: 2, dead: 2 })
  const [{ id }] = (await system.get('/api/dead')).items

  expect((await system.post('/api/dead/discard', { filter: { ids: [id] } })).json.count).toBe(1)
  await expect.poll(status, within).toEqual({ open: 1, parked: 2, dead: 1 })
  expect((await system.post('/api/dead/archive', { filter: { tenant: 'acme' } })).json.count).toBe(1)
  expect((await system.post('/api/sidelines/b/discard')).status).toBe(202)
  await expect.poll(() => system.get('/api/sidelines/b'), within).toMatchObject({ status: 'discarded' })
  await expect.poll(status, within).toEqual({ open: 0, parked: 0, dead: 0 })

  const stateOf = async (query: string) => (await system.get(query)).items.map(({ state }: { state: string }) => state)
  expect(await stateOf('/api/sidelines/b/messages')).toEqual(['discarded', 'discarded'])
  expect((await stateOf('/api/dead?state=all')).toSorted()).toEqual(['archived', 'discarded'])
  expect(system.handled).toEqual([])
})

test('every route is described', async () => {
  await using system = await operatedSystem()
  const { paths } = await system.get('/openapi.json')
  expect(Object.keys(paths)).toEqual(
    expect.arrayContaining([
      ...['', '/dry-run', '/{id}', '/{id}/messages', '/{id}/resume', '/{id}/resolve', '/{id}/discard'].map(
        (path) => `/api/sidelines${path}`,
      ),
      ...['', '/groups', '/{id}', '/{id}/edit', '/replay', '/discard', '/archive'].map((path) => `/api/dead${path}`),
      ...['', '/{id}', '/{id}/messages', '/{id}/pause', '/{id}/resume', '/{id}/cancel'].map(
        (path) => `/api/replays${path}`,
      ),
    ]),
  )
})
