import { expect, test } from 'vitest'
import { fakeHeldOperations } from './fake-held.ts'
import { groupBody, hubFixture } from './hub-fixture.ts'
import { shownKinds } from './shown-kinds.ts'

const by = { actor: 'ann', reason: 'test' }
const BEN = 'ben@example.com'
const scopes = new Set(['ops:read', 'ops:write'])

/** With a token, Ben's; without, whoever says so. */
async function actorsFixture(hasTokens: boolean) {
  const held = fakeHeldOperations()
  const auth = async () => ({ actor: BEN, scopes })
  const hub = await hubFixture({ held, kinds: shownKinds, ...(hasTokens && { auth }) })
  await hub.hear(groupBody('g1'))
  return { ...hub, held, [Symbol.asyncDispose]: () => hub[Symbol.asyncDispose]() }
}

const tokens = [
  { hasTokens: true, name: 'with a token its subject', actor: BEN },
  { hasTokens: false, name: 'without a token who is named', actor: 'ann' },
] as const

test.each(tokens)('a conversation is cancelled by the right person: $name', async ({ hasTokens, actor }) => {
  await using hub = await actorsFixture(hasTokens)

  expect((await hub.post('/api/groups/g1/cancel', by)).statusCode).toBe(200)

  expect(JSON.stringify((await hub.get('/api/groups/g1')).json().history)).toContain(`${actor}: test`)
})

test.each(tokens)('a timer is moved, fired or cancelled by the right person: $name', async ({ hasTokens, actor }) => {
  await using hub = await actorsFixture(hasTokens)
  await hub.hear(groupBody('g2'))
  const timer = (group: string) => `/api/timers/group:${group}:deadline`

  await hub.post(`${timer('g1')}/move`, { ...by, due: '2026-01-01T01:00:00Z' })
  await hub.post(`${timer('g1')}/fire`, by)
  await hub.post(`${timer('g2')}/cancel`, by)

  const histories = [(await hub.get('/api/groups/g1')).json().history, (await hub.get('/api/groups/g2')).json().history]
  expect(JSON.stringify(histories).split(`${actor}: test`)).toHaveLength(4)
})

test.each(tokens)('dead letters are replayed and edited by the right person: $name', async ({ hasTokens, actor }) => {
  await using hub = await actorsFixture(hasTokens)
  hub.held.replays.request.mockResolvedValue({ outcome: 'requested', id: 'r1', count: 1 })
  hub.held.edit.mockResolvedValue({ outcome: 'edited', edited: 'now' })

  await hub.post('/api/dead/replay', { filter: { type: 'TASK_CREATED' }, ...by })
  await hub.post('/api/dead/h1/edit', { body: { type: 'TASK_CREATED' }, ...by })

  expect(hub.held.replays.request.mock.calls).toMatchObject([[{ by: { actor, reason: 'test' } }]])
  expect(hub.held.edit.mock.calls.map(([, , who]) => who)).toEqual([{ actor, reason: 'test' }])
})

test.each(tokens)('a sideline is started by the right person: $name', async ({ hasTokens, actor }) => {
  await using hub = await actorsFixture(hasTokens)
  hub.held.tell.mockResolvedValue({ refused: 'not now' })

  await hub.post('/api/sidelines', { id: 'acme', filter: 'true', ...by })

  expect(hub.held.tell.mock.calls).toMatchObject([[{ type: 'SIDELINE_COMMAND', actor, reason: 'test' }]])
})
