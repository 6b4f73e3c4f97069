import { describe, expect, test } from 'vitest'
import { type Broker, type Received, ReturnedError } from '../broker.ts'
import { eventually, messageOf, numbers, planOf, publishAll, type Rig } from './contract-rig.ts'

const OWN = 'asker_reply.1'
const plan = planOf('quorum', { work: { hears: [] } })

/** Promises about a queue of a connection's own, to which answers come. */
export const listening = (start: () => Promise<Rig>) =>
  describe('listening', () => {
    test('hears what is sent straight to it, in order, with all that it carries', async () => {
      await using rig = await start()
      const [asker, other] = connect(rig)
      const { heard, listener } = await hear(asker)

      await other.publish({ ...messageOf({ key: OWN }, '0'), properties: { messageId: '0', correlationId: 'c-1' } })
      await publishAll(
        other,
        numbers(500).map((n) => messageOf({ key: OWN, mandatory: true }, n)),
      )
      await eventually(() => expect(textsOf(heard)).toEqual(['0', ...numbers(500)]))

      expect(listener.isUp).toBe(true)
      expect(heard[0]).toEqual({
        exchange: '',
        key: OWN,
        body: Buffer.from('0'),
        properties: { messageId: '0', correlationId: 'c-1', headers: {} },
      })
      expect(await asker.inspect(OWN)).toMatchObject({ messages: 0, consumers: 1 })
    })

    test('may begin before the broker is there', async () => {
      await using rig = await start()
      const asker = rig.connect({ service: 'asker', plan })
      expect(asker.state).toBe('connecting')
      const { heard } = await hear(asker)

      await asker.publish(messageOf({ key: OWN, mandatory: true }, 'first'))
      await eventually(() => expect(textsOf(heard)).toEqual(['first']))
    })

    test('D4: hears again under the same name after a cut; what was not heard before is not heard after', async () => {
      await using rig = await start()
      const [asker, other] = connect(rig)
      const { heard, listener } = await hear(asker)
      for (const round of ['1', '2']) {
        await rig.cut('asker')
        await eventually(() => expect(listener.isUp).toBe(false))
        await eventually(() => expect([listener.isUp, asker.state]).toEqual([true, 'up']))
        await other.publish(messageOf({ key: OWN, mandatory: true }, round))
      }

      await eventually(() => expect(textsOf(heard)).toEqual(['1', '2']))
    })

    test('the queue goes with its connection; a message for it is lost without an error, or returned when mandatory', async () => {
      await using rig = await start()
      const [asker, other] = connect(rig)
      const { heard, listener } = await hear(asker)
      await asker.close()
      await untilGone(other)

      await expect(other.publish(messageOf({ key: OWN }, 'late'))).resolves.toBeUndefined()
      await expect(other.publish(messageOf({ key: OWN, mandatory: true }, 'late'))).rejects.toThrow(ReturnedError)
      expect([heard, listener.isUp]).toEqual([[], false])
      expect(await other.inspect(OWN)).toBeUndefined()
    })

    test('stopped: hears nothing more, the queue is gone and stays gone; the connection goes on', async () => {
      await using rig = await start()
      const [asker, other] = connect(rig)
      const { heard, listener } = await hear(asker)
      await listener.stop()
      await untilGone(other)
      await rig.cut('asker')
      await eventually(() => expect(asker.state).toBe('connecting'))
      await eventually(() => expect(asker.state).toBe('up'))

      await asker.publish(messageOf({ key: OWN }, 'late'))
      expect(await asker.inspect(OWN)).toBeUndefined()
      expect([heard, listener.isUp]).toEqual([[], false])
    })

    test('belongs to its connection alone: another one waits for the name, and has it when the first is gone', async () => {
      await using rig = await start()
      const [asker, other] = connect(rig)
      const first = await hear(asker)
      const second: Received[] = []
      const waiting = other.listen(OWN, (message) => void second.push(message))
      await publishAll(
        other,
        numbers(20).map((n) => messageOf({ key: OWN, mandatory: true }, n)),
      )
      await eventually(() => expect(textsOf(first.heard)).toEqual(numbers(20)))
      expect(second).toEqual([])
      expect(await other.inspect(OWN)).toBeUndefined()

      await asker.close()
      const listener = await waiting
      expect(listener.isUp).toBe(true)
      await other.publish(messageOf({ key: OWN, mandatory: true }, '21'))
      await eventually(() => expect(textsOf(second)).toEqual(['21']))
    })
  })

const connect = (rig: Rig): [asker: Broker, other: Broker] => [
  rig.connect({ service: 'asker', plan }),
  rig.connect({ service: 'other', plan }),
]

async function hear(broker: Broker) {
  const heard: Received[] = []
  const listener = await broker.listen(OWN, (message) => void heard.push(message))
  return { heard, listener }
}

const textsOf = (heard: readonly Received[]) => heard.map(({ body }) => body.toString())

/** Only who sends to it can tell: the queue of another connection is not shown. */
const untilGone = (broker: Broker) =>
  eventually(() => expect(broker.publish(messageOf({ key: OWN, mandatory: true }, '?'))).rejects.toThrow(ReturnedError))
