import { describe, expect, test } from 'vitest'
import {
  CANCEL,
  createOf,
  DEADLINE,
  doneOf,
  failedOf,
  finishedOf,
  GroupRun,
  groupOf,
  inputOf as input,
  OPENED_MS,
} from './group-run.ts'

const AGE_MS = 1_500
const owner = { tenant: 'acme', createdAt: new Date(OPENED_MS - AGE_MS).toISOString() }
const objectOf = (change: object = {}) => createOf({ completedBy: 'tasks', payload: owner, ...change })
const completed = (fields: object = {}) => ({
  type: 'OBJECT_COMPLETED',
  objectId: 'g',
  tenant: 'acme',
  durationMs: AGE_MS,
  tasks: 3,
  ...fields,
})
const failed = (fields: object) => ({ ...completed(), type: 'OBJECT_FAILED', ...fields })

describe('G13: an object is a group that its tasks complete', () => {
  test('all finished: one OBJECT_COMPLETED', () => {
    const run = groupOf(objectOf())

    const answers = ['c', 'a', 'b'].map((id) => run.take(finishedOf(id)))

    expect(answers).toEqual(['open', 'open', 'success'])
    expect(run.bodies).toEqual([completed()])
  })

  test('no tasks: completed at once', () => {
    expect(groupOf(objectOf({ expected: [] })).bodies).toEqual([completed({ tasks: 0 })])
  })

  test('one failed for good: OBJECT_FAILED at once, naming the task and what had not finished', () => {
    const run = groupOf(objectOf(), finishedOf('b'), failedOf('c'))

    expect(run.bodies).toEqual([failed({ error: 'task c: boom', missing: ['a', 'c'] })])
  })

  test('its deadline: OBJECT_FAILED', () => {
    const run = groupOf(objectOf({ ttl: 2 }), finishedOf('b'))

    run.take(DEADLINE, OPENED_MS + 2_000)

    const error = 'Operation timed out after 2 seconds'
    expect(run.bodies).toEqual([failed({ durationMs: AGE_MS + 2_000, error, missing: ['a', 'c'] })])
  })

  test('cancelled: OBJECT_FAILED', () => {
    const run = groupOf(objectOf(), CANCEL)

    expect(run.bodies).toEqual([failed({ error: 'Cancelled by ada: no longer wanted', missing: ['a', 'b', 'c'] })])
  })

  test.each([
    { name: 'an attempt that is not the last', input: failedOf('a', { final: false }), answer: 'unknown' },
    { name: 'a Done', input: doneOf('a'), answer: 'unknown' },
    { name: 'a Done with an error', input: doneOf('a', { error: 'no' }), answer: 'unknown' },
    { name: 'a task of another object', input: finishedOf('z'), answer: 'unknown' },
    { name: 'a finished task again', input: finishedOf('b'), answer: 'duplicate' },
    { name: 'the failure of a finished one', input: failedOf('b'), answer: 'duplicate' },
  ])('$name changes nothing', ({ input, answer }) => {
    const run = groupOf(objectOf(), finishedOf('b'))

    expect(run.take(input)).toBe(answer)
    expect(run.play(finishedOf('a'), finishedOf('c'))).toBe('success')
  })

  test('handlers are heard too', () => {
    const onfailure = { topic: 'sorry', payload: [1] }
    const run = groupOf(objectOf({ handler: { onfailure } }), failedOf('a'))

    expect(run.sent.at(-1)).toEqual({ verbatim: [1], topic: 'sorry' })
  })

  test('a quorum of tasks: completed without the one that failed', () => {
    const run = groupOf(objectOf({ quorum: 2 }), failedOf('a'), finishedOf('b'), finishedOf('c'))

    expect(run.bodies).toEqual([completed()])
  })

  test.each([
    { error: 'x'.repeat(2_048), says: `task a: ${'x'.repeat(2_040)}` },
    { error: '', says: 'task a: failed without saying why' },
  ])('the error of a task is told within the bound of the catalogue', ({ error, says }) => {
    const run = groupOf(objectOf(), failedOf('a', { error }))

    expect(run.bodies).toMatchObject([{ type: 'OBJECT_FAILED', error: says }])
    expect(() => input(JSON.parse(JSON.stringify(run.bodies[0])))).not.toThrow()
  })

  test.each([
    { name: 'missing', payload: undefined, says: 'payload: ' },
    { name: 'not an object', payload: 'text', says: 'payload: ' },
    { name: 'null', payload: null, says: 'payload: ' },
    { name: 'without tenant', payload: { ...owner, tenant: undefined }, says: 'payload.tenant: ' },
    { name: 'with an empty tenant', payload: { ...owner, tenant: '' }, says: 'payload.tenant: ' },
    { name: 'with a tenant of another type', payload: { ...owner, tenant: 5 }, says: 'payload.tenant: ' },
    {
      name: 'with a tenant that no event takes',
      payload: { ...owner, tenant: 'x'.repeat(65) },
      says: 'payload.tenant: ',
    },
    { name: 'without createdAt', payload: { tenant: 'acme' }, says: 'payload.createdAt: ' },
    {
      name: 'with a createdAt that is none',
      payload: { ...owner, createdAt: 'yesterday' },
      says: 'payload.createdAt: ',
    },
    {
      name: 'with a day that is none',
      payload: { ...owner, createdAt: '2026-02-30T00:00:00Z' },
      says: 'payload.createdAt: ',
    },
  ])('a payload $name is refused, naming the field', ({ payload, says }) => {
    const run = new GroupRun()

    expect(run.take(objectOf({ payload }))).toContain(`refuse: ${says}`)
    expect(run.state).toBeUndefined()
  })

  test.each([
    { createdAt: '2026-03-01T12:59:59+01:00', durationMs: 1_000 },
    { createdAt: '2026-03-01T12:01:00Z', durationMs: 0 },
    { createdAt: '9999-12-31T23:59:59.999Z', durationMs: 0 },
  ])('created at $createdAt, by a clock of its own: $durationMs ms, never negative', ({ createdAt, durationMs }) => {
    const run = groupOf(objectOf({ expected: ['a'], payload: { tenant: 'acme', createdAt } }), finishedOf('a'))

    expect(run.bodies).toEqual([completed({ tasks: 1, durationMs })])
  })

  test.each([-60_000, 60_000])('a clock that jumps by %d ms gives no negative duration', (jumpMs) => {
    const run = groupOf(objectOf({ expected: ['a'] }))

    run.take(finishedOf('a'), OPENED_MS + jumpMs)

    expect(run.bodies).toEqual([completed({ tasks: 1, durationMs: AGE_MS + Math.max(0, jumpMs) })])
  })
})
