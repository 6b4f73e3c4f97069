import { describe, expect, test } from 'vitest'
import { NobodyThereError, TooManyQuestionsError } from '../../../shared/bus/ask.ts'
import type { Event } from '../../../shared/bus/envelope.ts'
import { recordEnds } from '../ends.ts'
import { groupAsker, shownObject } from '../standing.ts'
import { CREATED_AT, completed, eventOf, failed, NOW_MS, openApi } from './objects-api.ts'

const open = { status: 'open', completedBy: 'tasks', missing: ['a', 'b'], created: CREATED_AT }
const ended = { ...open, missing: [], resolved: '2023-11-14T22:13:20.500Z', endedBy: 'all' }

describe('an object that has not ended here stands as the hub says', () => {
  test.each([
    ['nothing: it is accepted', undefined, { state: 'accepted' }],
    ['open: it runs, and these are missing', open, { state: 'running', missing: ['a', 'b'] }],
    [
      'success: it is completed, also when only another replica heard so',
      { ...ended, status: 'success' },
      { state: 'completed', endedAt: '2023-11-14T22:13:20.500Z', durationMs: 500 },
    ],
    [
      'failure: it failed',
      { ...ended, status: 'failure', missing: ['b'], entity: 'b', error: 'no' },
      { state: 'failed', endedAt: '2023-11-14T22:13:20.500Z', durationMs: 500, error: 'no', missing: ['b'] },
    ],
    [
      'failure with an error that is no text',
      { ...ended, status: 'failure', entity: 'b', error: { code: 7 } },
      { state: 'failed', endedAt: '2023-11-14T22:13:20.500Z', durationMs: 500, error: '{"code":7}', missing: [] },
    ],
    [
      'failure with an error of any size: as much as is kept',
      { ...ended, status: 'failure', entity: 'b', error: 'x'.repeat(5_000) },
      {
        ...{ state: 'failed', endedAt: '2023-11-14T22:13:20.500Z', durationMs: 500, missing: [] },
        error: 'x'.repeat(2_048),
      },
    ],
    [
      'success before its creation, by another clock: no negative duration',
      { ...ended, status: 'success', resolved: '2023-11-14T22:13:19.000Z' },
      { state: 'completed', endedAt: '2023-11-14T22:13:19.000Z', durationMs: 0 },
    ],
    [
      'a group of another making that has its id: it is accepted',
      { ...open, completedBy: 'done' },
      { state: 'accepted' },
    ],
    ['something that nobody understands: it is accepted', { status: 'what' }, { state: 'accepted' }],
  ])('%s', async (_, view, standing) => {
    const asked: string[] = []
    await using datagen = await openApi({
      askGroup: async (id) => {
        asked.push(id)
        return view
      },
    })
    const id = await datagen.make()

    const shown = await datagen.show(id)

    const object = { id, tenant: 'default', name: expect.any(String), content: expect.any(String) }
    expect(shown).toEqual({ ...object, createdAt: CREATED_AT, ...standing })
    expect(asked).toEqual([id])
  })

  test('and one that is not here is not asked for', async () => {
    await using datagen = await openApi({ askGroup: () => Promise.reject(new Error('asked')) })

    expect((await datagen.get('/api/objects/nowhere')).statusCode).toBe(404)
  })
})

describe('an object whose end was heard is shown without asking', () => {
  const askGroup = () => Promise.reject(new Error('asked'))

  test('completed', async () => {
    await using datagen = await openApi({ askGroup })
    const id = await datagen.make()
    await datagen.end(completed(id, 250))

    expect(await datagen.show(id)).toEqual({
      ...{ id, tenant: 'default', name: expect.any(String), content: expect.any(String), createdAt: CREATED_AT },
      ...{ state: 'completed', endedAt: '2023-11-14T22:13:20.100Z', durationMs: 250 },
    })
  })

  const FAILED = { state: 'failed', durationMs: 350 }
  const COMPLETED = { state: 'completed', durationMs: 250 }
  test.each([
    ['failed', (id: string) => [failed(id, 'no')], { ...FAILED, error: 'no' }],
    [
      'failed twice: the first',
      (id: string) => [failed(id, 'first'), failed(id, 'second')],
      { ...FAILED, error: 'first' },
    ],
    ['completed twice: the first', (id: string) => [completed(id, 250), completed(id, 2)], COMPLETED],
    ['failed, then told to be completed', (id: string) => [failed(id), completed(id)], COMPLETED],
    ['completed, failure told later', (id: string) => [completed(id), failed(id)], COMPLETED],
  ])('%s', async (_, ends, standing) => {
    await using datagen = await openApi({ askGroup })
    const id = await datagen.make()
    await datagen.end(...ends(id))

    const { error, missing, ...shown } = shownObject.parse(await datagen.show(id))
    expect(shown).toMatchObject({ state: standing.state, durationMs: standing.durationMs })
    // Only a failure has an error, and names the tasks that were missing.
    expect({ error, missing }).toEqual('error' in standing ? { error: standing.error, missing: [`${id}.2`] } : {})
  })

  test('an end of an object that is not here leaves no trace', async () => {
    await using datagen = await openApi({ askGroup })

    await datagen.end(completed('elsewhere'), failed('elsewhere'))

    expect(await datagen.page('/api/objects')).toEqual({ items: [] })
    expect((await datagen.get('/api/objects/elsewhere')).statusCode).toBe(404)
  })

  test.each([1e300, -1, Number.NaN])('an end at the time %d has happened when it was heard', async (atMs) => {
    await using datagen = await openApi({ askGroup })
    const id = await datagen.make()
    await datagen.store.write((tx) => recordEnds(tx, [eventOf(completed(id), 0, atMs)], NOW_MS + 7))

    expect(await datagen.show(id)).toMatchObject({ endedAt: '2023-11-14T22:13:20.007Z' })
  })
})

