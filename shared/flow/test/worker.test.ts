import { describe, expect, test } from 'vitest'
import type { Event } from '../../bus/envelope.ts'
import { Unrecoverable } from '../../bus/retry.ts'
import type { Body } from '../../events.ts'
import { answered, failed, onCalled, progressed, type Worker, type WorkerFollows, workerHandlers } from '../worker.ts'
import { all, call, called, clock, eventOf, logging, request } from './worker-fixture.ts'

/** What a worker gives for a call. */
async function given(onCall: Worker['onCall'], body = called()) {
  const { lines, context } = logging()
  const handler = workerHandlers({ onCall }, clock).FLOW_CALLED
  if (!handler) throw new Error('a worker has no handler for calls')
  return { lines, bodies: await all(handler(eventOf('FLOW_CALLED', body), context)) }
}

describe('what follows from a call', () => {
  const answer = answered(call, 'done')
  const forms: readonly { form: string; gives: () => WorkerFollows; follows: readonly Body[] }[] = [
    { form: 'one event', gives: () => answer, follows: [answer] },
    { form: 'a promise of one', gives: () => Promise.resolve(answer), follows: [answer] },
    { form: 'a list', gives: () => [request, answer], follows: [request, answer] },
    { form: 'a promise of a list', gives: () => Promise.resolve([request, answer]), follows: [request, answer] },
    {
      form: 'a generator',
      gives: function* () {
        yield progressed(call)
        yield answer
      },
      follows: [progressed(call), answer],
    },
    {
      form: 'an async generator',
      gives: async function* () {
        yield progressed(call)
        await Promise.resolve()
        yield answer
      },
      follows: [progressed(call), answer],
    },
    { form: 'nothing: deferred', gives: () => undefined, follows: [] },
    { form: 'a promise of nothing', gives: () => Promise.resolve(undefined), follows: [] },
    { form: 'an empty list', gives: () => [], follows: [] },
  ]

  test.each(forms)('$form', async ({ gives, follows }) => {
    expect((await given(gives)).bodies).toEqual(follows)
  })

  test('what is yielded is handed on before the work goes on', async () => {
    const steps: string[] = []
    const handle = onCalled(async function* () {
      yield progressed(call)
      steps.push('working')
      yield answered(call)
    }, clock)

    for await (const body of handle({ data: called() }, logging().context))
      steps.push(body.type === 'FLOW_CALL_ANSWERED' && body.complete ? 'answered' : 'progressed')

    expect(steps).toEqual(['progressed', 'working', 'answered'])
  })
})

describe('what a worker throws', () => {
  const errors: readonly { what: string; thrown: unknown; status: number; error: string }[] = [
    { what: 'Unrecoverable', thrown: new Unrecoverable('no such item'), status: 400, error: 'no such item' },
    {
      what: 'any other error',
      thrown: new TypeError('x is not a function'),
      status: 500,
      error: 'x is not a function',
    },
    { what: 'an error without a message', thrown: new RangeError(), status: 500, error: 'RangeError' },
    { what: 'a text', thrown: 'just so', status: 500, error: 'just so' },
    { what: 'undefined', thrown: undefined, status: 500, error: 'undefined' },
    {
      what: 'an object that has no text',
      thrown: Object.create(null),
      status: 500,
      error: '[Object: null prototype] {}',
    },
  ]

  test.each(errors)('$what is answered with $status', async ({ thrown, status, error }) => {
    const { bodies, lines } = await given(() => {
      throw thrown
    })

    expect(bodies).toEqual([failed(call, { status, error })])
    expect(lines).toMatchObject([{ level: 'warn', callId: 'f1.1', callAttempt: 2, status }])
  })

  test('a rejection is answered as well', async () => {
    const { bodies } = await given(() => Promise.reject(new Error('disk full')))

    expect(bodies).toEqual([failed(call, { status: 500, error: 'disk full' })])
  })

  test('what was yielded before the error stands, and the error comes last', async () => {
    const { bodies } = await given(async function* () {
      yield progressed(call, 1)
      throw new Unrecoverable('half way')
    })

    expect(bodies).toEqual([progressed(call, 1), failed(call, { status: 400, error: 'half way' })])
  })

  test('an error of 10 MB is answered in bounds', async () => {
    const { bodies } = await given(() => {
      throw new Error('y'.repeat(10_000_000))
    })

    expect(bodies).toEqual([failed(call, { status: 500, error: 'y'.repeat(2_048) })])
  })
})

