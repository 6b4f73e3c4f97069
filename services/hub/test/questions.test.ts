import { expect, test } from 'vitest'
import { tell } from '../questions.ts'
import { groupBody, hubFixture } from './hub-fixture.ts'

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

test('a view too large for a message is told without what makes it large', async () => {
  await using hub = await hubFixture()
  await hub.hear(groupBody('g1', ['a']))
  const kinds = hub.operations.kinds.map((kind) => ({
    ...kind,
    read: (json: string) => ({ ...kind.read(json), view: () => ({ large: 'x'.repeat(1_048_576) }) }),
  }))

  const told = await tell({ type: 'CONVERSATION_ASKED', kind: 'group', id: 'g1' }, { ...hub.operations, kinds })

  expect(JSON.stringify(told).length).toBeLessThan(1_000)
  expect(told).toMatchObject({
    view: { id: 'g1', status: 'open', version: 1, leftOut: expect.stringContaining('bytes') },
  })
})