describe('the list', () => {
  test('tells the state as it was heard, and can be narrowed to one, page by page', async () => {
    await using datagen = await openApi({ askGroup: () => Promise.reject(new Error('asked')) })
    const ids: string[] = []
    for (let i = 0; i < 9; i++) ids.push(await datagen.make())
    const of = (...places: readonly number[]) => places.map((place) => ids[place])
    await datagen.end(
      ...[1, 4, 7].map((place) => completed(ids[place] ?? '')),
      ...[2, 5, 8].map((place) => failed(ids[place] ?? '', 'no')),
    )
    const pages = async (query: string) => {
      const all: { id: string; state: string }[] = []
      for (let next: string | undefined = '0'; next !== undefined; ) {
        const page: Awaited<ReturnType<typeof datagen.page>> = await datagen.page(
          `/api/objects?limit=2&cursor=${next}${query}`,
        )
        expect(page.items.length).toBeLessThanOrEqual(2)
        all.push(...page.items)
        next = page.next
      }
      return all
    }

    const all = await pages('')
    expect(all.map(({ id }) => id)).toEqual(ids)
    expect(all.slice(0, 3)).toMatchObject([
      { state: 'accepted' },
      { state: 'completed', durationMs: 250, endedAt: '2023-11-14T22:13:20.100Z' },
      { state: 'failed', durationMs: 350, error: 'no' },
    ])
    expect(all[0]).not.toHaveProperty('endedAt')
    for (const [state, places] of [
      ['accepted', of(0, 3, 6)],
      ['completed', of(1, 4, 7)],
      ['failed', of(2, 5, 8)],
    ] as const) {
      const some = await pages(`&state=${state}`)
      expect(some.map(({ id }) => id)).toEqual(places)
      expect(new Set(some.map((one) => one.state))).toEqual(new Set([state]))
    }
  })

  test.each(['running', 'done', ''])('by the state "%s" is refused, naming those there are', async (state) => {
    await using datagen = await openApi()

    const answer = await datagen.get(`/api/objects?state=${state}`)

    expect(answer.statusCode).toBe(400)
    expect(answer.body).toContain('completed')
  })
})

describe('asking the hub over the bus', () => {
  const asked = { type: 'CONVERSATION_ASKED', kind: 'group', id: 'o' }
  const meta = eventOf(completed('o'), 0).meta
  const told = (view?: Record<string, string>): Event => ({
    type: 'CONVERSATION_TOLD',
    data: { type: 'CONVERSATION_TOLD', kind: 'group', id: 'o', view },
    meta,
  })

  test('asks for the group of the object, and waits a second for the view', async () => {
    const questions: unknown[] = []
    const askGroup = groupAsker(() => ({
      ask: async (...question) => {
        questions.push(question)
        return told({ status: 'open' })
      },
    }))

    expect(await askGroup('o')).toEqual({ status: 'open' })
    expect(questions).toEqual([['hub_ask', asked, { withinMs: 1_000 }]])
  })

  test.each([
    ['the hub knows no such group', async () => told()],
    ['it does not answer in time', async () => undefined],
    ['it was never there', () => Promise.reject(new NobodyThereError('no queue'))],
    ['too many ask', () => Promise.reject(new TooManyQuestionsError('full'))],
  ])('there is no view when %s', async (_, ask) => {
    expect(await groupAsker(() => ({ ask }))('o')).toBeUndefined()
  })

  test('there is no view before the broker is there, and a fault is not taken for silence', async () => {
    expect(await groupAsker(() => undefined)('o')).toBeUndefined()
    await expect(groupAsker(() => ({ ask: () => Promise.reject(new Error('a fault')) }))('o')).rejects.toThrow(
      'a fault',
    )
  })
})
