import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { levelExchange, levels, queues } from '../../topology.ts'
import { DELAY_MS_MAX, delayRoute } from '../ladder.ts'

const DAY_MS = 86_400_000
/** AMQP's bound on a routing key. */
const KEY_BYTES_MAX = 255

const digitsOf = (key: string) => key.split('.').slice(0, levels.length).map(Number)
const sumOf = (key: string) => digitsOf(key).reduce((sum, digit, i) => sum + digit * (levels[i]?.unitMs ?? 0), 0)
const rungsOf = (key: string) => digitsOf(key).filter((digit) => digit > 0).length

describe('delay routes', () => {
  test.each([
    { delayMs: 0, exchange: 'ebs.delay.deliver', key: '0.0.0.0.0.0.0.0.0.0' },
    { delayMs: 0.001, exchange: 'ebs.delay.10ms', key: '0.0.0.0.0.0.0.0.0.1' },
    { delayMs: 1, exchange: 'ebs.delay.10ms', key: '0.0.0.0.0.0.0.0.0.1' },
    { delayMs: 10, exchange: 'ebs.delay.10ms', key: '0.0.0.0.0.0.0.0.0.1' },
    { delayMs: 10.5, exchange: 'ebs.delay.10ms', key: '0.0.0.0.0.0.0.0.0.2' },
    { delayMs: 11, exchange: 'ebs.delay.10ms', key: '0.0.0.0.0.0.0.0.0.2' },
    { delayMs: 90, exchange: 'ebs.delay.10ms', key: '0.0.0.0.0.0.0.0.0.9' },
    { delayMs: 91, exchange: 'ebs.delay.100ms', key: '0.0.0.0.0.0.0.0.1.0' },
    { delayMs: 12_340, exchange: 'ebs.delay.10s', key: '0.0.0.0.0.0.1.2.3.4' },
    { delayMs: 3_599_999, exchange: 'ebs.delay.1h', key: '0.0.0.1.0.0.0.0.0.0' },
    { delayMs: 6 * 3_600_000, exchange: 'ebs.delay.6h', key: '0.0.1.0.0.0.0.0.0.0' },
    { delayMs: DAY_MS - 10, exchange: 'ebs.delay.6h', key: '0.0.3.5.5.9.5.9.9.9' },
    { delayMs: 30 * DAY_MS, exchange: 'ebs.delay.10d', key: '3.0.0.0.0.0.0.0.0.0' },
    { delayMs: DELAY_MS_MAX - 1, exchange: 'ebs.delay.10d', key: '3.9.3.5.5.9.5.9.9.9' },
    { delayMs: DELAY_MS_MAX, exchange: 'ebs.delay.10d', key: '3.9.3.5.5.9.5.9.9.9' },
  ])('$delayMs ms enter at $exchange', ({ delayMs, exchange, key }) => {
    expect(delayRoute(delayMs, 'work')).toEqual({ exchange, key: `${key}.work` })
  })

  test.each([100, 1_000, 5_000, 10_000, 30_000, 60_000, 300_000, 3_600_000])('%d ms are one rung', (delayMs) => {
    const { key } = delayRoute(delayMs, 'work')

    expect(rungsOf(key)).toBe(1)
    expect(sumOf(key)).toBe(delayMs)
  })

  test('H11: no delay is early, none is 10 ms late, and each enters where its first rung is', () => {
    const delays = fc.oneof(
      fc.nat(20_000),
      fc.nat(20_000_000).map((micros) => micros / 1_000),
      fc.integer({ min: 0, max: DELAY_MS_MAX }),
    )
    fc.assert(
      fc.property(delays, (delayMs) => {
        const { exchange, key } = delayRoute(delayMs, 'work')
        const digits = digitsOf(key)
        const first = digits.findIndex((digit) => digit > 0)

        expect(sumOf(key)).toBeGreaterThanOrEqual(delayMs)
        expect(sumOf(key)).toBeLessThan(delayMs + 10)
        expect(exchange).toBe(levelExchange(first === -1 ? levels.length : first))
        for (const [i, digit] of digits.entries()) expect(digit).toBeLessThanOrEqual(levels[i]?.rungs.length ?? 0)
      }),
      { numRuns: 2_000 },
    )
  })

  test('range: 30 days and more', () => {
    expect(DELAY_MS_MAX).toBeGreaterThanOrEqual(30 * DAY_MS)
  })

  test.each([-0.001, -1, DELAY_MS_MAX + 0.001, DELAY_MS_MAX + 1, Number.NaN, Number.POSITIVE_INFINITY, -Infinity])(
    '%d ms are out of range, and the error says what is in it',
    (delayMs) => {
      expect(() => delayRoute(delayMs, 'work')).toThrow(RangeError)
      expect(() => delayRoute(delayMs, 'work')).toThrow(String(DELAY_MS_MAX))
    },
  )

  test.each(Object.keys(queues))('the key to %s fits into AMQP at any delay', (queue) => {
    for (const delayMs of [0, 10, DELAY_MS_MAX])
      expect(Buffer.byteLength(delayRoute(delayMs, queue).key)).toBeLessThanOrEqual(KEY_BYTES_MAX)
  })
})
