import { expect, test } from 'vitest'
import type { z } from 'zod'
import { openApi, type pageSchema } from './objects-api.ts'

type Page = z.infer<typeof pageSchema>

test('D4: what does not fit behind those that wait for the broker is answered 503 with Retry-After, and nothing of it is made', async () => {
  await using datagen = await openApi({ outboxRowsMax: 3 })

  const [two, three, one] = [
    await datagen.post('/api/objects?count=2'),
    await datagen.post('/api/objects?count=3'),
    await datagen.post('/api/objects'),
  ]

  expect([two.statusCode, three.statusCode, one.statusCode]).toEqual([201, 503, 201])
  expect(three.headers['retry-after']).toBe('5')
  expect(datagen.store.countPending()).toBe(3)
})

test('many requests at once cannot all take the room that is left', async () => {
  await using datagen = await openApi({ outboxRowsMax: 10 })

  const answers = await Promise.all(Array.from({ length: 8 }, () => datagen.post('/api/objects?count=5')))

  expect(answers.filter(({ statusCode }) => statusCode === 201).length).toBeLessThanOrEqual(2)
  expect(datagen.store.countPending()).toBeLessThanOrEqual(10)
})

test('pages follow each other without a gap, and large ones are cut', async () => {
  await using datagen = await openApi({ outboxRowsMax: 10_000 })
  await datagen.post('/api/objects?count=60', { content: 'x'.repeat(60_000) })
  await datagen.post('/api/objects?count=60', { content: 'x'.repeat(60_000) })

  const seen: string[] = []
  let next: string | undefined = '0'
  for (let pages = 1; next !== undefined; pages++) {
    const page: Page = await datagen.page(`/api/objects?limit=1000&cursor=${next}`)
    expect(page.items.length).toBeLessThanOrEqual(100)
    seen.push(...page.items.map(({ id }) => id))
    next = page.next
    expect(pages).toBeLessThan(10)
  }

  expect(new Set(seen).size).toBe(120)
  expect(seen).toHaveLength(120)
})

test('a database that takes no writes is a passing trouble: 503', async () => {
  await using datagen = await openApi()
  await datagen.store.close()

  expect((await datagen.post('/api/objects')).statusCode).toBe(503)
})
