import { expect, test } from 'vitest'
import { OUTCOME_MS_MAX } from '../outcome.ts'
import { START_MS } from './hub-fixture.ts'
import { jobShown, put } from './shown-kinds.ts'
import { sidelineFixture } from './sideline-fixture.ts'

const by = { actor: 'ann', reason: 'database down' }

test.each(['resume', 'resolve', 'discard'] as const)('%s waits for the job that comes of it', async (action) => {
  await using hub = await sidelineFixture()
  await hub.rule('active')
  hub.onTell(() => hub.rule('busy'))
  hub.clock.after(200, () => void hub.rule('busy', { replay: 'acme:1' }))
  hub.held.held.countByPlace.mockReturnValue([{ place: 'ebs.sideline.acme.process_consume', count: 7 }])

  const response = hub.post(`/api/sidelines/acme/${action}`)
  await hub.clock.advance(300)

  expect([(await response).statusCode, (await response).json()]).toEqual([
    202,
    { id: 'acme', status: 'busy', replay: 'acme:1', parked: 7 },
  ])
  expect(hub.held.tell.mock.calls).toEqual([
    [{ type: 'SIDELINE_COMMAND', action, id: 'acme', actor: 'ann', reason: 'test' }],
  ])
})

test.each([
  ['nothing is parked', () => []],
  ['the job began and ended between two looks', () => ['acme:2']],
] as const)('a resume is answered when the rule is active again: %s', async (_, jobs) => {
  await using hub = await sidelineFixture()
  await hub.rule('active')
  hub.onTell(() => hub.rule('resuming'))
  const use = `acme#${START_MS}`
  hub.clock.after(100, async () => {
    for (const key of jobs())
      await put(hub.store, 'replay', { key, status: 'completed', state: jobShown({ rule: use }), hasEnded: true })
    await put(hub.store, 'replay', { key: 'else', status: 'completed', state: jobShown({ rule: 'b#1' }) })
    await hub.rule('active')
  })

  const response = hub.post('/api/sidelines/acme/resume')
  await hub.clock.advance(200)

  const [replay] = jobs()
  expect((await response).json()).toEqual({ id: 'acme', status: 'active', parked: 0, ...(replay && { replay }) })
})

test.each([
  ['resolve', 'running', 'acme:1'],
  ['resolve', 'stopped', 'acme:2'],
  ['discard', 'running', 'acme:2'],
] as const)('a %s while a job is %s names %s', async (action, state, named) => {
  await using hub = await sidelineFixture()
  const before = { replay: 'acme:1', ...(state === 'stopped' && { stopReason: 'too many failed' }) }
  await hub.rule('resuming', before)
  hub.onTell(() => hub.rule('busy', before))
  hub.clock.after(100, () => void hub.rule('busy', { replay: 'acme:2' }))

  const response = hub.post(`/api/sidelines/acme/${action}`)
  await hub.clock.advance(200)

  expect((await response).json()).toMatchObject({ status: 'busy', replay: named })
})

test('what is still on its way after 10 s is told with what it waits for', async () => {
  await using hub = await sidelineFixture()
  await hub.rule('active')
  hub.onTell(() => hub.rule('resolving', { waitsFor: 'consumers to confirm' }))

  const response = hub.post('/api/sidelines/acme/resolve', {
    ...by,
    canary: 10,
    rate: 50,
    maxFailure: 5,
    ordered: true,
  })
  await hub.clock.advance(OUTCOME_MS_MAX)

  expect([(await response).statusCode, (await response).json()]).toEqual([
    202,
    { id: 'acme', status: 'resolving', parked: 0, waitsFor: 'consumers to confirm' },
  ])
  expect(hub.held.tell.mock.calls[0]?.[0]).toMatchObject({ canary: 10, rate: 50, maxFailure: 5, ordered: true })
})

test.each(['resume', 'resolve', 'discard'])('%s of what is not there is 404, and nothing is told', async (action) => {
  await using hub = await sidelineFixture()
  const response = await hub.post(`/api/sidelines/none/${action}`)
  expect([response.statusCode, response.json().detail]).toEqual([404, expect.stringContaining('no sideline none')])
  expect(hub.held.tell).not.toHaveBeenCalled()
})

test.each([
  ['refused', { refused: 'The rule is discarding, and that cannot be taken back.' }, /cannot be taken back/],
  ['changes nothing', {}, /is discarding: there is nothing to resume/],
])('an act that is %s is 409 with the status', async (_, told, detail) => {
  await using hub = await sidelineFixture()
  await hub.rule('discarding')
  hub.held.tell.mockResolvedValue(told)

  const response = await hub.post('/api/sidelines/acme/resume')

  expect([response.statusCode, response.json()]).toEqual([
    409,
    expect.objectContaining({
      detail: expect.stringMatching(detail),
      sideline: expect.objectContaining({ status: 'discarding' }),
    }),
  ])
})

test('a discard takes no pace', async () => {
  await using hub = await sidelineFixture()
  await hub.rule('active')
  expect((await hub.post('/api/sidelines/acme/discard', { ...by, canary: 1 })).statusCode).toBe(400)
})
