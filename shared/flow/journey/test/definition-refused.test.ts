import { describe, expect, test } from 'vitest'
import { a, documentOf, faultsOf } from './definition-fixture.ts'

describe('documents that are refused, with every fault', () => {
  test.each<{ what: string; document: unknown; faults: readonly (string | RegExp)[] }>([
    { what: 'no object', document: [], faults: [/expected a JSON object/] },
    {
      what: 'nothing in it',
      document: { activities: { a: {} } },
      faults: [
        'type: it is missing',
        'version: it is missing',
        /^deadline: it is missing/,
        'activities.a.activity: it is missing',
      ],
    },
    {
      what: 'no activities',
      document: documentOf({}),
      faults: ['activities: there are none; a journey has at least one'],
    },
    {
      what: 'activities that are a list',
      document: { ...documentOf(), activities: [] },
      faults: [/^activities: .*record/],
    },
    {
      what: 'fields that there are not',
      document: documentOf({ a: { ...a, afer: [], retry: { tries: 1 } } }, { versoin: 2 }),
      faults: [
        'activities.a.afer: there is no such field',
        'activities.a.retry.tries: there is no such field',
        'versoin: there is no such field',
      ],
    },
    { what: 'a version that is none', document: documentOf(undefined, { version: 1.5 }), faults: [/^version: .*int/] },
    { what: 'a version of zero', document: documentOf(undefined, { version: 0 }), faults: [/^version: .*>=1/] },
    {
      what: 'a type with blanks',
      document: documentOf(undefined, { type: 'an order' }),
      faults: [/^type: expected letters/],
    },
    {
      what: 'an activity called dead',
      document: documentOf({ a: { activity: 'x.dead' } }),
      faults: [/^activities\.a\.activity: not `dead`/],
    },
    { what: 'a step with a dot', document: documentOf({ 'a.b': a }), faults: [/^activities\.a\.b: expected a letter/] },
    {
      what: 'a step called __proto__',
      document: documentOf(JSON.parse('{"a": {"activity": "a"}, "__proto__": {"activity": "b"}}')),
      faults: ['activities.__proto__: choose another name'],
    },
    ...['5', '5 s', '1h30m', '-1s', '', 'soon', true, -1, 0.5].map((deadline) => ({
      what: `a deadline of ${JSON.stringify(deadline)}`,
      document: documentOf(undefined, { deadline }),
      faults: [/^deadline: expected a duration of 1ms to 30d, such as/],
    })),
    ...[0, '0s', '31d', 2_592_000_001].map((timeout) => ({
      what: `a timeout of ${JSON.stringify(timeout)}`,
      document: documentOf({ a: { ...a, timeout } }),
      faults: [/^activities\.a\.timeout: expected a duration of 1ms to 30d/],
    })),
    {
      what: 'too many retries',
      document: documentOf({ a: { ...a, retry: { retries: 101 } } }),
      faults: [/^activities\.a\.retry\.retries: /],
    },
    {
      what: 'a step that waits for itself',
      document: documentOf({ a: { ...a, after: ['a'] } }),
      faults: ['activities.a.after: a step cannot wait for itself'],
    },
    {
      what: 'names that are not there',
      document: documentOf({ a: { ...a, after: ['b', 'toString'], compensate: 'c' } }),
      faults: [
        'activities.a.after: there is no step `b`',
        'activities.a.after: there is no step `toString`',
        'activities.a.compensate: there is no activity `c`',
      ],
    },
    {
      what: 'a name twice',
      document: documentOf({ a, b: { ...a, after: ['a', 'a'] } }),
      faults: ['activities.b.after: `a` stands there twice'],
    },
    {
      what: 'a circle',
      document: documentOf({
        x: a,
        a: { ...a, after: ['c', 'x'] },
        b: { ...a, after: ['a'] },
        c: { ...a, after: ['b'] },
        d: { ...a, after: ['c'] },
      }),
      faults: ['activities: they wait for each other in a circle: a -> b -> c -> a'],
    },
    {
      what: 'two circles',
      document: documentOf({
        a: { ...a, after: ['b'] },
        b: { ...a, after: ['a'] },
        c: { ...a, after: ['d'] },
        d: { ...a, after: ['c'] },
      }),
      faults: [/circle: a -> b -> a$/, /circle: c -> d -> c$/],
    },
    {
      what: 'a circle beside a field that is not there',
      document: documentOf({ a: { ...a, after: ['b'], x: 1 }, b: { activity: '', after: ['a'] } }),
      faults: [/circle: a -> b -> a$/, 'activities.a.x: there is no such field', /^activities\.b\.activity: /],
    },
    {
      what: 'what takes itself back',
      document: documentOf({ a: { ...a, compensate: 'a' } }),
      faults: ['activities.a.compensate: a step cannot take itself back'],
    },
    {
      what: 'a compensation that does more',
      document: documentOf({
        a: { ...a, compensate: 'u' },
        u: { ...a, after: ['a'], when: 'true', compensate: { activity: 'x' } },
        b: { ...a, after: ['u'] },
      }),
      faults: [
        'activities.b.after: `u` only takes back `a`: nothing can wait for it',
        ...['after', 'when', 'compensate'].map(
          (field) => `activities.u.${field}: not here: \`u\` only takes back \`a\``,
        ),
      ],
    },
    {
      what: 'a compensation with a field that there is not',
      document: documentOf({ a: { ...a, compensate: { activity: 'u', after: [] } } }),
      faults: ['activities.a.compensate.after: there is no such field'],
    },
    {
      what: 'a compensation that is a number',
      document: documentOf({ a: { ...a, compensate: 1 } }),
      faults: [/^activities\.a\.compensate: /],
    },
    {
      what: 'CEL that does not compile',
      document: documentOf(
        { a: { ...a, input: '{"a": }', when: 'tenant', compensate: { activity: 'u', input: 'outputs.' } } },
        { output: 'event.x' },
      ),
      faults: [
        /^activities\.a\.input: character 7: Unexpected token/,
        /^activities\.a\.when: character 1: it gives string, and `when` is true or false/,
        /^activities\.a\.compensate\.input: character 9: /,
        /^output: character 1: there is no `event`: an expression sees payload, tenant, sagaId, key and outputs/,
      ],
    },
    {
      what: 'input of a step that sees its output',
      document: documentOf({ a: { ...a, input: 'output' } }),
      faults: [/there is no `output`/],
    },
    {
      what: 'outputs of steps that are not there',
      document: documentOf(
        { a: { ...a, input: '{"x": outputs.b}', compensate: 'u' }, u: a },
        { output: 'outputs["u"]' },
      ),
      faults: [
        'activities.a.input: character 7: outputs.b: there is no step `b`',
        'output: character 1: outputs.u: `u` only takes back `a`, and has no output',
      ],
    },
    {
      what: 'a type with the name of another address',
      document: documentOf(undefined, { type: 'schema' }),
      faults: [/^type: not `schema`: choose another name/],
    },
    {
      what: 'a schema whose draft is no text',
      document: documentOf(undefined, { payload: { $schema: { toString: 1 } } }),
      faults: ['payload: $schema: expected text'],
    },
    {
      what: 'patterns that are too many together',
      document: documentOf(
        Object.fromEntries(
          Array.from({ length: 20 }, (_, i) => [
            `s${i}`,
            {
              activity: 'a',
              when: Array.from({ length: 10 }, (_, j) => `key.matches("a{200}${i}x${j}")`).join(' || '),
            },
          ]),
        ),
      ),
      faults: [/^activities\.s9\.when: with those before it, its patterns compile to \d+ instructions, at most 20000/],
    },
    {
      what: 'a schema that is none',
      document: documentOf(undefined, { payload: { type: 'objekt' } }),
      faults: [/^payload: type: must be equal to one of .*"object"/, /must be array/, /must match a schema/],
    },
  ])('$what', ({ document, faults }) => {
    const found = faultsOf(document)

    expect(found, found.join('\n')).toHaveLength(faults.length)
    for (const fault of faults)
      expect(
        found.some((one) => (typeof fault === 'string' ? one === fault : fault.test(one))),
        `${fault} in ${found.join('\n')}`,
      ).toBe(true)
  })

  test.each([
    { steps: 501, bytes: 0, says: /^activities: there are 501, at most 500 are taken/ },
    { steps: 10_000, bytes: 0, says: /^activities: there are 10000, at most 500/ },
    { steps: 1, bytes: 262_144, says: /bytes as JSON, at most 262144 are taken/ },
  ])('$steps steps and $bytes bytes, fast and with one fault', ({ steps, bytes, says }) => {
    const names = Array.from({ length: steps }, (_, i) => [`s${i}`, { activity: 'a', after: [`s${(i + 1) % steps}`] }])
    const before = process.cpuUsage()

    const faults = faultsOf(documentOf(Object.fromEntries(names), { description: 'x'.repeat(bytes) }))

    const { user, system } = process.cpuUsage(before)
    expect(faults).toEqual([expect.stringMatching(says)])
    expect((user + system) / 1_000).toBeLessThan(100)
  })

  test('of a thousand faults a hundred are told', () => {
    const after = Array.from({ length: 400 }, (_, i) => `x${i}`)

    const faults = faultsOf(documentOf({ a: { ...a, after }, b: { ...a, after }, c: { ...a, after } }))

    expect(faults).toHaveLength(101)
    expect(faults.at(-1)).toBe('... and 1100 more')
  })
})
