import { expect, test } from 'vitest'
import { z } from 'zod'
import { catalogue, isEventType, keyOf, rowOf } from '../events.ts'

const types = Object.keys(catalogue).filter(isEventType)

test('a key whose last word is a field ends in a star, and each body of that type has the field', () => {
  const rows = types.map(rowOf)
  const withWord = rows.flatMap(({ key, lastWord, body }) => (lastWord === undefined ? [] : [{ key, lastWord, body }]))

  expect(withWord.length).toBeGreaterThan(1)
  for (const { key, lastWord, body } of withWord) {
    expect(key).toMatch(/\.\*$/)
    expect(body.shape[lastWord]).toBeInstanceOf(z.ZodType)
    expect(body.shape[lastWord]?.safeParse(undefined).success).toBe(false)
  }
  expect(rows.filter(({ key, lastWord }) => key.includes('*') && lastWord === undefined)).toEqual([])
})

test('the last word of a key is what the body says, all else of it is fixed', () => {
  const about = { sagaId: 'j1', tenant: 'acme', payload: {}, meta: {}, formatVersion: 1 }
  expect(keyOf({ type: 'INITIATE_JOURNEY', journeyType: 'order.v2', ...about })).toBe('initiate_journey.order.v2')
  expect(keyOf({ type: 'INITIATE_WORKFLOW', journeyType: 'order', ...about })).toBe('initiate_workflow')
})
