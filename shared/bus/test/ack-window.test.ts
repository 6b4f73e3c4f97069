import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AckWindow } from '../ack-window.ts'

/** A window with deliveries 1 to `count`; what it tells the broker is written down. */
function windowOf(count: number) {
  const sent: string[] = []
  const window = new AckWindow<string>((delivery, multiple) => sent.push(multiple ? `up to ${delivery}` : delivery))
  for (let tag = 1; tag <= count; tag++) window.delivered(tag, `d${tag}`)
  return { window, sent }
}

describe('acks', () => {
  test('of one turn go together: one multiple ack for all that is done from the lowest on', async () => {
    const { window, sent } = windowOf(3)

    for (const tag of [1, 2, 3]) window.ack(tag)
    expect(sent).toEqual([])
    await turn()

    expect(sent).toEqual(['up to d3'])
  })

  test.each([
    { acked: [1], sent: ['up to d1'] },
    { acked: [2], sent: ['d2'] },
    { acked: [5], sent: ['d5'] },
    { acked: [1, 2, 4], sent: ['up to d2', 'd4'] },
    { acked: [4, 2, 1], sent: ['up to d2', 'd4'] },
    { acked: [3, 5], sent: ['d3', 'd5'] },
    { acked: [5, 4, 3, 2, 1], sent: ['up to d5'] },
    { acked: [], sent: [] },
  ])('D1: $acked of five: never more than is done ($sent)', async ({ acked, sent: expected }) => {
    const { window, sent } = windowOf(5)

    for (const tag of acked) window.ack(tag)
    await turn()

    expect(sent).toEqual(expected)
  })

  test('the one that was missing lets the rest go', async () => {
    const { window, sent } = windowOf(4)
    window.ack(2)
    window.ack(4)
    await turn()

    window.ack(1)
    window.ack(3)
    await turn()

    expect(sent).toEqual(['d2', 'd4', 'up to d3'])
  })

  test('what was taken out is settled by the caller and holds nobody up', async () => {
    const { window, sent } = windowOf(3)

    expect(window.release(1)).toBe('d1')
    window.ack(2)
    window.ack(3)
    await turn()

    expect(sent).toEqual(['up to d3'])
  })

  test('flush sends at once, and nothing twice', async () => {
    const { window, sent } = windowOf(2)
    window.ack(1)

    window.flush()
    await turn()
    window.flush()

    expect(sent).toEqual(['up to d1'])
  })

  test('settling twice is a bug and says so', async () => {
    const { window } = windowOf(2)
    window.ack(1)
    window.release(2)

    expect(() => window.ack(1)).toThrow('settled twice')
    expect(() => window.ack(2)).toThrow('settled twice')
    expect(() => window.release(2)).toThrow('settled twice')
    expect(() => window.ack(3)).toThrow('settled twice')
  })

  test('after its channel is gone nothing is sent and settling does nothing', async () => {
    const { window, sent } = windowOf(3)
    window.ack(1)

    window.close()
    window.ack(2)
    window.flush()
    await turn()

    expect(window.release(3)).toBeUndefined()
    expect(() => window.ack(1)).not.toThrow()
    expect(sent).toEqual([])
  })

  test('D1: whatever the order and the turns, the broker hears of exactly what was acked', async () => {
    const steps = fc.array(fc.record({ tag: fc.integer({ min: 1, max: 12 }), flush: fc.boolean(), ack: fc.boolean() }))
    fc.assert(
      fc.property(steps, (orders) => {
        const outstanding = new Set(Array.from({ length: 12 }, (_, i) => i + 1))
        const settled = new Set<number>()
        const acked = new Set<number>()
        const window = new AckWindow<number>((tag, multiple) => {
          // As a broker would: the tag of an ack must be outstanding.
          expect(outstanding).toContain(tag)
          for (const one of multiple ? [...outstanding].filter((other) => other <= tag) : [tag]) {
            expect(acked).toContain(one)
            outstanding.delete(one)
          }
        })
        for (const tag of outstanding) window.delivered(tag, tag)
        for (const { tag, flush, ack } of orders) {
          if (settled.has(tag)) continue
          settled.add(tag)
          if (ack) {
            acked.add(tag)
            window.ack(tag)
          } else {
            window.release(tag)
            outstanding.delete(tag)
          }
          if (flush) window.flush()
        }
        window.flush()
        expect([...outstanding].filter((tag) => acked.has(tag))).toEqual([])
        expect(outstanding.size).toBe(12 - settled.size)
        window.close()
      }),
    )
  })
})
