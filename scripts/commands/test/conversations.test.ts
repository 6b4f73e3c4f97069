import { describe, expect, test } from 'vitest'
import { fakeApi } from '../../cli/test/fake-api.ts'
import { runEbs } from '../../cli/test/fake-terminal.ts'

const empty = { json: { items: [] } }

describe('lists ask for what was wanted', () => {
  test.each([
    {
      argv: ['flow', 'list', '--open', '--older', '10m', '--tenant', 'acme', '--status', 'running', '--limit', '5'],
      path: '/api/flows',
      query: { open: 'true', createdBefore: '2026-03-01T11:50:00.000Z', tenant: 'acme', status: 'running', limit: '5' },
    },
    { argv: ['group', 'list', '--cursor', 'c1'], path: '/api/groups', query: { cursor: 'c1', limit: '100' } },
    {
      argv: ['timer', 'list', '--overdue', '--kind', 'flow'],
      path: '/api/timers',
      query: { overdue: 'true', kind: 'flow', limit: '100' },
    },
    { argv: ['object', 'list', '--state', 'failed'], path: '/api/objects', query: { state: 'failed', limit: '100' } },
    { argv: ['sideline', 'list', '--open'], path: '/api/sidelines', query: { open: 'true', limit: '100' } },
    {
      argv: ['sideline', 'messages', 'r/1', '--state', 'held'],
      path: '/api/sidelines/r%2F1/messages',
      query: { state: 'held', limit: '100' },
    },
    {
      argv: ['replay', 'list', '--status', 'stopped'],
      path: '/api/replays',
      query: { status: 'stopped', limit: '100' },
    },
    {
      argv: ['replay', 'messages', 'r-7', '--state', 'dead'],
      path: '/api/replays/r-7/messages',
      query: { state: 'dead', limit: '100' },
    },
  ])('$argv', async ({ argv, path, query }) => {
    await using api = await fakeApi({ [`GET ${path}`]: empty })

    expect(await runEbs(argv, api)).toMatchObject({ code: 0, out: '' })
    expect(api.asked).toMatchObject([{ path, query }])
  })
})

describe('acts say who, why and what', () => {
  const by = { actor: 'ann@desk', reason: 'because' }
  test.each([
    { argv: ['group', 'cancel', 'lunch'], path: '/api/groups/lunch/cancel', body: by },
    { argv: ['flow', 'cancel', 'o-7'], path: '/api/flows/o-7/cancel', body: by },
    {
      argv: ['timer', 'fire', 'group:lunch:ttl', '--token', '3'],
      path: '/api/timers/group%3Alunch%3Attl/fire',
      body: { ...by, token: 3 },
    },
    { argv: ['timer', 'cancel', 'group:lunch:ttl'], path: '/api/timers/group%3Alunch%3Attl/cancel', body: by },
    {
      argv: ['timer', 'move', 'group:lunch:ttl', '--to', '30m'],
      path: '/api/timers/group%3Alunch%3Attl/move',
      body: { ...by, due: '2026-03-01T12:30:00.000Z' },
    },
    { argv: ['replay', 'pause', 'r-7'], path: '/api/replays/r-7/pause', body: by },
    { argv: ['replay', 'resume', 'r-7'], path: '/api/replays/r-7/resume', body: by },
    { argv: ['replay', 'cancel', 'r-7'], path: '/api/replays/r-7/cancel', body: by },
  ])('$argv', async ({ argv, path, body }) => {
    await using api = await fakeApi({ [`POST ${path}`]: { json: { id: 'x', status: 'done' } } })

    expect(await runEbs([...argv, '--reason', 'because'], api)).toMatchObject({ code: 0, err: '' })
    expect(api.posted(path)).toEqual([body])
  })

  test('what is not legal now is told with 1', async () => {
    const detail = 'The group lunch is success since noon; there is nothing to cancel.'
    await using api = await fakeApi({ 'POST /api/groups/lunch/cancel': { status: 409, json: { detail } } })

    const result = await runEbs(['group', 'cancel', 'lunch', '--reason', 'x'], api)

    expect(result).toMatchObject({ code: 1, out: '', err: `${detail}\n` })
  })
})

test('flow start sends the order to the gateway, and waits when asked to', async () => {
  await using api = await fakeApi({ 'POST /api/flows': { status: 202, json: { id: 'o-7', status: 'accepted' } } })

  const { code, out, err } = await runEbs(
    ['flow', 'start', '--length', '3', '--mode', 'sequential', '--id', 'o-7', '--wait', '20'],
    api,
  )

  expect(code).toBe(0)
  expect(out).toBe('id      o-7\nstatus  accepted\n')
  expect(err).toContain('ebs flow show o-7')
  expect(api.asked).toMatchObject([
    { headers: { prefer: 'wait=20' }, body: { length: 3, mode: 'sequential', flowId: 'o-7' } },
  ])
})

test('object create makes one, or so many', async () => {
  await using api = await fakeApi({
    'POST /api/objects': [
      { status: 201, json: { id: 'a', tenant: 'acme' } },
      { status: 201, json: { count: 1000, first: 'a', last: 'z' } },
    ],
  })

  const one = await runEbs(['object', 'create', '--tenant', 'acme', '--name', 'n', '--content', 'c'], api)
  const many = await runEbs(['object', 'create', '--count', '1000'], api)

  expect(one).toMatchObject({ code: 0, out: 'id      a\ntenant  acme\n' })
  expect(many).toMatchObject({ code: 0, out: '1,000 objects made: a to z\n' })
  expect(api.asked).toMatchObject([
    { query: {}, body: { tenant: 'acme', name: 'n', content: 'c' } },
    { query: { count: '1000' }, body: {} },
  ])
})

test('a conversation is shown in full: lines, then its lists as tables', async () => {
  const group = {
    ...{ id: 'lunch', status: 'open', endedAt: null, missing: ['bob'], payload: { table: 7 } },
    members: [
      { id: 'ann', status: 'done', result: 'soup' },
      { id: 'bob', status: 'waiting' },
    ],
    ...{ held: [], history: [{ at: '2026-03-01T12:00:00.000Z', what: 'opened' }] },
  }
  await using api = await fakeApi({ 'GET /api/groups/lunch': { json: group } })

  const { out } = await runEbs(['group', 'show', 'lunch'], { ...api, isTty: true })

  expect(out).toBe(
    [
      'id       lunch',
      'status   open',
      'missing  bob',
      'payload  {"table":7}',
      'held     -',
      '',
      'members',
      '  ID   STATUS   RESULT',
      '  ann  done     soup',
      '  bob  waiting  -',
      '',
      'history',
      '  AT                        WHAT',
      '  2026-03-01T12:00:00.000Z  opened',
      '',
    ].join('\n'),
  )
})

test('below a title tables are no wider than the terminal either', async () => {
  const history = [{ at: '2026-03-01T12:00:00.000Z', what: 'opened', detail: 'x'.repeat(300) }]
  await using api = await fakeApi({ 'GET /api/groups/lunch': { json: { id: 'lunch', history } } })

  const { out } = await runEbs(['group', 'show', 'lunch'], { ...api, isTty: true, columns: 80 })

  const lines = out.split('\n')
  expect(lines.at(-2)).toMatch(/^ {2}2026-03-01T12:00:00.000Z {2}opened {2}x+…$/)
  expect(Math.max(...lines.map((line) => line.length))).toBe(80)
})
