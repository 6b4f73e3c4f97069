import { expect, test } from 'vitest'
import { calling } from './http-calling.ts'
import { otherSystem, saying } from './other-system.ts'

test.each([
  { what: 'the trace context of the request', given: {}, expected: 'theirs' },
  { what: 'one that the journey gives instead', given: { Traceparent: 'mine' }, expected: 'mine' },
])('sends $what', async ({ given, expected }) => {
  const other = await otherSystem(saying({ status: 200 }))

  await calling(other.host, { url: other.url, headers: given }, { traceparent: 'theirs' })

  expect(other.seen.map(({ headers }) => headers.traceparent)).toEqual([expected])
})
