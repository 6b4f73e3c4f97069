import { expect, test } from 'vitest'
import { deadQueueOf } from '../../topology.ts'
import { eggId, fired, request, send, startKernel, wakeUps } from './kernel-fixture.ts'

test('a timer fires once, no earlier than due and within 20 ms (H11)', async () => {
  await using rig = await startKernel()
  await request(rig, 'a', 'one:12345')
  await rig.clock.advance(12_344)
  expect(fired(rig)).toEqual([])

  await rig.clock.advance(22)

  expect(fired(rig)).toEqual(['one'])
  await rig.clock.advance(3_600_000)
  expect(fired(rig)).toEqual(['one'])
  for (const late of rig.lateness) expect(late).toBeGreaterThanOrEqual(0)
  expect(await rig.store.reader.countTimers()).toBe(0)
})

test('two timers of the same millisecond both fire (H6)', async () => {
  await using rig = await startKernel()
  await request(rig, 'a', 'one:1000,two:1000')
  await request(rig, 'b', 'three:1000')

  await rig.clock.advance(1_100)

  expect(fired(rig).toSorted()).toEqual(['one', 'three', 'two'])
})

test('a moved timer fires at its new time only, a cancelled one never, also when cancelled twice (H6)', async () => {
  await using rig = await startKernel()
  await request(rig, 'a', 'moved:1000,cancelled:1000,sooner:5000')
  await rig.clock.advance(500)
  await request(rig, 'a', 'moved:2000,-cancelled,sooner:100')
  await request(rig, 'a', '-cancelled')

  await rig.clock.advance(150)
  expect(fired(rig)).toEqual(['sooner'])
  await rig.clock.advance(1_800)
  expect(fired(rig)).toEqual(['sooner'])
  await rig.clock.advance(100)
  expect(fired(rig)).toEqual(['sooner', 'moved'])
  await rig.clock.advance(60_000)
  expect(fired(rig)).toEqual(['sooner', 'moved'])
})

test('of timers that are due together, one that is cancelled or moved by another does not fire at its old time (H6)', async () => {
  await using rig = await startKernel()
  await request(rig, 'a', 'first:1000,second:1000,third:1000')

  await rig.clock.advance(1_500)
  expect(fired(rig)).toEqual(['first'])
  await rig.clock.advance(600)
  expect(fired(rig)).toEqual(['first', 'third'])
})

test('timers that are due within the same 10 ms share a wake-up', async () => {
  await using rig = await startKernel()
  for (let i = 0; i < 50; i++) await request(rig, `c${i}`, 'one:1000')
  await rig.clock.advance(2_000)

  expect(fired(rig)).toHaveLength(50)
  expect(wakeUps(rig)).toBeLessThanOrEqual(10)
})

test('more timers than fit into one transaction all fire', async () => {
  await using rig = await startKernel()
  for (let i = 0; i < 700; i++) await request(rig, `c${i}`, 'one:1000')
  await rig.clock.advance(3_000)

  expect(fired(rig)).toHaveLength(700)
})

test('a timer beyond the range of the ladder fires at its time', async () => {
  await using rig = await startKernel()
  const days = 24 * 3_600_000
  await request(rig, 'a', `far:${70 * days}`)
  await rig.clock.advance(69 * days)
  expect(fired(rig)).toEqual([])

  await rig.clock.advance(days + 20)
  expect(fired(rig)).toEqual(['far'])
})

test('a lost wake-up costs lateness only: the sweep fires what is overdue', async () => {
  await using rig = await startKernel()
  await request(rig, 'a', 'one:1000')
  await rig.clock.advance(100)
  rig.memory.deleteQueue('ebs.delay.900ms')
  rig.memory.deleteQueue('ebs.delay.1s')
  rig.memory.deleteQueue('ebs.delay.10ms')
  await rig.clock.advance(5_000)
  expect(fired(rig)).toEqual([])

  expect(await rig.store.write((tx) => rig.hub.kernel.sweep(tx))).toBe(false)
  await rig.clock.advance(10)

  expect(fired(rig)).toEqual(['one'])
})

test('a hub that was killed fires at the original time, or as soon as it lives (H7)', async () => {
  await using rig = await startKernel()
  await request(rig, 'a', 'soon:1000,late:5000')
  await rig.clock.advance(100)
  await rig.hub.kill()
  await rig.clock.advance(2_000)
  expect(fired(rig)).toEqual([])

  const started = await rig.start('hub-again')
  await rig.clock.advance(50)
  expect(fired(rig)).toEqual(['soon'])
  await rig.clock.advance(2_800)
  expect(fired(rig)).toEqual(['soon'])
  await rig.clock.advance(100)
  expect(fired(rig)).toEqual(['soon', 'late'])
  await started.kill()
})

test('a timer whose decision fails keeps no other waiting, and comes again', async () => {
  await using rig = await startKernel()
  await request(rig, 'a', 'broken:1000')
  await request(rig, 'b', 'one:1000')
  await rig.clock.advance(1_100)
  expect(fired(rig)).toEqual(['one'])

  const timers = await rig.store.reader.listTimers({}, { limit: 10 })
  expect(timers.items).toMatchObject([{ key: 'a', name: 'broken' }])
})

test('a clock that is set back delays timers and never loses them, whatever became of their wake-ups', async () => {
  await using rig = await startKernel()
  await request(rig, 'a', 'one:1000,two:1500')
  await request(rig, 'b', 'three:2000')
  await rig.clock.advance(500)
  rig.shift.ms = -60_000
  await rig.clock.advance(5_000)
  expect(fired(rig)).toEqual([])

  await rig.clock.advance(60_000)
  expect(fired(rig)).toEqual(['one', 'two', 'three'])
  expect(wakeUps(rig)).toBeLessThanOrEqual(6)
})