describe('the deadline', () => {
  test.each([
    { when: 'before', dueInMs: 1, begun: true },
    { when: 'at', dueInMs: 0, begun: true },
    { when: '2 s after', dueInMs: -2_000, begun: true },
    { when: '30 s after', dueInMs: -30_000, begun: true },
    { when: 'more than 30 s after', dueInMs: -30_001, begun: false },
  ])(
    'a call that comes $when its deadline, by a clock that may be ahead: begun is $begun',
    async ({ dueInMs, begun }) => {
      let calls = 0
      const { bodies, lines } = await given(() => {
        calls++
        return answered(call)
      }, called(dueInMs))

      expect({ calls, answers: bodies.length }).toEqual(begun ? { calls: 1, answers: 1 } : { calls: 0, answers: 0 })
      expect(lines.map(({ level, callId, overdueMs }) => ({ level, callId, overdueMs }))).toEqual(
        begun ? [] : [{ level: 'warn', callId: 'f1.1', overdueMs: 30_001 }],
      )
    },
  )
})

describe('what else a worker hears', () => {
  const backendAnswer: Body<'FLOW_BACKEND_ANSWERED'> = {
    type: 'FLOW_BACKEND_ANSWERED',
    ...call,
    status: 200,
    output: 7,
  }
  const timedOut: Body<'FLOW_CALL_TIMED_OUT'> = { type: 'FLOW_CALL_TIMED_OUT', ...call }
  const silent: Worker = { onCall: () => undefined }

  const onBackendAnswer = (worker: Worker) => {
    const handler = workerHandlers(worker, clock).FLOW_BACKEND_ANSWERED
    return handler && all(handler(eventOf('FLOW_BACKEND_ANSWERED', backendAnswer), logging().context))
  }
  const onTimeout = async (worker: Worker) => {
    const handler = workerHandlers(worker, clock).FLOW_CALL_TIMED_OUT
    return handler && all(handler(eventOf('FLOW_CALL_TIMED_OUT', timedOut), logging().context))
  }

  test("a backend's answer becomes the answer to its call", async () => {
    const worker: Worker = { ...silent, onBackendAnswer: ({ output, ...of }) => answered(of, output) }

    expect(await onBackendAnswer(worker)).toEqual([answered(call, 7)])
  })

  test("an error on a backend's answer is answered", async () => {
    const worker: Worker = {
      ...silent,
      onBackendAnswer: () => {
        throw new Unrecoverable('unreadable')
      },
    }

    expect(await onBackendAnswer(worker)).toEqual([failed(call, { status: 400, error: 'unreadable' })])
  })

  test('a worker without a backend has no handler for its answers, so that they are dead letters', () => {
    expect(onBackendAnswer(silent)).toBeUndefined()
  })

  test('a worker that does not care for timeouts hears them without a consequence', async () => {
    expect(await onTimeout(silent)).toEqual([])
  })

  test('what tidying up gives is published, and its error fails the message', async () => {
    expect(await onTimeout({ ...silent, onTimeout: () => request })).toEqual([request])

    const broken = { ...silent, onTimeout: () => Promise.reject(new Error('cannot tidy up')) }
    await expect(onTimeout(broken)).rejects.toThrow('cannot tidy up')
  })

  test('a worker may be an instance of a class', async () => {
    class Counting implements Worker {
      #count = 0
      onCall() {
        this.#count++
        return answered(call, this.#count)
      }
      onBackendAnswer() {
        return answered(call, this.#count)
      }
      onTimeout() {
        return answered(call, this.#count)
      }
    }
    const worker = new Counting()
    const handler = workerHandlers(worker, clock).FLOW_CALLED
    const event: Event<'FLOW_CALLED'> = eventOf('FLOW_CALLED', called())

    expect(handler && (await all(handler(event, logging().context)))).toEqual([answered(call, 1)])
    expect(await onBackendAnswer(worker)).toEqual([answered(call, 1)])
    expect(await onTimeout(worker)).toEqual([answered(call, 1)])
  })
})

test('a flow with events of its own gives its error answers as its own type', async () => {
  const own = (answer: Body<'FLOW_CALL_ANSWERED'>): Body => ({
    type: 'EventGroupCollectorEntityDone',
    id: answer.callId,
    group: 'g1',
    error: answer.error ?? null,
  })
  const handle = onCalled(() => Promise.reject(new Error('broken')), clock, own)

  expect(await all(handle({ data: called() }, logging().context))).toEqual([
    { type: 'EventGroupCollectorEntityDone', id: 'f1.1', group: 'g1', error: 'broken' },
  ])
})
