import { expect, test } from 'vitest'
import { by, eggId, fired, request, startKernel } from './kernel-fixture.ts'

test('an operator fires, moves and cancels timers, and the history says who and why', async () => {
  await using rig = await startKernel()
  await request(rig, 'a', 'fire:9000,move:9000,cancel:9000')
  await rig.clock.advance(10)
  const timer = (name: string) => ({ ...eggId('a'), name })
  const { kernel } = rig.hub
  const dueMs = rig.clock.now() + 100
  const acts = await rig.store.write(async (tx) => [
    await kernel.fire(tx, timer('fire'), by),
    await kernel.moveTimer(tx, timer('move'), { ...by, dueMs }),
    await kernel.cancelTimer(tx, timer('cancel'), by),
    await kernel.fire(tx, timer('none'), by),
    await kernel.fire(tx, timer('move'), by, 0),
  ])
  await rig.clock.advance(20_000)

  expect(acts).toEqual([true, true, true, false, false])
  expect(fired(rig)).toEqual(['fire', 'move'])
  const history = await rig.store.reader.historyOf(eggId('a'), 10)
  expect(history.filter(({ what }) => what.startsWith('timer'))).toEqual([
    expect.objectContaining({ what: 'timer fire fired', detail: 'ann: a test' }),
    expect.objectContaining({ what: `timer move moved to ${new Date(dueMs).toISOString()}` }),
    expect.objectContaining({ what: 'timer cancel cancelled' }),
  ])
})

test('a timer that an operator fires in vain stays as it was, and the operator hears why', async () => {
  await using rig = await startKernel()
  await request(rig, 'a', 'broken:9000')
  await rig.clock.advance(10)

  const firing = rig.store.write((tx) => rig.hub.kernel.fire(tx, { ...eggId('a'), name: 'broken' }, by))

  await expect(firing).rejects.toThrow('this decision always fails')
  expect((await rig.store.reader.timersOf(eggId('a')))[0]).toMatchObject({ name: 'broken' })
  expect(await rig.store.reader.historyOf(eggId('a'), 10)).toHaveLength(1)
})
