import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { LanePolicy } from '../../service/lane-settings.ts'
import { type Lane, laneBuffer } from '../lanes.ts'

type Item = { readonly lane: Lane; readonly n: number }

const lane = fc.constantFrom<Lane>('live', 'replay')
const weight = fc.integer({ min: 1, max: 20 })
const policy = fc.oneof(
  fc.constantFrom<LanePolicy>({ kind: 'round-robin' }, { kind: 'fifo' }),
  fc.record({ kind: fc.constant('ratio' as const), live: weight, replay: weight }),
)
const step = fc.oneof(
  fc.record({ do: fc.constant('push' as const), lane }),
  fc.record({ do: fc.constant('take' as const), only: fc.option(lane, { nil: undefined }) }),
  fc.record({ do: fc.constant('return' as const), count: fc.integer({ min: 1, max: 3 }) }),
)

describe('between live and replay', () => {
  test('S9: every policy keeps the order within a lane, loses nothing, and gives something while there is something', () => {
    fc.assert(
      fc.property(policy, fc.array(step, { maxLength: 200 }), (chosen, steps) => {
        const buffer = laneBuffer<Item>(chosen)
        const model: Record<Lane, number[]> = { live: [], replay: [] }
        const taken: Item[] = []
        let n = 0
        for (const one of steps) {
          if (one.do === 'push') {
            model[one.lane].push(n)
            buffer.push({ lane: one.lane, n: n++ })
          } else if (one.do === 'return') {
            const back = taken.splice(-one.count)
            buffer.putBack(back)
            for (const item of back.toReversed()) model[item.lane].unshift(item.n)
          } else {
            const waits = one.only ? model[one.only].length > 0 : model.live.length + model.replay.length > 0
            const item = buffer.take(one.only)
            expect(item !== undefined).toBe(waits)
            if (!item) continue
            if (one.only) expect(item.lane).toBe(one.only)
            expect(item.n).toBe(model[item.lane].shift())
            taken.push(item)
          }
          expect(buffer.size).toBe(model.live.length + model.replay.length)
          expect([buffer.sizeOf('live'), buffer.sizeOf('replay')]).toEqual([model.live.length, model.replay.length])
        }
      }),
    )
  })

  test('S9: round-robin and ratio starve nobody: while both wait each gets its share of every round', () => {
    fc.assert(
      fc.property(weight, weight, fc.integer({ min: 1, max: 5 }), (live, replay, rounds) => {
        const buffer = laneBuffer<Item>({ kind: 'ratio', live, replay })
        for (let n = 0; n < rounds * (live + replay); n++) {
          buffer.push({ lane: 'live', n })
          buffer.push({ lane: 'replay', n })
        }
        for (let round = 0; round < rounds; round++) {
          const lanes = Array.from({ length: live + replay }, () => buffer.take()?.lane)
          expect(lanes.filter((one) => one === 'live')).toHaveLength(live)
        }
      }),
    )
  })

  test('S9: a chatty lane never starves a quiet one, and an idle one saves nothing up', () => {
    const buffer = laneBuffer<Item>({ kind: 'round-robin' })
    for (let n = 0; n < 100; n++) buffer.push({ lane: 'replay', n })
    for (let n = 0; n < 50; n++) buffer.take()
    buffer.push({ lane: 'live', n: 0 })
    buffer.push({ lane: 'live', n: 1 })
    buffer.push({ lane: 'live', n: 2 })

    const lanes = Array.from({ length: 6 }, () => buffer.take()?.lane)
    expect(lanes).toEqual(['live', 'replay', 'live', 'replay', 'live', 'replay'])
  })

  test('S9: a ratio spreads its turns', () => {
    const buffer = laneBuffer<Item>({ kind: 'ratio', live: 3, replay: 1 })
    for (let n = 0; n < 8; n++) for (const each of ['live', 'replay'] as const) buffer.push({ lane: each, n })

    const lanes = Array.from({ length: 8 }, () => buffer.take()?.lane)
    expect(lanes).toEqual(['live', 'live', 'replay', 'live', 'live', 'live', 'replay', 'live'])
  })

  test('S9: fifo takes them as they came', () => {
    const buffer = laneBuffer<Item>({ kind: 'fifo' })
    const came = (['live', 'replay', 'replay', 'live'] as const).map((each, n) => ({ lane: each, n }))
    for (const item of came) buffer.push(item)

    expect(came.map(() => buffer.take())).toEqual(came)
    expect(buffer.take()).toBeUndefined()
  })
})
