import { expect, test } from 'vitest'
import { depthOf, JSON_DEPTH_MAX } from '../../../shared/bus/envelope.ts'
import { PartlyUnavailableError } from '../../../shared/store/store.ts'
import { tell, tellStanding } from '../questions.ts'
import { doneBody, groupBody, hubFixture } from './hub-fixture.ts'

test('who asks is told the view that the API shows', async () => {
  await using hub = await hubFixture()
  await hub.hear(groupBody('g1'))

  const told = await tell({ type: 'CONVERSATION_ASKED', kind: 'group', id: 'g1' }, hub.operations)

  expect(told).toEqual({
    type: 'CONVERSATION_TOLD',
    kind: 'group',
    id: 'g1',
    view: (await hub.get('/api/groups/g1')).json(),
  })
})

test('who asks for what is not there is told so', async () => {
  await using hub = await hubFixture()
  expect(await tell({ type: 'CONVERSATION_ASKED', kind: 'flow', id: 'g1' }, hub.operations)).toEqual({
    type: 'CONVERSATION_TOLD',
    kind: 'flow',
    id: 'g1',
  })
})

const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)])

test.each([
  { what: 'too large', part: 'x'.repeat(1_048_576), leftOut: /bytes are too many/ },
  { what: 'too deep', part: nested(63), leftOut: /64 levels are too deep/ },
])('of a view that is $what for a message only what every conversation has is told', async ({ part, leftOut }) => {
  await using hub = await hubFixture()
  await hub.hear(groupBody('g1', ['a']))
  const kinds = hub.operations.kinds.map((kind) => ({
    ...kind,
    read: (json: string) => ({ ...kind.read(json), view: () => ({ part }) }),
  }))

  const told = await tell({ type: 'CONVERSATION_ASKED', kind: 'group', id: 'g1' }, { ...hub.operations, kinds })

  expect(JSON.stringify(told).length).toBeLessThan(1_000)
  expect(told).toMatchObject({
    view: { id: 'g1', status: 'open', version: 1, leftOut: expect.stringMatching(leftOut) },
  })
})

test('a view that is as deep as a message may be is told', async () => {
  await using hub = await hubFixture()
  await hub.hear(groupBody('g1', ['a']))
  const kinds = hub.operations.kinds.map((kind) => ({
    ...kind,
    read: (json: string) => ({ ...kind.read(json), view: () => ({ part: nested(62) }) }),
  }))

  const told = await tell({ type: 'CONVERSATION_ASKED', kind: 'group', id: 'g1' }, { ...hub.operations, kinds })

  expect(told).toMatchObject({ view: { part: nested(62) } })
  expect(depthOf(Buffer.from(JSON.stringify(told)))).toBe(JSON_DEPTH_MAX)
})

test('who asks how conversations stand is told which go on and which are over, and nothing of the others', async () => {
  await using hub = await hubFixture()
  await hub.hear(groupBody('g1', ['a']), groupBody('g2', ['a']), groupBody('g3', ['a']), doneBody('g2', 'a'))

  const ids = ['g1', 'g2', 'nobody', 'g1']
  const told = await tellStanding({ type: 'STANDING_ASKED', kind: 'group', ids }, hub.operations)

  expect(told).toEqual({ type: 'STANDING_TOLD', kind: 'group', open: ['g1'], ended: ['g2'] })
  expect(await tellStanding({ type: 'STANDING_ASKED', kind: 'flow', ids }, hub.operations)).toEqual({
    ...{ type: 'STANDING_TOLD', kind: 'flow', open: [], ended: [] },
  })
})

test('nobody is told that a conversation is not known while a store is out of reach', async () => {
  const away = new PartlyUnavailableError('away')
  const standingOf = () => {
    throw away
  }

  const told = tellStanding(
    { type: 'STANDING_ASKED', kind: 'group', ids: ['g1'] },
    { store: { reader: { standingOf } } },
  )

  await expect(told).rejects.toBe(away)
})
