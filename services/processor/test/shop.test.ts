import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import type { Json } from '../../../shared/events.ts'
import { SqliteStore } from '../../../shared/store/sqlite-store.ts'
import { scratch } from '../../../shared/store/test/scratch.ts'
import { type ActivityName, activityNames, table } from '../activities/table.ts'
import { migrations } from '../shop/schema.ts'
import { run } from './activity-run.ts'
import { systems } from './systems-fixture.ts'

/** A shop, what journeys do in it, and what a person sees of it with sqlite3. */
function shopping(given: Parameters<typeof systems>[0] = {}) {
  const all = systems(given)
  const read = async <T extends z.ZodType>(row: T, sql: string) => {
    const store = await SqliteStore.open({ path: join(all.dataDir, 'shop.db'), migrations })
    onTestFinished(() => store.close())
    return store.read.all(row, sql)
  }
  return {
    dataDir: all.dataDir,
    do: (name: ActivityName, input: Json, key = `s1.main:${name}`, sagaId = 's1.main') =>
      run(table[name](all), input, { callId: key, idempotencyKey: key, sagaId }),
    orders: () => read(z.looseObject({}), 'select * from orders'),
    effects: () => read(z.looseObject({ activity: z.string() }), 'select * from effects'),
    left: async (sku: string) =>
      (await read(z.object({ sku: z.string(), left: z.number() }), 'select * from stock')).find(
        (row) => row.sku === sku,
      )?.left,
  }
}

const twoKettles = { items: [{ sku: 'kettle', quantity: 2 }] }

test('every row of the table is an activity of that name', () => {
  const all = systems()

  expect(activityNames.map((name) => table[name](all).name)).toEqual(activityNames)
})

test('an order: reserved, charged, sent, told, each seen once however often it is asked for', async () => {
  const shop = shopping()

  for (const _ of [1, 2]) {
    expect(await shop.do('reserve', twoKettles)).toEqual({ ...twoKettles, totalCents: 17_800 })
    expect(await shop.do('charge', { amountCents: 17_800, card: '4242' })).toMatchObject({ amountCents: 17_800 })
    expect(await shop.do('ship', { address: 'Main St 1' })).toMatchObject({ carrier: 'post' })
    expect(await shop.do('notify', { to: 'a@example.com', text: 'On its way' })).toEqual({ to: 'a@example.com' })
  }

  expect(await shop.orders()).toMatchObject([
    {
      order_id: 's1.main',
      reservations: 1,
      charged_cents: 17_800,
      refunded_cents: 0,
      parcels: 1,
      carrier: 'post',
      notices: 1,
    },
  ])
  expect((await shop.effects()).map(({ activity }) => activity)).toEqual(['reserve', 'charge', 'ship', 'notify'])
  expect(await shop.left('kettle')).toBe(998)
})

test('what was done is taken back: the money, and the stock', async () => {
  const shop = shopping()
  await shop.do('reserve', twoKettles)
  await shop.do('charge', { amountCents: 17_800, card: '4242' })

  for (const _ of [1, 2]) {
    expect(await shop.do('refund', null, 's1.main:charge:undo')).toEqual({ amountCents: 17_800 })
    expect(await shop.do('release', {}, 's1.main:reserve:undo')).toEqual(twoKettles)
  }

  expect(await shop.orders()).toMatchObject([{ charged_cents: 17_800, refunded_cents: 17_800, releases: 1 }])
  expect(await shop.left('kettle')).toBe(1_000)
})

test('taking back what was never done does nothing, and it cannot be done any more afterwards', async () => {
  const shop = shopping()

  expect(await shop.do('refund', {}, 's1.main:charge:undo')).toEqual({ amountCents: 0 })
  expect(await shop.do('release', {}, 's1.main:reserve:undo')).toEqual({ items: [] })

  await expect(shop.do('charge', { amountCents: 1, card: '4242' })).rejects.toThrow(/taken back/)
  await expect(shop.do('reserve', twoKettles)).rejects.toThrow(/taken back/)
  expect(await shop.left('kettle')).toBe(1_000)
})

test.each<{ name: ActivityName; input: Json; says: RegExp }>([
  {
    name: 'reserve',
    input: {
      items: [
        { sku: 'kettle', quantity: 2 },
        { sku: 'moon-rock', quantity: 1 },
      ],
    },
    says: /'moon-rock' is out of stock: 1 wanted.* 0 left/,
  },
  { name: 'reserve', input: { items: [{ sku: 'sofa', quantity: 1 }] }, says: /no article 'sofa'/ },
  { name: 'charge', input: { amountCents: 1, card: 'declined' }, says: /declined/ },
  { name: 'ship', input: { address: 'nowhere' }, says: /No post goes to 'nowhere'/ },
  { name: 'express-ship', input: { address: 'nowhere' }, says: /No courier/ },
])('$name refuses for good: $says', async ({ name, input, says }) => {
  const shop = shopping()

  await expect(shop.do(name, input)).rejects.toMatchObject({
    name: 'Unrecoverable',
    message: expect.stringMatching(says),
  })

  expect(await shop.effects()).toEqual([])
  expect(await shop.left('kettle')).toBe(1_000)
})

test('stock is never sold twice: the last ones go to one of many who want them at the same time', async () => {
  const dataDir = scratch()
  const shops = [shopping({ dataDir }), shopping({ dataDir })]
  const wanted = Array.from({ length: 12 }, (_, n) =>
    shops[n % 2]?.do('reserve', { items: [{ sku: 'kettle', quantity: 100 }] }, `s${n}:reserve`, `s${n}`),
  )

  const ends = await Promise.allSettled(wanted)

  expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(10)
  expect(await shops[0]?.left('kettle')).toBe(0)
})

test('a shop that always fails, before the effect or after it, has each effect once at most', async () => {
  const shop = shopping({ failureRate: 1 })

  for (let n = 0; n < 30; n++)
    await expect(shop.do('charge', { amountCents: 5, card: '4242' })).rejects.toThrow('EBS_SHOP_FAILURE_RATE=1')

  // Once in 2^30 runs it failed before the effect each time.
  expect(await shop.orders()).toMatchObject([{ charged_cents: 5 }])
})

test('an object is digested as a task is, its words are counted, and both make a summary', async () => {
  const all = systems()
  const content = 'To be, or not to be'

  expect(await run(table.digest(all), { content })).toEqual({
    sha256: '80ed7fc26bc0bbb12ef93ae6dbc4bdaae8262e83e65163626e57c24b8fc316a8',
  })
  expect(await run(table.words(), { content })).toEqual({ count: 6, distinct: 4, longest: 'not' })
  expect(await run(table.words(), { content: '' })).toEqual({ count: 0, distinct: 0, longest: '' })
  expect(await run(table.words(), { content: 'Grüße, l’été — well-known' })).toMatchObject({
    count: 3,
    longest: 'well-known',
  })
  expect(await run(table.summary(), { name: 'note', sha256: 'a'.repeat(64), count: 6, distinct: 4 })).toEqual({
    text: 'note: 6 words, 4 of them distinct, aaaaaaaaaaaa',
  })
})
