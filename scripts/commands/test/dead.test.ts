import { describe, expect, test } from 'vitest'
import { fakeApi } from '../../cli/test/fake-api.ts'
import { runEbs } from '../../cli/test/fake-terminal.ts'

describe('dead groups and list', () => {
  const group = {
    ...{ fingerprint: 'a1b2c3d4e5f6', queue: 'process_consume', type: 'TASK_CREATED', reason: 'exhausted' },
    ...{ error: `Error: no disk ${'x'.repeat(200)}`, count: 1200, firstAt: '2026-03-01T11:00:00Z' },
    ...{ lastAt: '2026-03-01T11:59:00Z', example: 'h-1' },
  }

  test('groups at 80 columns: count and group whole, the error cut, no row wider', async () => {
    await using api = await fakeApi({ 'GET /api/dead/groups': { json: { items: [group] } } })

    const { code, out } = await runEbs(['dead', 'groups', '--queue', 'process_consume'], { ...api, isTty: true })

    expect(code).toBe(0)
    expect(out.split('\n')).toEqual([
      'COUNT  GROUP         QUEUE            TYPE          LAST  ERROR',
      ' 1200  a1b2c3d4e5f6  process_consume  TASK_CREATED   60s  Error: no disk xxxxxx…',
      '',
    ])
    expect(api.asked[0]?.query).toEqual({ queue: 'process_consume', limit: '100' })
  })

  test('json is what the API gave, and stdout has nothing else', async () => {
    const page = { items: [{ ...group, future: { field: [1, null] } }], next: 'abc' }
    await using api = await fakeApi({ 'GET /api/dead/groups': { json: page } })

    const { out, err } = await runEbs(['dead', 'groups', '--limit', '1', '-o', 'json'], { ...api, isTty: true })

    expect(JSON.parse(out)).toEqual(page)
    expect(err).toBe('')
  })

  test('an empty list: in json as it is, else a sentence on stderr', async () => {
    await using api = await fakeApi({ 'GET /api/dead': { json: { items: [] } } })

    expect(JSON.parse((await runEbs(['dead', 'list', '-o', 'json'], api)).out)).toEqual({ items: [] })
    expect(await runEbs(['dead', 'list'], api)).toMatchObject({ code: 0, out: '' })
  })

  test('pages are gathered up to the limit; what is left is said, with the cursor', async () => {
    const items = (n: number) => Array.from({ length: n }, (_, i) => ({ id: `h-${i}` }))
    await using api = await fakeApi({
      'GET /api/dead': [{ json: { items: items(200), next: 'p2' } }, { json: { items: items(50), next: 'p3' } }],
    })

    const { out, err } = await runEbs(['dead', 'list', '--limit', '250', '--where', 'event.a == 1'], api)

    expect(out.trim().split('\n')).toHaveLength(251)
    expect(err).toContain("--cursor 'p3'")
    expect(api.asked.map(({ query }) => query)).toEqual([
      { where: 'event.a == 1', limit: '200' },
      { where: 'event.a == 1', limit: '50', cursor: 'p2' },
    ])
  })
})

describe('dead show', () => {
  test('shows the body laid out, headers in one line, and nothing that could move the cursor', async () => {
    const held = {
      id: 'h-1',
      error: 'bad \u001b[2J',
      body: { type: 'X', a: [1] },
      properties: { headers: { b: 1 } },
      edited: null,
    }
    await using api = await fakeApi({ 'GET /api/dead/h-1': { json: held } })

    const { out } = await runEbs(['dead', 'show', 'h-1'], { ...api, isTty: true })

    expect(out).toContain('id          h-1\nerror       bad  [2J\nproperties  {"headers":{"b":1}}')
    expect(out).toContain('body\n  {\n    "type": "X",')
    expect(out).not.toContain('edited')
  })

  test('an id with a slash is one part of the url; an unknown one exits with 3', async () => {
    await using api = await fakeApi({})

    const { code, err } = await runEbs(['dead', 'show', 'a/b c'], api)

    expect(api.asked[0]?.path).toBe('/api/dead/a%2Fb%20c')
    expect(code).toBe(3)
    expect(err).toContain('There is no GET /api/dead/a%2Fb%20c.')
  })
})
