import { expect, test } from 'vitest'
import { VirtualClock } from '../../clock.ts'
import { MemoryBroker } from '../memory-broker.ts'
import { messageOf, numbers, planOf, publishAll } from './contract-rig.ts'

const plan = planOf(
  'quorum',
  { work: { hears: [] } },
  { queues: [{ name: 'notes', arguments: { 'x-queue-type': 'stream', 'x-max-length-bytes': 1_000 } }] },
)

/** A broker whose time stands still, and one connection to it. */
async function world() {
  const clock = new VirtualClock()
  const memory = new MemoryBroker({ clock })
  const bus = memory.connect({ service: 'tester', plan })
  await bus.ready()
  const note = (texts: readonly string[]) =>
    publishAll(
      bus,
      texts.map((text) => messageOf({ key: 'notes' }, text)),
    )
  return { clock, memory, bus, note }
}

test('the oldest messages of a stream go when it is larger than it may be; who reads later begins behind them', async () => {
  const { clock, memory, bus, note } = await world()
  await note(numbers(30, 100).map((text) => text.padEnd(100, '.')))
  expect(memory.depth('notes')).toBe(10)

  const heard: string[] = []
  await bus.follow('notes', ({ body }) => void heard.push(body.toString().slice(0, 3)))
  await note(['130'])
  await clock.advance(0)
  expect(heard).toEqual(numbers(11, 120))
  expect(memory.depth('notes')).toBe(10)
})

test('a message that is larger than the stream may be is there all the same', async () => {
  const { memory, note } = await world()
  await note(['1', 'x'.repeat(2_000)])

  expect(memory.depth('notes')).toBe(1)
})

test('it is idle when the streams are read, and only then', async () => {
  const { clock, memory, bus, note } = await world()
  let heard = 0
  await bus.follow('notes', () => void heard++)
  const noted = note(numbers(300))
  while (heard === 0) await new Promise((resolve) => setImmediate(resolve))
  await noted
  expect([heard, memory.isIdle()]).toEqual([256, false])

  await clock.advance(0)
  expect([heard, memory.isIdle()]).toEqual([300, true])
})

test('a follower that is stopped while the connection waits for it holds nobody up', async () => {
  const { clock, memory, bus, note } = await world()
  await note(numbers(300))
  const first: string[] = []
  const second: string[] = []
  const follower = await bus.follow('notes', ({ body }) => void first.push(body.toString()))
  await bus.follow('notes', ({ body }) => void second.push(body.toString()))
  const worked: string[] = []
  await bus.consume('work', { prefetch: 1 }, (delivery) => {
    worked.push(delivery.message.body.toString())
    delivery.ack()
  })
  for (const heard of [first, second]) heard.length = 0
  memory.cut('tester')
  const connected = clock.advance(1_000)
  while (first.length === 0) await new Promise((resolve) => setImmediate(resolve))
  expect([first.length, second.length, bus.state]).toEqual([256, 0, 'connecting'])
  await follower.stop()
  await connected

  expect(first).toHaveLength(256)
  expect([bus.state, second.length]).toEqual(['up', 300])
  await bus.publish(messageOf({ key: 'work' }, 'w'))
  await clock.advance(0)
  expect(worked).toEqual(['w'])
})

test('while the broker is away nobody follows; back again, everything is read again', async () => {
  const { clock, memory, bus, note } = await world()
  await note(['1'])
  const heard: string[] = []
  await bus.follow('notes', ({ body }) => void heard.push(body.toString()))
  memory.stop()
  await clock.advance(1_000)
  memory.start()
  await clock.advance(1_000)

  expect([bus.state, heard]).toEqual(['up', ['1', '1']])
})
