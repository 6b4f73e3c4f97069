import { expect, test } from 'vitest'
import { findAccepted } from '../media-type.ts'

const PLAIN = 'application/json'
const V1 = 'application/vnd.ebs.journey.v1+json'

test.each([
  [undefined, PLAIN],
  ['', PLAIN],
  ['*/*', PLAIN],
  ['application/*', PLAIN],
  ['application/json', PLAIN],
  ['APPLICATION/JSON; charset=utf-8', PLAIN],
  [V1, V1],
  [`${V1};q=0.5, application/json;q=0.4`, V1],
  [`application/json;q=0.4,${V1};q=0.401`, V1],
  [`${V1}, application/json`, PLAIN],
  [`text/html, application/xhtml+xml, */*;q=0.8`, PLAIN],
  ['application/json;q=0, */*', V1],
  ['application/*;q=0.1, application/json;q=0', V1],
  [`application/problem+json, ${V1}`, V1],
  ['nonsense, application/json', PLAIN],
])('who accepts %s is given %s', (accept, given) => {
  expect(findAccepted(accept, [PLAIN, V1])).toBe(given)
})

test.each([
  'text/html',
  'application/xml',
  'application/vnd.ebs.journey.v2+json',
  'application/json;q=0',
  '*/*;q=0',
  '*/*;q=0.000',
  'nonsense',
  'json',
  ',',
  'text/*',
  `${'x'.repeat(10_000)}/json`,
])('who accepts only %s is given nothing', (accept) => {
  expect(findAccepted(accept, [PLAIN, V1])).toBeUndefined()
})
