import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, test } from 'vitest'
import { definitionJsonSchema } from '../definition-document.ts'
import { a, documentOf, faultsOf } from './definition-fixture.ts'

describe('the JSON Schema for editors says what registration says', () => {
  const validate = new Ajv2020({ strict: false }).compile(JSON.parse(JSON.stringify(definitionJsonSchema())))
  const deadlines = [
    1,
    2_592_000_000,
    0,
    2_592_000_001,
    0.5,
    '1ms',
    '0ms',
    '0s',
    '30d',
    '31d',
    '720h',
    '721h',
    '43200m',
  ]
  const more = [
    '43201m',
    '2592000s',
    '2592001s',
    '999999999ms',
    '1000000000ms',
    '10d',
    '200h',
    '05s',
    '5',
    'soon',
    '1.5s',
  ]

  test.each<{ what: string; document: unknown; isTaken: boolean }>([
    ...[...deadlines, ...more].map((deadline) => ({
      what: `a deadline of ${JSON.stringify(deadline)}`,
      document: documentOf(undefined, { deadline }),
      isTaken: [1, 2_592_000_000, '1ms', '30d', '720h', '43200m', '2592000s', '999999999ms', '10d', '200h'].includes(
        deadline,
      ),
    })),
    ...['a', 'a.b', 'dead', 'a.dead', 'a.replay', 'dead.a', 'adead', 'a..b'].map((activity) => ({
      what: `the activity ${activity}`,
      document: documentOf({ a: { activity } }),
      isTaken: ['a', 'a.b', 'dead.a', 'adead'].includes(activity),
    })),
    ...['order', 'schema', 'schemas', 'order.schema'].map((type) => ({
      what: `the type ${type}`,
      document: documentOf(undefined, { type }),
      isTaken: type !== 'schema',
    })),
    ...['a', '__proto__', 'constructor', '1a'].map((step) => ({
      what: `a step called ${step}`,
      document: documentOf(JSON.parse(`{"${step}": {"activity": "a"}}`)),
      isTaken: step === 'a' || step === 'constructor',
    })),
    {
      what: 'compensations',
      document: documentOf({ a: { ...a, timeout: '5s', compensate: 'u' }, u: a }),
      isTaken: true,
    },
    { what: 'no steps', document: documentOf({}), isTaken: false },
    { what: 'a field that there is not', document: documentOf({ a: { ...a, tiemout: 1 } }), isTaken: false },
  ])('$what: $isTaken', ({ document, isTaken }) => {
    const faults = faultsOf(document)

    expect(faults.length === 0, faults.join('\n')).toBe(isTaken)
    expect(validate(document)).toBe(isTaken)
  })
})
