import { describe, expect, test } from 'vitest'
import type { Delivery } from '../broker.ts'
import { Survived } from '../intake.ts'

const delivery = (messageId: string, returns: number, lost = false): Delivery => ({
  message: { exchange: '', key: 'work', body: Buffer.alloc(0), properties: { messageId, headers: {} } },
  redelivered: returns > 0,
  returns,
  lost,
  ack: () => undefined,
  requeue: () => undefined,
})

describe('R6: a return that this process lived through is no crash', () => {
  test('what was lost while we lived is taken off, the rest counts', () => {
    const survived = new Survived()
    survived.note(delivery('a', 0, true))
    survived.note(delivery('a', 1, true))

    expect(survived.crashesOf(delivery('a', 5))).toBe(3)
    expect(survived.crashesOf(delivery('b', 5))).toBe(5)
  })

  test('what was settled in time was not lost', () => {
    const survived = new Survived()
    survived.note(delivery('a', 0))

    expect(survived.crashesOf(delivery('a', 1))).toBe(1)
  })

  test('a new message with an old id has no crashes less than none', () => {
    const survived = new Survived()
    for (let i = 0; i < 3; i++) survived.note(delivery('a', i, true))

    expect(survived.crashesOf(delivery('a', 0))).toBe(0)
    expect(survived.crashesOf(delivery('a', 1))).toBe(0)
  })

  test('the oldest are forgotten', () => {
    const survived = new Survived()
    for (let i = 0; i <= 10_000; i++) survived.note(delivery(`m${i}`, 0, true))

    expect(survived.crashesOf(delivery('m0', 1))).toBe(1)
    expect(survived.crashesOf(delivery('m10000', 1))).toBe(0)
  })
})
