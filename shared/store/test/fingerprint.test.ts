import { describe, expect, test } from 'vitest'
import { type Death, fingerprintOf, maskedErrorOf } from '../fingerprint.ts'

const death = (error: string | null, said: Partial<Death> = {}): Death => ({
  ...{ queue: 'work', type: 'TASK_CREATED', reason: 'exhausted' },
  error,
  ...said,
})
const masked = (error: string | null) => maskedErrorOf(death(error))

describe('a masked error', () => {
  test.each([
    ['order 42 not found', 'order # not found'],
    ['order o1 not found', 'order # not found'],
    ['task 0190a5f2-7c1e-7abc-8def-0123456789ab is late', 'task # is late'],
    ['task o-17-3 of o-17', 'task # of #'],
    ['commit 7f3a9bc1, id 65f1c0ffee65f1c0ffee1234, V1StGXR8_Z5jdHi6B-myT', 'commit #, id #, #'],
    ['timeout of 5000ms exceeded', 'timeout of # exceeded'],
    ['-5 is not above 1,234,567.5 or 1e5', '# is not above # or #'],
    ['expired at 2024-05-06T07:08:09.123Z', 'expired at <time>'],
    ['expired at 2024-05-06 07:08:09,123+02:00', 'expired at <time>'],
    ['since Mon May 06 2024 07:08:09 GMT+0000 (Coordinated Universal Time)', 'since <time>'],
    ['Mon, 06 May 2024 07:08:09 GMT, or 7:08:09', '<time>, or <time>'],
    ['connect ECONNREFUSED 10.2.3.4:5432', 'connect ECONNREFUSED <ip>:5432'],
    ['read ECONNRESET 10.2.3.4:49811', 'read ECONNRESET <ip>:#'],
    [
      'connect ECONNREFUSED ::1, [2001:db8::7]:5432, localhost:5432',
      'connect ECONNREFUSED <ip>, <ip>:5432, localhost:5432',
    ],
    ['GET https://ann:secret@api.example.com:8443/v1/orders/17?token=abc', 'GET https://api.example.com:8443/…'],
    ['no answer from amqp://10.0.0.1, https://example.com', 'no answer from amqp://<ip>, https://example.com'],
    ['nobody is bob.smith+x@mail.example.org', 'nobody is <email>'],
    [`can't open 'file 1.txt', won't retry`, `can't open '…', won't retry`],
    ['tenant "acme" has no `x`', 'tenant "…" has no `…`'],
    ['expected one of [1, 2, 3, 4]', 'expected one of [#, …]'],
    [`expected 'a', 'b','c' or 'd'`, `expected '…', … or '…'`],
    ['items[3].name is missing', 'items[#].name is missing'],
    ['größe5 is no größe', '# is no größe'],
    ['two\n  lines\tand more', 'two lines and more'],
  ])('%s', (error, text) => {
    expect(masked(error)).toBe(text)
  })

  test.each([
    "TypeError: Cannot read properties of undefined (reading 'foo')",
    'duplicate key value violates unique constraint "orders_pkey2"',
    'no such column: `name`',
    "Cannot find module './x.js'",
    'Request failed with status code 503',
    'answered HTTP/1.1 404, HTTP 500, status: 429',
    'SQLSTATE 23505, exit code 137, errno -104',
    'S3ServiceException: Access Denied',
    'not valid UTF-8, sha256 or base64',
    'task.id: Invalid input: expected string, received number',
    'SQLITE_BUSY: database is locked',
    "can't, won't and don't",
    'std::vector and abc::def',
  ])('keeps what tells bugs apart: %s', (error) => {
    expect(masked(error)).toBe(error)
  })

  test.each([null, ''])('is the reason when there is no error but %j', (error) => {
    expect(maskedErrorOf({ error, reason: 'poison' })).toBe('poison')
  })

  test('is short, and quickly made of whatever somebody throws', () => {
    const long = [
      '1',
      'a-',
      "'",
      '"',
      '1,',
      'a:',
      'a.',
      ':',
      'Mon ',
      'aA1_',
      'http://',
      '1.',
      '[::',
      '#, ',
      'status ',
      '<',
    ]
    const startMs = performance.now()

    for (const part of long) expect(masked(part.repeat(1_000_000 / part.length)).length).toBeLessThanOrEqual(300)

    expect(performance.now() - startMs).toBeLessThan(2_000)
  })
})

describe('a fingerprint', () => {
  const bug = death(`TypeError: task o1-7 has no 'x' after 17 ms (reading 'size')`)

  test('is one for all messages that die of one bug, and short', () => {
    const another = death(
      `TypeError: task 0190a5f2-7c1e-7abc-8def-0123456789ab-1 has no 'y' after 2.5 ms (reading 'size')`,
    )

    expect(fingerprintOf(another)).toBe(fingerprintOf(bug))
    expect(fingerprintOf(bug)).toMatch(/^[0-9a-f]{12}$/)
  })

  test('is another one for another queue, type, class, message or name', () => {
    const others = [
      { ...bug, queue: 'other' },
      { ...bug, queue: null },
      { ...bug, type: 'OBJECT_CREATED' },
      { ...bug, type: null },
      { ...bug, error: bug.error?.replace('TypeError', 'RangeError') ?? null },
      { ...bug, error: bug.error?.replace('has no', 'lost its') ?? null },
      { ...bug, error: bug.error?.replace('size', 'length') ?? null },
      { ...bug, error: null },
      { ...bug, error: null, reason: 'crashed' },
    ]

    expect(new Set([bug, ...others].map(fingerprintOf)).size).toBe(others.length + 1)
  })

  test('does not depend on how often a message was tried before it died', () => {
    expect(fingerprintOf({ ...bug, reason: 'unrecoverable' })).toBe(fingerprintOf(bug))
  })
})
