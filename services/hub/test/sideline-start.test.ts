import { expect, test } from 'vitest'
import { RULES_MAX, TOO_MANY_RULES } from '../../../shared/flow/sideline-record.ts'
import { OUTCOME_MS_MAX } from '../outcome.ts'
import { put, ruleShown } from './shown-kinds.ts'
import { sidelineFixture } from './sideline-fixture.ts'

const acme = {
  ...{ id: 'acme', filter: 'tenant == "acme"', queues: ['process_consume'] },
  ...{ actor: 'ann', reason: 'database down' },
}

test('a start is told to the kernel, and answered 201 as soon as consumers have confirmed', async () => {
  await using hub = await sidelineFixture()
  hub.onTell(() => hub.rule('starting'))
  hub.clock.after(500, () => void hub.rule('active'))

  const response = hub.post('/api/sidelines/', { ...acme, expiresAt: '2026-01-02T00:00:00Z', probeMs: 60_000 })
  await hub.clock.advance(1_000)

  expect((await response).statusCode).toBe(201)
  expect((await response).headers.location).toBe('/api/sidelines/acme')
  expect((await response).json()).toMatchObject({ id: 'acme', status: 'active', phase: 'park', parked: 0 })
  expect(hub.held.tell.mock.calls).toEqual([
    [{ type: 'SIDELINE_COMMAND', action: 'start', ...acme, expiresAt: '2026-01-02T00:00:00Z', probeMs: 60_000 }],
  ])
})

test('a start that consumers have not confirmed after 10 s is 202 and names them', async () => {
  await using hub = await sidelineFixture()
  hub.onTell(() => hub.rule('starting', { missing: ['processor-2'] }))

  const response = hub.post('/api/sidelines', acme)
  await hub.clock.advance(OUTCOME_MS_MAX)

  expect([(await response).statusCode, (await response).json()]).toEqual([
    202,
    expect.objectContaining({ status: 'starting', missing: ['processor-2'] }),
  ])
})

test.each([
  ['resolving', false],
  ['draining', false],
  ['discarding', false],
  ['closed', true],
  ['discarded', true],
])('a start that somebody overtakes, so that the rule is %s, is 409 and says so', async (status, hasEnded) => {
  await using hub = await sidelineFixture()
  hub.onTell(() => hub.rule('starting'))
  hub.clock.after(500, () => void hub.rule(status, {}, hasEnded))

  const response = hub.post('/api/sidelines', acme)
  await hub.clock.advance(1_000)

  expect([(await response).statusCode, (await response).json()]).toEqual([
    409,
    expect.objectContaining({
      detail: expect.stringContaining(`it is ${status}`),
      sideline: expect.objectContaining({ id: 'acme', status }),
    }),
  ])
})

test('a start after which the rule was ended and started once more, by somebody else, is 409', async () => {
  await using hub = await sidelineFixture()
  hub.onTell(() => hub.rule('starting'))
  hub.clock.after(500, () => void hub.rule('active', { use: 'acme#2' }))

  const response = hub.post('/api/sidelines', acme)
  await hub.clock.advance(1_000)

  expect((await response).statusCode).toBe(409)
})

test('a start that somebody resumes is 201 once the rule is confirmed, and 202 as long as that is not known', async () => {
  await using hub = await sidelineFixture()
  hub.onTell(() => hub.rule('starting'))
  hub.clock.after(500, () => void hub.rule('resuming'))
  hub.clock.after(2_000, () => void hub.rule('active'))
  const confirmed = hub.post('/api/sidelines', acme)
  await hub.clock.advance(3_000)
  await hub.rule('closed', {}, true)
  hub.onTell(() => hub.rule('resuming'))
  const unknown = hub.post('/api/sidelines', acme)
  await hub.clock.advance(OUTCOME_MS_MAX)

  expect([(await confirmed).statusCode, (await unknown).statusCode]).toEqual([201, 202])
})

test('a hub that is told to stop keeps nobody waiting', async () => {
  await using hub = await sidelineFixture()
  hub.onTell(() => hub.rule('starting'))

  const response = hub.post('/api/sidelines', acme)
  await expect.poll(() => hub.held.tell.mock.calls.length).toBe(1)
  hub.beginStop()

  expect((await response).statusCode).toBe(202)
})

