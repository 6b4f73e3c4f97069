import { describe, expect, test } from 'vitest'
import { a, definitionOf, documentOf, type Fields, faultsOf, stepOf, warningsOf } from './definition-fixture.ts'

describe('a definition that is taken', () => {
  const order = {
    type: 'order',
    version: 3,
    deadline: '10m',
    description: 'An order.',
    payload: { type: 'object', properties: { amount: { type: 'number' } }, required: ['amount'] },
    output: '{"charge": outputs.charge}',
    activities: {
      ship: { activity: 'shop.ship', after: ['charge'], when: 'payload.amount > 10', timeout: '5s' },
      charge: {
        activity: 'shop.charge.v2',
        after: ['reserve'],
        input: '{"amount": payload.amount * 2, "id": outputs.reserve.id}',
        retry: { retries: 5 },
        compensate: { activity: 'shop.refund', input: '{"of": output.id, "amount": input.amount}', timeout: 1_500 },
      },
      reserve: { activity: 'shop.reserve', compensate: 'release' },
      release: { activity: 'shop.release', retry: { retries: 9, initialMs: 10 } },
      tell: { activity: 'shop.tell', after: ['charge'] },
    },
  }

  test('its steps come behind those they wait for, without those that only compensate', () => {
    expect(definitionOf(order).steps.map(({ name }) => name)).toEqual(['reserve', 'charge', 'ship', 'tell'])
  })

  test('is what was registered, with what the document leaves to us', () => {
    const definition = definitionOf(order)

    expect(definition).toMatchObject({ type: 'order', version: 3, deadlineMs: 600_000, onFailure: 'remediate' })
    expect(definition.document).toEqual(order)
    expect(stepOf(order, 'ship')).toMatchObject({
      activity: 'shop.ship',
      timeoutMs: 5_000,
      retry: { retries: 2, initialMs: 200, factor: 2, maxMs: 30_000 },
      input: undefined,
      compensate: undefined,
    })
    expect(stepOf(order, 'reserve')).toMatchObject({
      timeoutMs: 30_000,
      compensate: {
        activity: 'shop.release',
        timeoutMs: 30_000,
        retry: { retries: 9, initialMs: 10 },
        input: undefined,
      },
    })
    expect(stepOf(order, 'charge').compensate).toMatchObject({ activity: 'shop.refund', timeoutMs: 1_500 })
  })

  test('its expressions see what they are about', () => {
    const scope = { payload: { amount: 12 }, tenant: 't', sagaId: 's', key: 'k', outputs: { reserve: { id: 'r' } } }

    expect(stepOf(order, 'charge').input?.evaluate(scope)).toEqual({ value: { amount: 24, id: 'r' } })
    expect(stepOf(order, 'ship').when?.evaluate(scope)).toEqual({ value: true })
    expect(stepOf(order, 'ship').when?.evaluate({ ...scope, payload: {} })).toEqual({
      fault: 'when `payload.amount > 10`: `payload.amount` is missing',
    })
    const taken = { ...scope, input: { amount: 1 }, output: { id: 'c' } }
    expect(stepOf(order, 'charge').compensate?.input?.evaluate(taken)).toEqual({ value: { of: 'c', amount: 1 } })
  })

  test('its payloads are checked', () => {
    const { findPayloadFaults } = definitionOf(order)

    expect(findPayloadFaults({ amount: 1 })).toEqual([])
    expect(findPayloadFaults({ amount: '1' })).toEqual(['payload.amount: must be number'])
    expect(findPayloadFaults([])).toEqual(['payload: must be object'])
    expect(definitionOf(documentOf()).findPayloadFaults([])).toEqual([])
  })

  test('has no warnings when all is well', () => {
    expect(warningsOf(order)).toEqual([])
  })

  test('500 steps are taken, in a moment', () => {
    const steps = Object.fromEntries(
      Array.from({ length: 500 }, (_, i) => [
        `s${i}`,
        { activity: 'a', after: i > 0 ? [`s${i - 1}`] : [], timeout: 100 },
      ]),
    )

    expect(definitionOf(documentOf(steps, { deadline: '30d' })).steps).toHaveLength(500)
  })
})

