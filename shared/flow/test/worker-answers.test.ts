import { describe, expect, test } from 'vitest'
import { catalogue } from '../../events.ts'
import { answered, failed, progressed } from '../worker.ts'
import { call, named } from './worker-fixture.ts'

describe('answers', () => {
  test.each([
    { what: 'success', answer: answered(call, { ok: 1 }), says: { status: 200, output: { ok: 1 }, complete: true } },
    { what: 'success without output', answer: answered(call), says: { status: 200, complete: true } },
    { what: 'null as output', answer: answered(call, null), says: { status: 200, output: null, complete: true } },
    { what: 'progress', answer: progressed(call, 0.5), says: { status: 200, output: 0.5, complete: false } },
    {
      what: 'failure',
      answer: failed(call, { status: 409, error: 'taken' }),
      says: { status: 409, error: 'taken', complete: true },
    },
  ])('$what names the call and its attempt, and nothing else of it', ({ answer, says }) => {
    const wire: unknown = JSON.parse(JSON.stringify(answer))

    expect(wire).toStrictEqual({ type: 'FLOW_CALL_ANSWERED', ...named, ...says })
    expect(catalogue.FLOW_CALL_ANSWERED.body.safeParse(wire).success).toBe(true)
  })

  test('the call id is all it takes to answer', () => {
    const wire: unknown = JSON.parse(JSON.stringify(answered({ callId: 'f1.1' }, 'late but here')))

    expect(wire).toStrictEqual({
      type: 'FLOW_CALL_ANSWERED',
      callId: 'f1.1',
      status: 200,
      output: 'late but here',
      complete: true,
    })
  })

  test.each([{ chars: 0 }, { chars: 2_048 }, { chars: 2_049 }, { chars: 10_000_000 }])(
    'an error of $chars characters fits the catalogue',
    ({ chars }) => {
      const answer = failed(call, { status: 500, error: 'x'.repeat(chars) })

      expect(answer.error).toHaveLength(Math.min(chars, 2_048))
      expect(catalogue.FLOW_CALL_ANSWERED.body.safeParse(answer).success).toBe(true)
    },
  )
})
