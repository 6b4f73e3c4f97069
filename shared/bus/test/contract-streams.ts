import { describe, expect, test } from 'vitest'
import type { Plan } from '../../topology.ts'
import { type Broker, ClosedError, type Received } from '../broker.ts'
import { eventually, messageOf, numbers, planOf, publishAll, type Rig } from './contract-rig.ts'

const NOTES = 'notes'
const OTHER = 'other.notes'
const stream = (name: string): Plan['queues'][number] => ({ name, arguments: { 'x-queue-type': 'stream' } })
const plan = planOf('quorum', { work: { hears: [] } }, { queues: [stream(NOTES), stream(OTHER)] })

/** Promises about streams: everybody reads everything, and before anything else. */
export const following = (start: () => Promise<Rig>) =>
  describe('following', () => {
    test('reads from the first message, resolves at the end, and hears what comes after, with all that it carries', async () => {
      await using rig = await start()
      const [reader, writer] = connect(rig)
      await note(writer, numbers(1_500))
      const heard: Received[] = []
      await reader.follow(NOTES, (message) => void heard.push(message))
      expect(textsOf(heard)).toEqual(numbers(1_500))

      const properties = { messageId: 'm-1', type: 'SAID', headers: { 'x-mine': 1 } }
      await writer.publish({ exchange: '', key: NOTES, body: Buffer.from('after'), properties, mandatory: true })
      await eventually(() => expect(heard).toHaveLength(1_501))

      expect(heard[1_500]).toMatchObject({ exchange: '', key: NOTES, body: Buffer.from('after'), properties })
    })

    test('may begin before the broker is there; a stream with nothing in it is at its end at once', async () => {
      await using rig = await start()
      const reader = rig.connect({ service: 'reader', plan })
      expect(reader.state).toBe('connecting')
      const heard = await follow(reader, NOTES)
      expect(heard()).toEqual([])

      await note(reader, ['1'])
      await eventually(() => expect(heard()).toEqual(['1']))
    })

    test('everybody reads everything, several times over on one connection, and nobody hears how others find the end', async () => {
      await using rig = await start()
      const [reader, writer] = connect(rig)
      await note(writer, numbers(3))
      const followers = [await follow(reader, NOTES), await follow(writer, NOTES), await follow(reader, NOTES)]
      await note(reader, ['4'])

      for (const heard of followers) await eventually(() => expect(heard()).toEqual(numbers(4)))
    })

    test('a consumer of a new connection gets nothing before the streams were read to their ends, and again after each cut', async () => {
      await using rig = await start()
      const writer = rig.connect({ service: 'writer', plan })
      await note(writer, numbers(2_000))
      await note(writer, numbers(5), OTHER)
      await writer.publish(messageOf({ key: 'work' }, 'first'))
      const reader = rig.connect({ service: 'reader', plan })
      const order: string[] = []
      const isWork = (each: string) => !['note', 'other'].includes(each)
      const heard = [
        reader.follow(NOTES, () => void order.push('note')),
        reader.follow(OTHER, () => void order.push('other')),
      ]
      const consumer = reader.consume('work', { prefetch: 10 }, (delivery) => {
        order.push(delivery.message.body.toString())
        delivery.ack()
      })
      await Promise.all([...heard, consumer])
      await eventually(() => expect(order).toContain('first'))
      expect(order.findIndex(isWork)).toBe(2_005)

      for (const round of ['second', 'third']) {
        order.length = 0
        await rig.cut('reader')
        await eventually(() => expect(reader.state).toBe('connecting'))
        await writer.publish(messageOf({ key: 'work' }, round))
        await eventually(() => expect(order).toContain(round))
        expect(order.filter((each) => each === 'note')).toHaveLength(2_000)
        expect(order.findIndex(isWork)).toBe(2_005)
      }
    })

    test('a stream that is deleted takes the connection with it; declared again, it is read again before consuming goes on', async () => {
      await using rig = await start()
      const [reader, writer] = connect(rig)
      await note(writer, ['1'])
      const heard = await follow(reader, NOTES)
      await reader.ready()
      const states: string[] = []
      reader.onState((state) => states.push(state))
      const texts: string[] = []
      await reader.consume('work', { prefetch: 10 }, (delivery) => {
        texts.push(delivery.message.body.toString())
        delivery.ack()
      })

      await rig.deleteQueue(NOTES)
      await eventually(() => expect(states).toEqual(['connecting', 'up']))
      await note(writer, ['2'])
      await writer.publish(messageOf({ key: 'work' }, 'again'))

      await eventually(() => expect([heard(), texts]).toEqual([['1', '2'], ['again']]))
    })

    test('whoever follows is told before each reading from the first message, and not in between', async () => {
      await using rig = await start()
      const [reader, writer] = connect(rig)
      await note(writer, ['1', '2'])
      const heard: string[] = []
      await reader.follow(
        NOTES,
        ({ body }) => void heard.push(body.toString()),
        () => void heard.push('begin'),
      )
      await note(writer, ['3'])
      await eventually(() => expect(heard).toEqual(['begin', '1', '2', '3']))

      await rig.cut('reader')
      await eventually(() => expect(heard.slice(4)).toEqual(['begin', '1', '2', '3']))
      await rig.deleteQueue(NOTES)
      await eventually(() => expect(heard.slice(8)).toEqual(['begin']))
    })

    test('a stream that cannot be read keeps the connection from coming up, until it can', async () => {
      await using rig = await start()
      const [reader, writer] = connect(rig)
      await reader.ready()
      const heard: string[] = []
      const following = reader.follow('late', ({ body }) => void heard.push(body.toString()))
      const consuming = reader.consume('work', { prefetch: 10 }, (delivery) => {
        heard.push(delivery.message.body.toString())
        delivery.ack()
      })
      await eventually(() => expect(reader.state).toBe('connecting'))
      await writer.publish(messageOf({ key: 'work' }, 'work'))
      await writer.declare(stream('late'))
      await note(writer, ['1', '2'], 'late')
      await Promise.all([following, consuming])

      await eventually(() => expect(heard).toEqual(['1', '2', 'work']))
      await eventually(() => expect(reader.state).toBe('up'))
    })

    test('stopped: hears nothing more, also after a cut; others go on', async () => {
      await using rig = await start()
      const [reader, writer] = connect(rig)
      const heard: string[] = []
      const follower = await reader.follow(NOTES, ({ body }) => void heard.push(body.toString()))
      const other = await follow(reader, OTHER)
      await note(writer, ['1'])
      await eventually(() => expect(heard).toEqual(['1']))

      await follower.stop()
      await note(writer, ['2'])
      await rig.cut('reader')
      await eventually(() => expect(reader.state).toBe('connecting'))
      await note(writer, ['after'], OTHER)
      await eventually(() => expect(other()).toEqual(['after']))

      await eventually(() => expect(reader.state).toBe('up'))
      expect(heard).toEqual(['1'])
    })

    test('whoever begins to follow when this side is closed, or waits for it then, is told so', async () => {
      await using rig = await start()
      const reader = rig.connect({ service: 'reader', plan })
      await reader.ready()
      const waiting = expect(reader.follow('not there yet', () => {})).rejects.toThrow(ClosedError)
      await reader.close()

      await waiting
      await expect(reader.follow(NOTES, () => {})).rejects.toThrow(ClosedError)
    })
  })

const connect = (rig: Rig): [reader: Broker, writer: Broker] => [
  rig.connect({ service: 'reader', plan }),
  rig.connect({ service: 'writer', plan }),
]

async function follow(broker: Broker, name: string) {
  const heard: Received[] = []
  await broker.follow(name, (message) => void heard.push(message))
  return () => textsOf(heard)
}

const note = (broker: Broker, texts: readonly string[], key = NOTES) =>
  publishAll(
    broker,
    texts.map((text) => messageOf({ key, mandatory: true }, text)),
  )

const textsOf = (heard: readonly Received[]) => heard.map(({ body }) => body.toString())
