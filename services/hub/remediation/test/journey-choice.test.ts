import { expect, test } from 'vitest'
import type { Conversation, ConversationReader, Page } from '../../../../shared/store/conversations.ts'
import { searchItems } from '../item-search.ts'
import { choose, JOURNEYS_MAX } from '../journey-choice.ts'
import { remediationSite } from './remediation-fixture.ts'

/** So many journeys that need a person, alike but for their ids; every hundredth for a reason of its own. */
async function crowd(count: number, idOf: (n: number) => string = (n) => `o${n}.main`) {
  await using site = await remediationSite()
  await site.stuck('o.main')
  const { store, clock } = site.operations
  const one = await store.reader.findConversation({ kind: 'journey', key: 'o.main' })
  if (!one) throw new Error('There is no journey.')
  const row = (n: number): Conversation => {
    const state = JSON.parse(one.state)
    const remediation = { ...state.remediation, ...(n % 100 === 99 && { cause: 'exhausted' }) }
    return { ...one, key: idOf(n), state: JSON.stringify({ ...state, id: idOf(n), remediation }) }
  }
  const listConversations: ConversationReader['listConversations'] = (
    _,
    { limit, cursor = '0' },
  ): Page<Conversation> => {
    const from = Number(cursor)
    const to = Math.min(from + limit, count)
    return {
      items: Array.from({ length: to - from }, (_, i) => row(from + i)),
      next: to < count ? String(to) : undefined,
    }
  }
  return { clock, store: { ...store, reader: { ...store.reader, listConversations } } }
}

test('a job takes 10,000 journeys, and says when there are more', async () => {
  const all = await choose(await crowd(JOURNEYS_MAX), {})
  const more = await choose(await crowd(JOURNEYS_MAX + 1), {})

  expect([all.journeys.length, all.isCut]).toEqual([10_000, false])
  expect([more.journeys.length, more.isCut, more.examples.length]).toEqual([10_000, true, 10])
})

test('fewer, when their ids are so long that they would not fit into a message', async () => {
  const { journeys, isCut } = await choose(await crowd(JOURNEYS_MAX, (n) => String(n).padStart(128, 'o')), {})

  const bytes = Buffer.byteLength(JSON.stringify(journeys))
  expect([bytes <= 786_432, bytes > 786_000, isCut]).toEqual([true, true, true])
})

test('a list looks at 5,000 at most and gives what it has found with a cursor, so that no request takes for ever', async () => {
  const looking = await crowd(10_050)
  const page = (limit: number, cursor?: string) => searchItems(looking, { cause: 'exhausted' }, { limit, cursor })

  const first = await page(80)
  const second = await page(80, first.next)
  const third = await page(80, second.next)

  expect([first.items.length, second.items.length, third.items.length]).toEqual([50, 50, 0])
  expect([first.next, second.next, third.next]).toEqual(['5000', '10000', undefined])
  expect((await page(3)).next).toBe('300')
})