test('a clock that is set forward makes nothing fire twice', async () => {
  await using rig = await startKernel()
  await request(rig, 'a', 'one:1000,two:90000')
  await rig.clock.advance(500)
  rig.shift.ms = 60_000
  await rig.clock.advance(100_000)

  expect(fired(rig)).toEqual(['one', 'two'])
})

test('what came in time counts, though nobody was there to take it before the time was up (H7)', async () => {
  await using rig = await startKernel()
  await request(rig, 'answered', 'one:1000')
  await request(rig, 'unanswered', 'one:1000')
  await rig.clock.advance(100)
  await rig.hub.kill()
  await send(rig, { type: 'FLOW_SUCCEEDED', flowId: 'answered', length: 1, mode: 'parallel', durationMs: 1 })
  await rig.clock.advance(5_000)

  const started = await rig.start('hub-again')
  await rig.store.write((tx) => started.kernel.sweep(tx))
  await rig.clock.advance(100)

  expect((await rig.store.reader.findConversation(eggId('answered')))?.status).toBe('over')
  expect(fired(rig)).toEqual(['one'])
  await started.kill()
})

test('an event that comes before its conversation counts when it opens, and is forgotten after its time (G5)', async () => {
  await using rig = await startKernel()
  await send(rig, { type: 'FLOW_SUCCEEDED', flowId: 'a', length: 1, mode: 'parallel', durationMs: 1 })
  await send(rig, { type: 'FLOW_SUCCEEDED', flowId: 'b', length: 1, mode: 'parallel', durationMs: 1 })
  await rig.clock.advance(59_000)
  await request(rig, 'a')
  await rig.clock.advance(2_000)
  await rig.store.write((tx) => rig.hub.kernel.sweep(tx))
  await request(rig, 'b')
  await rig.clock.advance(10)

  const status = async (key: string) => (await rig.store.reader.findConversation(eggId(key)))?.status
  expect([await status('a'), await status('b')]).toEqual(['over', 'open'])
  expect(await rig.store.reader.countEarly()).toBe(0)
  expect(await rig.store.reader.listIgnored()).toMatchObject([{ kind: 'egg', why: 'unknown', count: 1, lastKey: 'b' }])
})

test('what is refused dies with its reason and changes nothing; its neighbours count', async () => {
  await using rig = await startKernel()
  await request(rig, 'a', 'one:1000')
  await request(rig, 'a', 'one:1', 99)
  await request(rig, 'b', 'two:1000')
  await rig.clock.advance(500)

  expect(fired(rig)).toEqual([])
  expect(rig.memory.depth(deadQueueOf('hub_consume'))).toBe(1)
  expect(rig.said('MESSAGE_DEAD')).toEqual([expect.stringContaining('a is refused')])
  await rig.clock.advance(600)
  expect(fired(rig).toSorted()).toEqual(['one', 'two'])
})

test('after the end no timer is left (H1)', async () => {
  await using rig = await startKernel()
  await request(rig, 'a', 'one:1000,two:90000')
  await rig.clock.advance(10)
  await send(rig, { type: 'FLOW_SUCCEEDED', flowId: 'a', length: 1, mode: 'parallel', durationMs: 1 })
  await rig.clock.advance(200_000)

  expect(fired(rig)).toEqual([])
  expect(await rig.store.reader.countTimers()).toBe(0)
})

test('what belongs to a conversation carries the correlation of who opened it', async () => {
  await using rig = await startKernel()
  await send(rig, { type: 'FLOW_REQUESTED', flowId: 'a', length: 1, mode: 'parallel', requestKey: 'one:100' }, 'first')
  await rig.clock.advance(10)
  await send(rig, { type: 'FLOW_REQUESTED', flowId: 'a', length: 1, mode: 'parallel', requestKey: 'two:100' }, 'second')
  await rig.clock.advance(500)

  const said = rig.heard.filter(({ properties }) => properties.type === 'FLOW_REFUSED')
  expect(said.map(({ properties }) => properties.correlationId)).toEqual(['first', 'first'])
  expect(new Set(said.map(({ properties }) => properties.messageId)).size).toBe(2)
})

test('sweeps while the broker is away leave nothing to be sent', async () => {
  await using rig = await startKernel()
  await request(rig, 'a', 'one:1000')
  await rig.clock.advance(100)
  rig.memory.stop()
  await rig.clock.advance(60_000)
  const before = rig.store.countPending()

  for (let n = 0; n < 3; n++) await rig.store.write((tx) => rig.hub.kernel.sweep(tx))

  expect(rig.store.countPending()).toBe(before)
})

test('what nobody on the queue is for is poison; what is heard and nobody needs is ignored', async () => {
  await using rig = await startKernel()
  const paste = (body: unknown) =>
    rig.watcher.publish({ exchange: '', key: 'hub_consume', body: Buffer.from(JSON.stringify(body)), properties: {} })
  await paste({
    type: 'OBJECT_CREATED',
    object: { id: 'o', tenant: 't', name: 'n', content: '', createdAt: '2026-01-01T00:00:00Z' },
  })
  await paste({ type: 'MESSAGE_DEAD', queue: 'q', messageId: 'm', reason: 'r' })
  await rig.clock.advance(100)

  expect(rig.memory.depth(deadQueueOf('hub_consume'))).toBe(1)
  expect(rig.memory.depth('hub_consume')).toBe(0)
})