describe('times (J1)', () => {
  const patience = (entry: Fields, deadline: unknown = '10m') => {
    const { timeoutMs, retry } = stepOf(documentOf({ a: { ...a, ...entry } }, { deadline }), 'a')
    return { timeoutMs, retries: retry.retries }
  }

  test.each([
    { what: 'defaults that fit', entry: {}, deadline: 90_600, is: { timeoutMs: 30_000, retries: 2 } },
    { what: 'a timeout is cut first', entry: {}, deadline: 90_599, is: { timeoutMs: 29_999, retries: 2 } },
    { what: 'not below a second', entry: {}, deadline: 3_600, is: { timeoutMs: 1_000, retries: 2 } },
    { what: 'then retries are', entry: {}, deadline: 3_599, is: { timeoutMs: 1_699, retries: 1 } },
    { what: 'until there are none', entry: {}, deadline: 2_000, is: { timeoutMs: 2_000, retries: 0 } },
    { what: 'a short deadline', entry: {}, deadline: 50, is: { timeoutMs: 50, retries: 0 } },
    { what: 'a timeout of its own', entry: { timeout: '4s' }, deadline: '10s', is: { timeoutMs: 4_000, retries: 1 } },
    { what: 'all of the deadline', entry: { timeout: '10s' }, deadline: '10s', is: { timeoutMs: 10_000, retries: 0 } },
    {
      what: 'retries of its own',
      entry: { retry: { retries: 3 } },
      deadline: 5_400,
      is: { timeoutMs: 1_000, retries: 3 },
    },
    {
      what: 'pauses of its own',
      entry: { retry: { initialMs: 9_000 } },
      deadline: '10s',
      is: { timeoutMs: 10_000, retries: 0 },
    },
  ])('$what: $is', ({ entry, deadline, is }) => {
    expect(patience(entry, deadline)).toEqual(is)
  })

  test.each([
    { entry: { timeout: 10_001 }, says: '1 attempt of 10001ms may take 10001ms, longer than the deadline of 10s' },
    {
      entry: { timeout: '5s', retry: { retries: 1, initialMs: 200 } },
      says: '2 attempts of 5s and 200ms between them may take 10200ms, longer than the deadline of 10s',
    },
    { entry: { timeout: '5s', retry: { retries: 2 } }, says: '3 attempts of 5s may take 15s, longer than' },
    { entry: { retry: { retries: 2, initialMs: 5_000 } }, says: /3 attempts of 1ms and 10s between them/ },
    {
      entry: { retry: { retries: 4, initialMs: 1_000, maxMs: 60_000 } },
      says: /5 attempts of 1ms and 15s between them/,
    },
  ])('$entry is refused, with the sum', ({ entry, says }) => {
    const [fault] = faultsOf(documentOf({ a: { ...a, ...entry } }, { deadline: '10s' }))

    expect(fault).toMatch(says instanceof RegExp ? says : `activities.a: ${says}`)
  })

  test.each([
    {
      what: 'the longest pause is cut first, to half of the deadline',
      entry: { retry: { retries: 20 } },
      deadline: '5m',
      is: { timeoutMs: 7_143, retry: { retries: 20, initialMs: 200, factor: 2, maxMs: 9_814 } },
    },
    {
      what: 'to all that a stated timeout leaves',
      entry: { timeout: '10s', retry: { retries: 20 } },
      deadline: '5m',
      is: { timeoutMs: 10_000, retry: { retries: 20, initialMs: 200, factor: 2, maxMs: 5_586 } },
    },
    {
      what: 'then all pauses are',
      entry: { timeout: '14s', retry: { retries: 20 } },
      deadline: '295s',
      is: { timeoutMs: 14_000, retry: { retries: 20, initialMs: 50, factor: 2, maxMs: 50 } },
    },
    {
      what: 'until there are none',
      entry: { timeout: '5s', retry: { retries: 1 } },
      deadline: '10s',
      is: { timeoutMs: 5_000, retry: { retries: 1, initialMs: 0, factor: 2, maxMs: 0 } },
    },
    {
      what: 'but not a first one that is stated',
      entry: { timeout: '5s', retry: { retries: 3, initialMs: 1_000 } },
      deadline: '25s',
      is: { timeoutMs: 5_000, retry: { retries: 3, initialMs: 1_000, factor: 2, maxMs: 2_000 } },
    },
  ])('retries that are stated stay, and pauses that are not give way: $what', ({ entry, deadline, is }) => {
    expect(stepOf(documentOf({ a: { ...a, ...entry } }, { deadline }), 'a')).toMatchObject(is)
  })

  test('a compensation has no deadline', () => {
    const compensate = { activity: 'u', timeout: '1h' }

    expect(stepOf(documentOf({ a: { ...a, compensate } }), 'a').compensate?.timeoutMs).toBe(3_600_000)
  })
})

