import { describe, expect, test } from 'vitest'
import { FakeBroker } from '../../service/test/fake-broker.ts'
import { TopologyDriftError } from '../broker.ts'
import { finishWithin } from '../stopping.ts'
import { latch, virtualSite } from './bus-fixture.ts'

const WITHIN_MS = 10_000

/** A stop that is under way, whose work ends when the test says so. */
function stopping(broker = new FakeBroker()) {
  const { clock, site } = virtualSite()
  const work = latch()
  let stopped = false
  const begin = () => {
    void finishWithin(site.bus(broker), WITHIN_MS, () => work.opened).then(() => {
      stopped = true
    })
  }
  const isStopped = async (afterMs = 0) => {
    await clock.advance(afterMs)
    return stopped
  }
  return { broker, begin, finish: work.open, isStopped }
}

describe('D6: a stop', () => {
  test('waits for its work, and not for longer than its time', async () => {
    const [done, tooLong] = [stopping(), stopping()]
    for (const { broker, begin } of [done, tooLong]) {
      broker.become('up')
      begin()
    }
    expect([await done.isStopped(), await tooLong.isStopped(WITHIN_MS - 1)]).toEqual([false, false])

    done.finish()

    expect([await done.isStopped(), await tooLong.isStopped(1)]).toEqual([true, true])
    expect([done.broker.listeners, tooLong.broker.listeners]).toEqual([0, 0])
  })

  test('waits for what came before the connection for publishing was there for the first time', async () => {
    const { broker, begin, finish, isStopped } = stopping()
    begin()
    expect(await isStopped(1_000)).toBe(false)

    broker.become('up')
    expect(await isStopped(1_000)).toBe(false)

    finish()
    expect(await isStopped()).toBe(true)
  })

  test('does not wait for a broker that can never be used', async () => {
    const { broker, begin, isStopped } = stopping()
    begin()

    broker.refuse(new TopologyDriftError([]))

    expect(await isStopped()).toBe(true)
  })

  test.each(['connecting', 'blocked', 'closed'] as const)(
    'does not wait for a broker that was up and is %s',
    async (away) => {
      const [before, meanwhile] = [stopping(), stopping()]
      for (const { broker } of [before, meanwhile]) broker.become('up')
      before.broker.become(away)
      before.begin()
      meanwhile.begin()
      expect([await before.isStopped(), await meanwhile.isStopped()]).toEqual([true, false])

      meanwhile.broker.become(away)

      expect(await meanwhile.isStopped()).toBe(true)
    },
  )
})
