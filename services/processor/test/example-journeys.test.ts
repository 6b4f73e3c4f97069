import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { Json } from '../../../shared/events.ts'
import type { Definition, Expression, ExpressionScope } from '../../../shared/flow/journey/definition.ts'
import { readDefinition } from '../../../shared/flow/journey/definition-check.ts'
import { isActivityName, table } from '../activities/table.ts'
import { run } from './activity-run.ts'
import { systems } from './systems-fixture.ts'

const examples = join(import.meta.dirname, '..', '..', '..', 'docs', 'examples')

function read(name: string) {
  const found = readDefinition(JSON.parse(readFileSync(join(examples, 'journeys', `${name}.json`), 'utf8')))
  if (!found.ok) throw new Error(found.faults.join('\n'))
  return found
}

function evaluated(expression: Expression, scope: ExpressionScope): Json {
  const result = expression.evaluate(scope)
  if ('fault' in result) throw new Error(result.fault)
  return result.value
}

/** What the activities give when the steps are done one after the other, and the output of the journey. */
async function walk({ steps, output }: Definition, payload: Json) {
  const all = systems()
  const outputs: Record<string, Json> = {}
  const scope = { payload, tenant: 'default', sagaId: 's1.main', key: 'k1', outputs }
  for (const { name, activity, when, input } of steps) {
    if (when && evaluated(when, scope) !== true) continue
    if (!isActivityName(activity)) throw new Error(`The processor has no activity ${activity}.`)
    const idempotencyKey = `s1.main:${name}`
    const given = await run(table[activity](all), input ? evaluated(input, scope) : payload, { idempotencyKey })
    outputs[name] = typeof given === 'symbol' ? null : given
  }
  return { outputs, output: output && evaluated(output, scope) }
}

const order = { items: [{ sku: 'tea', quantity: 2 }], card: '4242', address: 'Main St 1', email: 'a@example.com' }

test.each([
  { what: 'by post', payload: order, carrier: 'post', steps: ['charge', 'notify', 'reserve', 'ship'] },
  {
    what: 'by courier',
    payload: { ...order, express: true },
    carrier: 'courier',
    steps: ['charge', 'express', 'notify', 'reserve'],
  },
  {
    what: 'expressly not by courier',
    payload: { ...order, express: false },
    carrier: 'post',
    steps: ['charge', 'notify', 'reserve', 'ship'],
  },
])('order: its activities take what its expressions give, $what', async ({ payload, carrier, steps }) => {
  const { definition, warnings } = read('order')

  const { outputs, output } = await walk(definition, payload)

  expect(warnings).toEqual([])
  expect(definition.findPayloadFaults(payload)).toEqual([])
  expect(Object.keys(outputs).toSorted()).toEqual(steps)
  expect(output).toEqual({ totalCents: 1_300, carrier, tracking: expect.stringMatching(`^${carrier}_`) })
})

test('order: what it takes back is implemented, and works with what a compensation is given', async () => {
  const { definition } = read('order')
  const undone = definition.steps.flatMap(({ compensate }) => compensate ?? [])

  expect(undone.map(({ activity }) => activity).toSorted()).toEqual(['refund', 'release'])
  for (const { activity } of undone) {
    if (!isActivityName(activity)) throw new Error(`The processor has no activity ${activity}.`)
    // Of a step whose outcome is unknown there is no output.
    expect(await run(table[activity](systems()), { input: {} })).toBeTypeOf('object')
  }
})

test.each([
  { what: 'no items', payload: { ...order, items: [] } },
  { what: 'an address for mail that is none', payload: { ...order, email: 'nobody' } },
  { what: 'a field that is not known', payload: { ...order, expres: true } },
])('order: $what is a fault of the payload', ({ payload }) => {
  expect(read('order').definition.findPayloadFaults(payload)).toHaveLength(1)
})

test('object-enrichment: digest and words at the same time, then a summary of both', async () => {
  const { definition, warnings } = read('object-enrichment')

  const { output } = await walk(definition, { name: 'note', content: 'to be or not to be' })

  expect(warnings).toEqual([])
  expect(definition.steps.filter(({ after }) => after.length === 0).map(({ name }) => name)).toEqual([
    'digest',
    'words',
  ])
  expect(output).toMatchObject({ words: 6, text: expect.stringMatching(/^note: 6 words, 4 of them distinct, /) })
})

test('gift: its one step is what the example in Python does', () => {
  const { definition, warnings } = read('gift')

  expect(warnings).toEqual([])
  expect(definition.steps.map(({ activity }) => activity)).toEqual(['gift-wrap'])
})

test('every curl of the examples sends a payload that its definition takes', () => {
  const text = readFileSync(join(examples, 'README.md'), 'utf8')
  const requests = [...text.matchAll(/-d '(\{"type":[^']*\})'/g)].map(([, json = '']) =>
    z.object({ type: z.string(), payload: z.custom<Json>() }).parse(JSON.parse(json)),
  )

  expect(requests.length).toBeGreaterThan(3)
  for (const { type, payload } of requests) expect(read(type).definition.findPayloadFaults(payload)).toEqual([])
})
