import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { contentId, deriveId, type Firing, newId, type Origin, timerId } from '../ids.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-([78])[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const NOW_MS = Date.UTC(2026, 0, 1)
const LATEST_MS = 2 ** 48 - 1

const origin: Origin = {
  cause: newId(NOW_MS),
  queue: 'process_consume',
  type: 'TASK_FINISHED',
  position: 0,
}

describe('new ids', () => {
  test.each([0, 1, NOW_MS, LATEST_MS])('at %d ms: a UUID of version 7 that begins with the time', (ms) => {
    const id = newId(ms)

    expect(UUID.exec(id)?.[1]).toBe('7')
    expect(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toBe(ms)
  })

  test('sort by time and never repeat', () => {
    const ids = Array.from({ length: 1_000 }, (_, i) => newId(NOW_MS + Math.floor(i / 10) * 10))

    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.map((id) => id.slice(0, 13))).toEqual(ids.map((id) => id.slice(0, 13)).toSorted())
  })
})

describe('D3: derived ids', () => {
  test('are the same whenever the handler runs again', () => {
    expect(deriveId({ ...origin })).toBe(deriveId({ ...origin }))
    expect(deriveId({ ...origin, attempt: 2 })).toBe(deriveId({ ...origin, attempt: 2 }))
  })

  const others: readonly { readonly what: string; readonly change: Partial<Origin> }[] = [
    { what: 'cause', change: { cause: newId(NOW_MS) } },
    { what: 'queue', change: { queue: 'distributor_consume' } },
    { what: 'type', change: { type: 'TASK_FAILED' } },
    { what: 'position', change: { position: 1 } },
    { what: 'attempt', change: { attempt: 1 } },
  ]
  test.each(others)('differ by $what', ({ change }) => {
    expect(deriveId({ ...origin, ...change })).not.toBe(deriveId(origin))
  })

  test('differ between attempts 1 and 2', () => {
    expect(deriveId({ ...origin, attempt: 1 })).not.toBe(deriveId({ ...origin, attempt: 2 }))
  })

  test('do not mix up where one part ends and the next begins', () => {
    expect(deriveId({ ...origin, queue: 'ab', type: 'c' })).not.toBe(deriveId({ ...origin, queue: 'a', type: 'bc' }))
  })

  test.each([
    newId(NOW_MS),
    deriveId(origin),
    'f47ac10b-58cc-4372-a567-0e02b2c3d479',
    'F47AC10B-58CC-4372-A567-0E02B2C3D479',
    'order 17',
    '',
    'é'.repeat(300),
    '0190a5c8-1234',
  ])('are UUIDs of version 8, whatever the cause is called: %s', (cause) => {
    expect(UUID.exec(deriveId({ ...origin, cause }))?.[1]).toBe('8')
  })

  test('begin with the time of their cause, over generations, so that an inbox stays in time order', () => {
    const causes = [NOW_MS, NOW_MS + 1, NOW_MS + 1_000, NOW_MS + 86_400_000].map(newId)
    const children = causes.map((cause) => deriveId({ ...origin, cause }))
    const grandchildren = children.map((cause) => deriveId({ ...origin, cause, type: 'MESSAGE_DEAD' }))

    expect(children.map(timeOf)).toEqual(causes.map(timeOf))
    expect(grandchildren.map(timeOf)).toEqual(causes.map(timeOf))
    expect(children).toEqual(children.toSorted())
  })

  test('are UUIDs and repeatable for any origin', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.nat(), fc.option(fc.nat(), { nil: undefined }), (cause, type, n, at) => {
        const some = { cause, queue: 'q', type, position: n, ...(at !== undefined && { attempt: at }) }
        expect(deriveId(some)).toMatch(UUID)
        expect(deriveId({ ...some })).toBe(deriveId(some))
      }),
    )
  })
})

describe('ids from content', () => {
  test('the same key and body are the same event, anything else is another', () => {
    const id = contentId('objects', Buffer.from('{"a":1}'))

    expect(id).toMatch(UUID)
    expect(contentId('objects', Buffer.from('{"a":1}'))).toBe(id)
    expect(contentId('objects', Buffer.from('{"a":2}'))).not.toBe(id)
    expect(contentId('tasks', Buffer.from('{"a":1}'))).not.toBe(id)
    expect(contentId('', Buffer.alloc(0))).toMatch(UUID)
    expect(contentId('objects', Buffer.from('{"a":1}'), 1)).not.toBe(id)
    expect(contentId('objects', Buffer.from('{"a":1}'), 1)).not.toBe(contentId('objects', Buffer.from('{"a":1}'), 2))
    expect(contentId('objects', Buffer.from('{"a":1}'), 1)).toMatch(UUID)
    expect(contentId('', Buffer.from([0xff]))).not.toBe(contentId('', Buffer.from([0xfe])))
  })
})

describe('ids of firing timers', () => {
  const firing: Firing = { kind: 'flow', key: 'f1', name: 'deadline', token: 1, dueMs: NOW_MS }

  test('are the same however often the firing is tried', () => {
    expect(timerId({ ...firing })).toBe(timerId(firing))
    expect(UUID.exec(timerId(firing))?.[1]).toBe('8')
  })

  test.each<Partial<Firing>>([{ kind: 'group' }, { key: 'f2' }, { name: 'call' }, { token: 2 }, { dueMs: NOW_MS + 1 }])(
    'differ by %j',
    (change) => {
      expect(timerId({ ...firing, ...change })).not.toBe(timerId(firing))
    },
  )

  test('do not mix up where one part ends and the next begins', () => {
    const [one, other] = [
      { kind: 'a', key: 'b","c', name: 'd' },
      { kind: 'a', key: 'b', name: 'c","d' },
    ]
    expect(timerId({ ...firing, ...one })).not.toBe(timerId({ ...firing, ...other }))
  })

  test.each([0, NOW_MS, LATEST_MS])('due at %d ms: they and what follows from them begin with that time', (dueMs) => {
    const id = timerId({ ...firing, dueMs })

    expect(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toBe(dueMs)
    expect(timeOf(deriveId({ ...origin, cause: id }))).toBe(timeOf(id))
  })
})

const timeOf = (id: string) => id.slice(0, 13)
