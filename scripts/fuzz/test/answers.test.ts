import { expect, test } from 'vitest'
import { type Answer, complaintAbout } from '../answers.ts'
import type { Operation } from '../operations.ts'
import type { Request } from '../requests.ts'

const item = { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] }
const operation: Operation = {
  ...{ api: 'hub', method: 'GET', path: '/api/things/{id}', parameters: [], body: undefined, mediaTypes: [] },
  answers: new Map([[200, item]]),
  statuses: new Set([200]),
}
const request: Request = { method: 'GET', url: '/api/things/7', headers: [], body: undefined }

const answer = (status: number, body: unknown, more: Partial<Answer> = {}): Answer => ({
  ...{ status, body: JSON.stringify(body), retryAfter: undefined },
  contentType: status < 400 ? 'application/json' : 'application/problem+json; charset=utf-8',
  ...more,
})
const problem = (status: number, more: object = {}) => ({
  ...{ type: 'about:blank', title: 'Oh', status, detail: 'Not so.', instance: '/api/things/7', requestId: 'r' },
  ...more,
})
const full = { detail: 'Too many objects wait for the message broker; come back.' }

test.each([
  { what: 'as its schema says', given: answer(200, { id: '7' }), complaint: undefined },
  {
    what: 'not as its schema says',
    given: answer(200, { id: 7 }),
    complaint: /not as its schema says.*must be string/,
  },
  { what: 'a status that is not in the document', given: answer(201, { id: '7' }), complaint: /does not have/ },
  { what: 'an ordinary problem', given: answer(404, problem(404)), complaint: undefined },
  {
    what: 'an error that is no problem',
    given: answer(404, {}, { contentType: 'text/html' }),
    complaint: /text\/html/,
  },
  { what: 'a problem without a request id', given: answer(404, { title: 'x' }), complaint: /without its members/ },
  { what: 'a problem of another status', given: answer(404, problem(400)), complaint: /says 400/ },
  {
    what: 'a stack',
    given: answer(400, problem(400, { detail: 'x\n    at run (/app/dist/services/hub/routes.js:1:1)' })),
    complaint: /our insides/,
  },
  { what: '500', given: answer(500, problem(500)), complaint: /^500 Oh/ },
  { what: '503 without a reason', given: answer(503, problem(503), { retryAfter: '1' }), complaint: /^503/ },
  { what: '503 of a full outbox', given: answer(503, problem(503, full), { retryAfter: '5' }), complaint: undefined },
  { what: '503 without Retry-After', given: answer(503, problem(503, full)), complaint: /^503/ },
  { what: 'the bad end of a flow', given: answer(504, problem(504, { kind: 'hub-timeout' })), complaint: undefined },
  { what: '502 of nobody', given: answer(502, problem(502)), complaint: /^502/ },
])('an answer is judged: $what', ({ given, complaint }) => {
  const said = complaintAbout(given, request, operation)

  if (complaint === undefined) expect(said).toBeUndefined()
  else expect(said).toMatch(complaint)
})

test('what looks like our insides and was in the request is the client’s own', () => {
  const detail = 'There is no thing TypeError.'

  expect(
    complaintAbout(answer(404, problem(404, { detail })), { ...request, url: '/api/things/TypeError' }, operation),
  ).toBeUndefined()
  expect(complaintAbout(answer(404, problem(404, { detail })), request, operation)).toMatch(/our insides: TypeError/)
})

test.each([
  ['/api/things/', undefined],
  ['/api/things/?limit=1', undefined],
  ['/api/things/7', /not as its schema says/],
])('an id without a character is another route, the list: %s', (url, complaint) => {
  const said = complaintAbout(answer(200, { items: [] }), { ...request, url }, operation)

  if (complaint === undefined) expect(said).toBeUndefined()
  else expect(said).toMatch(complaint)
})
