import { expect, test } from 'vitest'
import { parseTimerId, timerIdText } from '../timer-view.ts'
import { flowBody, groupBody, hubFixture } from './hub-fixture.ts'

const DEADLINE = '/api/timers/group:g1:deadline'
const by = { actor: 'ann', reason: 'test' }

test.each(['g1', 'a:b', 'a~b', 'a%b', '%3A', '~3A', 'a/b?c#d', '語 😀', '.', '..', "!*'()"])(
  'the id of a timer holds any key, can be pasted into a url, and gives it back: %s',
  (key) => {
    const id = { kind: 'group', key, name: `call ${key}` }
    const text = timerIdText(id)

    expect(parseTimerId(text)).toEqual(id)
    expect(new URL(`http://x/api/timers/${text}`).pathname).toBe(`/api/timers/${text}`)
    expect(decodeURIComponent(text)).toBe(text)
  },
)

test.each([
  '',
  'group',
  'group:g1',
  'group:g1:',
  ':g1:deadline',
  'group:g1:deadline:x',
  'group:~zz:x',
  'group:~FF:x',
  'group:a%:x',
])('names no timer: %j', (text) => {
  expect(parseTimerId(text)).toBeUndefined()
})

test('timers are listed earliest first, by kind, overdue or all, page by page', async () => {
  await using hub = await hubFixture()
  await hub.hear(groupBody('g1', ['a'], 20), groupBody('g2', ['a'], 10), flowBody('f1', 'hub'))
  await hub.clock.advance(12_000)

  const list = async (query: string) => {
    const { items, next } = (await hub.get(`/api/timers${query}`)).json()
    return { ids: items.map(({ id }: { id: string }) => id), overdueMs: items[0]?.overdueMs, next }
  }
  const all = await list('')
  const first = await list('?limit=2')

  expect(all.ids).toEqual(['group:g2:deadline', expect.stringMatching(/^flow:f1:/), 'group:g1:deadline'])
  expect(all.overdueMs).toBe(2_000)
  expect(first.ids).toEqual(all.ids.slice(0, 2))
  expect((await list(`?limit=2&cursor=${encodeURIComponent(first.next)}`)).ids).toEqual(all.ids.slice(2))
  expect((await list('?kind=flow')).ids).toEqual([all.ids[1]])
  expect((await list('?overdue=true')).ids).toEqual(['group:g2:deadline'])
})

test('one timer is shown; an unknown one is 404', async () => {
  await using hub = await hubFixture()
  await hub.hear(groupBody('g1'))

  expect((await hub.get(DEADLINE)).json()).toEqual({
    id: 'group:g1:deadline',
    kind: 'group',
    key: 'g1',
    name: 'deadline',
    token: 1,
    due: '2026-01-01T00:00:30.000Z',
    overdueMs: 0,
  })
  for (const url of ['/api/timers/group:g1:other', '/api/timers/group:none:deadline', '/api/timers/nonsense'])
    expect((await hub.get(url)).statusCode).toBe(404)
})

test('fire ends the group now, as its ttl would have; again it is 409, because the group has ended', async () => {
  await using hub = await hubFixture()
  await hub.hear(groupBody('g1'))

  const [first, second] = [await hub.post(`${DEADLINE}/fire`), await hub.post(`${DEADLINE}/fire`)]

  expect([first.statusCode, first.json()]).toEqual([200, { id: 'group:g1:deadline', result: 'fired' }])
  expect([second.statusCode, second.json()]).toEqual([
    409,
    expect.objectContaining({ status: 409, ended: { status: 'failure', at: '2026-01-01T00:00:00.000Z' } }),
  ])
  const group = (await hub.get('/api/groups/g1')).json()
  expect(group).toMatchObject({ status: 'failure', timers: [] })
  expect(JSON.stringify(group.history)).toContain('ann: test')
})

test('move gives another due time and another token; the old token no longer acts, and says so', async () => {
  await using hub = await hubFixture()
  await hub.hear(groupBody('g1'))

  const moved = await hub.post(`${DEADLINE}/move`, { ...by, due: '2026-01-01T01:00:00+01:00', token: 1 })
  const stale = await hub.post(`${DEADLINE}/fire`, { ...by, token: 1 })
  const fresh = await hub.post(`${DEADLINE}/fire`, { ...by, token: moved.json().timer.token })

  expect(moved.json()).toMatchObject({ result: 'moved', timer: { token: 2, due: '2026-01-01T00:00:00.000Z' } })
  expect([stale.statusCode, stale.json()]).toEqual([409, expect.objectContaining({ token: 2 })])
  expect(fresh.statusCode).toBe(200)
})

test.each([
  ['without a due time', {}],
  ['to nonsense', { due: 'tomorrow' }],
  ['further than the ladder reaches', { due: '2026-02-01T00:00:00Z' }],
  ['without a reason', { reason: '', due: '2026-01-01T00:00:10Z' }],
])('move is refused %s, and the timer stays', async (_, body) => {
  await using hub = await hubFixture()
  await hub.hear(groupBody('g1'))

  expect((await hub.post(`${DEADLINE}/move`, { ...by, ...body })).statusCode).toBe(400)
  expect((await hub.get(DEADLINE)).json().token).toBe(1)
})

test('cancel takes the timer away; twice does no harm', async () => {
  await using hub = await hubFixture()
  await hub.hear(groupBody('g1'))

  const [first, second] = [await hub.post(`${DEADLINE}/cancel`), await hub.post(`${DEADLINE}/cancel`)]

  expect([first.statusCode, second.statusCode]).toEqual([200, 404])
  expect((await hub.get('/api/groups/g1')).json()).toMatchObject({ status: 'open', timers: [] })
})