describe('documents that are taken with warnings', () => {
  test.each([
    {
      what: 'a path that takes longer than the deadline',
      document: documentOf({ a: { ...a, timeout: '3m' }, b: { ...a, after: ['a'], timeout: '2m' } }),
      says: /^deadline: with all attempts and the pauses between them, a -> b may take .*, longer than the deadline of 10m$/,
    },
    {
      what: 'an output of a step that is not waited for',
      document: documentOf({ a, b: { ...a, input: 'outputs.a' } }),
      says: /^activities\.b\.input: character 1: outputs\.a: `a` may not have run by then; put it into `after`, or ask has\(outputs\.a\)$/,
    },
    {
      what: 'an output beside one that is asked for',
      document: documentOf({ a, b: a, c: { ...a, input: 'has(outputs.b) ? outputs.a : null' } }),
      says: /^activities\.c\.input: .* `a` may not have run/,
    },
    {
      what: 'an output of which a field is asked for',
      document: documentOf({ a, b: { ...a, when: 'has(outputs.a.x)' } }),
      says: /^activities\.b\.when: .* `a` may not have run/,
    },
    {
      what: 'its own output',
      document: documentOf({ a: { ...a, when: 'outputs.a == 1' } }),
      says: /^activities\.a\.when: .* may not have run/,
    },
    {
      what: 'what never runs',
      document: documentOf({ a: { ...a, when: ' false ' } }),
      says: /^activities\.a\.when: it is always false/,
    },
    {
      what: 'timeouts that are cut to nothing',
      document: documentOf({ a }, { deadline: 99 }),
      says: /^activities\.a\.timeout: 99ms leave hardly time/,
    },
  ])('$what', ({ document, says }) => {
    expect(warningsOf(document)).toEqual([expect.stringMatching(says)])
  })

  test('what only waits for what never runs', () => {
    expect(
      warningsOf(documentOf({ a: { ...a, when: 'false' }, b: { ...a, after: ['a'] }, c: { ...a, after: ['b'] } })),
    ).toEqual([
      'activities.a.when: it is always false: the step never runs',
      'activities.b: it never runs, because `a` never does',
      'activities.c: it never runs, because `b` never does',
    ])
  })

  test.each([
    {
      what: 'of an ancestor',
      document: documentOf({ a, b: { ...a, after: ['a'] }, c: { ...a, after: ['b'], input: 'outputs.a' } }),
    },
    {
      what: 'of its own step, in what takes it back',
      document: documentOf({ a: { ...a, compensate: { activity: 'u', input: 'outputs.a' } } }),
    },
    {
      what: 'that is asked for',
      document: documentOf({ a, b: { ...a, input: 'has(outputs.a) ? [outputs.a, outputs["a"]] : []' } }),
    },
    { what: 'of any step, in the end', document: documentOf({ a, b: a }, { output: '[outputs.a, outputs.b]' }) },
  ])('none for an output $what', ({ document }) => {
    expect(warningsOf(document)).toEqual([])
  })
})
