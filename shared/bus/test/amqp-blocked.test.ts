import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import { blockedFor } from '../amqp-blocked.ts'

const LIMIT_MS = 20

test('an alarm is told, and ends what waits when it lasts too long; one that passes does not', async () => {
  const [calm, full] = [new EventEmitter(), new EventEmitter()]
  const said: string[] = []
  let isEnded = false
  blockedFor(calm, LIMIT_MS, (text) => said.push(text)).catch(() => {
    isEnded = true
  })
  const lasting = blockedFor(full, LIMIT_MS, () => undefined)

  calm.emit('blocked', 'low on memory')
  calm.emit('unblocked')
  full.emit('blocked', 'low on disk')

  await expect(lasting).rejects.toThrow('the broker has taken no messages for too long: low on disk. Give it room')
  // Its time would have been over before.
  expect(isEnded).toBe(false)
  expect(said).toEqual([
    'The broker takes no messages (low on memory). It is waited for, 0s at most.',
    'The broker takes messages again.',
  ])
})