test('the same rule again is 200, and one that was over is a new one: 201', async () => {
  await using hub = await sidelineFixture()
  await hub.rule('active')
  const again = await hub.post('/api/sidelines', acme)
  await hub.rule('closed', {}, true)
  hub.onTell(() => hub.rule('active'))
  const anew = await hub.post('/api/sidelines', acme)

  expect([again.statusCode, anew.statusCode]).toEqual([200, 201])
})

test('the same id with another filter is 409 and shows the filter in force', async () => {
  await using hub = await sidelineFixture()
  await hub.rule('active')
  hub.held.tell.mockResolvedValue({ refused: 'The rule stands with another filter.' })

  const response = await hub.post('/api/sidelines', { ...acme, filter: 'tenant == "other"' })

  expect([response.statusCode, response.json()]).toEqual([
    409,
    expect.objectContaining({
      detail: 'The rule stands with another filter.',
      sideline: expect.objectContaining({ status: 'active', filter: acme.filter, queues: acme.queues, actor: 'ann' }),
    }),
  ])
})

test.each([
  ['a filter that does not compile', { filter: 'tenant == ' }, /^filter: character 1\d: /],
  ['a filter that is no question', { filter: '"acme"' }, /^filter: character 1: /],
  ['a queue that there is not', { queues: ['process_consume', 'proces'] }, /there is no proces; .*process_consume/],
  ['a queue that is never judged', { queues: ['hub_work'] }, /there is no hub_work;/],
  ['a time that has passed', { expiresAt: '2025-12-31T23:59:59Z' }, /^expiresAt: .* has passed/],
])('%s is 422, and nothing is told to the kernel', async (_, change, detail) => {
  await using hub = await sidelineFixture()

  const response = await hub.post('/api/sidelines', { ...acme, ...change })

  expect([response.statusCode, response.json().detail]).toEqual([422, expect.stringMatching(detail)])
  expect(response.json().errors).toHaveLength(1)
  expect(hub.held.tell).not.toHaveBeenCalled()
})

test('where an expression goes wrong is told as a position', async () => {
  await using hub = await sidelineFixture()
  const response = await hub.post('/api/sidelines/dry-run', { filter: 'tenant == "a" &&& true' })
  expect([response.statusCode, response.json().errors]).toEqual([
    422,
    [expect.objectContaining({ field: 'filter', position: 16 })],
  ])
})

test('what the kernel refuses though there is no such rule is 422', async () => {
  await using hub = await sidelineFixture()
  hub.held.tell.mockResolvedValue({ refused: 'filter: no.' })
  expect((await hub.post('/api/sidelines', acme)).statusCode).toBe(422)
})

test.each([
  ['without an id', { id: undefined }],
  ['without a filter', { filter: undefined }],
  ['without a reason', { reason: ' ' }],
  ['with an id that is no part of a queue name', { id: 'a b' }],
  ['with no queue', { queues: [] }],
  ['with a filter that is a program', { filter: `true ${' '.repeat(4_096)}` }],
  ['with a probe every moment', { probeMs: 999 }],
  ['with more', { more: 1 }],
])('a start %s is 400', async (_, change) => {
  await using hub = await sidelineFixture()
  expect((await hub.post('/api/sidelines', { ...acme, ...change })).statusCode).toBe(400)
  expect(hub.held.tell).not.toHaveBeenCalled()
})

test('more open rules than there may be are 409; one that is there already is not more', async () => {
  await using hub = await sidelineFixture()
  for (let n = 0; n < RULES_MAX; n++)
    await put(hub.store, 'sideline', { key: `r${n}`, status: 'active', state: ruleShown() })

  const another = await hub.post('/api/sidelines', acme)
  const same = await hub.post('/api/sidelines', { ...acme, id: 'r7' })

  expect([another.statusCode, another.json().title]).toEqual([409, 'Too many rules'])
  expect(same.statusCode).toBe(200)
})

test('so it is when others have started theirs in the meantime', async () => {
  await using hub = await sidelineFixture()
  hub.held.tell.mockResolvedValue({ refused: TOO_MANY_RULES })

  const response = await hub.post('/api/sidelines', acme)

  expect([response.statusCode, response.json().title]).toEqual([409, 'Too many rules'])
})
