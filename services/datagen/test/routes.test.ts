import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { createHealth } from '../../../shared/service/health.ts'
import { createHttp } from '../../../shared/service/http.ts'
import { createLog } from '../../../shared/service/log.ts'
import { createMetrics } from '../../../shared/service/metrics.ts'
import { SqliteStore } from '../../../shared/store/sqlite-store.ts'
import { serveObjects } from '../routes.ts'
import { migrations } from '../store.ts'

const pageSchema = z.object({ items: z.array(z.object({ id: z.string() })), next: z.string().optional() })

/** The API of datagen on a database of its own; nothing relays its outbox. */
async function api({ outboxRowsMax = 1_000 } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'ebs-datagen-'))
  const store = await SqliteStore.open({ path: join(folder, 'datagen.db'), migrations })
  const log = createLog({ service: 'datagen', level: 'silent' })
  const http = await createHttp({
    name: 'datagen',
    title: 'datagen',
    log,
    health: createHealth(),
    metrics: createMetrics(),
  })
  serveObjects(http, { store, outboxRowsMax, now: () => 1_700_000_000_000 })
  return {
    store,
    post: (url: string, payload: object = {}) => http.inject({ method: 'POST', url, payload }),
    page: async (url: string) => pageSchema.parse((await http.inject({ method: 'GET', url })).json()),
    async [Symbol.asyncDispose]() {
      await http.close()
      await store.close()
      await rm(folder, { recursive: true })
    },
  }
}

test('D4: what does not fit behind those that wait for the broker is answered 503 with Retry-After, and nothing of it is made', async () => {
  await using datagen = await api({ outboxRowsMax: 3 })

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
  await using datagen = await api({ outboxRowsMax: 10 })

  const answers = await Promise.all(Array.from({ length: 8 }, () => datagen.post('/api/objects?count=5')))

  expect(answers.filter(({ statusCode }) => statusCode === 201).length).toBeLessThanOrEqual(2)
  expect(datagen.store.countPending()).toBeLessThanOrEqual(10)
})

test('pages follow each other without a gap, and large ones are cut', async () => {
  await using datagen = await api({ outboxRowsMax: 10_000 })
  await datagen.post('/api/objects?count=60', { content: 'x'.repeat(60_000) })
  await datagen.post('/api/objects?count=60', { content: 'x'.repeat(60_000) })

  const seen: string[] = []
  let next: string | undefined = '0'
  for (let pages = 1; next !== undefined; pages++) {
    const page: z.infer<typeof pageSchema> = await datagen.page(`/api/objects?limit=1000&cursor=${next}`)
    expect(page.items.length).toBeLessThanOrEqual(100)
    seen.push(...page.items.map(({ id }) => id))
    next = page.next
    expect(pages).toBeLessThan(10)
  }

  expect(new Set(seen).size).toBe(120)
  expect(seen).toHaveLength(120)
})

test('a database that takes no writes is a passing trouble: 503', async () => {
  await using datagen = await api()
  await datagen.store.close()

  expect((await datagen.post('/api/objects')).statusCode).toBe(503)
})
