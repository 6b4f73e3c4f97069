import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { fakeApi } from '../../cli/test/fake-api.ts'
import { runEbs } from '../../cli/test/fake-terminal.ts'
import { temporaryFolder } from '../../test/temporary-folder.ts'

const id = '0190c5a0-7d3e-7000-8000-000000000001.main'
const step = (over: object) => ({ activity: 'a', after: [], state: 'pending', attempt: 0, attempts: [], ...over })
const journey = {
  ...{ id, kind: 'journey', type: 'order', version: 2, revision: 7, status: 'NEEDS_REMEDIATION', phase: 'remediation' },
  ...{ tenant: 'default', payload: { items: [] }, createdAt: '2026-03-01T11:58:00.000Z', endedAt: null },
  activities: {
    reserve: step({ state: 'done', attempt: 1, compensation: { activity: 'release', state: 'pending', attempt: 0 } }),
    charge: step({ after: ['reserve'], state: 'failed', attempt: 3, error: 'the card is declined', status: 402 }),
    ship: step({ after: ['charge'] }),
    notify: step({ after: ['charge'], state: 'retrying', attempt: 2, dueAt: '2026-03-01T12:00:09.000Z' }),
  },
  remediation: { cause: 'permanent', error: 'the card is declined', steps: ['charge'], acts: ['retry', 'skip'] },
  ...{ held: [], timers: [], frozenTimers: [] },
  history: [{ at: '2026-03-01T11:58:00.000Z', what: 'started' }],
}
const shown = { [`GET /api/journeys/${id}`]: { json: journey } }

describe('journey show', () => {
  test('draws the steps with their states, attempts and errors, and what stands below', async () => {
    await using api = await fakeApi(shown)

    const { code, out } = await runEbs(['journey', 'show', id], { ...api, isTty: true, columns: 100 })

    expect(code).toBe(0)
    const text = out.split('\n')
    expect(Math.max(...text.map((line) => line.length))).toBeLessThanOrEqual(100)
    expect(text.slice(text.indexOf('steps'), text.indexOf('remediation'))).toEqual([
      'steps',
      '  ✔ reserve (to undo)',
      '  │',
      '  ✖ charge ×3',
      '  ├───────┐',
      '  ○ ship  ↻ notify ×2',
      '',
      '  STEP     ACTIVITY  STATE     ATTEMPTS  DUE IN  AFTER    UNDO     ERROR',
      '  reserve  a         done             1       -  -        pending  -',
      '  charge   a         failed           3       -  reserve  -        the card is declined',
      '  ship     a         pending          0       -  charge   -        -',
      '  notify   a         retrying         2      9s  charge   -        -',
      '',
    ])
    expect(out).toMatch(/status +NEEDS_REMEDIATION\n/)
    expect(out).toMatch(/history\n {2}AT +WHAT\n {2}2026-03-01T11:58:00.000Z {2}started\n$/)
    expect(out).not.toContain('\n\n\n')
  })

  test.each([
    { compensation: { state: 'running', attempt: 2 }, drawn: '↶ reserve (undoing)' },
    { compensation: { state: 'retrying', attempt: 2 }, drawn: '↶ reserve (undoing)' },
    { compensation: { state: 'done', attempt: 1 }, drawn: '↶ reserve (undone)' },
    { compensation: { state: 'skipped', attempt: 1 }, drawn: '↶ reserve (undo skipped)' },
    { compensation: { state: 'failed', attempt: 9, error: 'gone' }, drawn: '✖ reserve (undo failed)' },
  ])('where compensation stands: $drawn', async ({ compensation, drawn }) => {
    const activities = { reserve: step({ state: 'done', attempt: 1, compensation }) }
    await using api = await fakeApi({ [`GET /api/journeys/${id}`]: { json: { ...journey, activities } } })

    const { out } = await runEbs(['journey', 'show', id], api)

    expect(out).toContain(`\n  ${drawn}\n`)
    if ('error' in compensation) expect(out).toMatch(/failed +gone\n/)
  })

  test('states have colours on a terminal, and none in a pipe', async () => {
    await using api = await fakeApi(shown)
    const config = { isColourful: true }

    const seen = await runEbs(['journey', 'show', id], { ...api, isTty: true, config })
    const piped = await runEbs(['journey', 'show', id], { ...api, config })

    expect(seen.out).toContain('\u001b[31m✖ charge ×3\u001b[39m')
    expect(seen.out).toContain('\u001b[32m✔ reserve (to undo)\u001b[39m')
    expect(piped.out).toContain('✖ charge ×3')
    expect(piped.out).not.toContain('\u001b')
  })

  test('one that waits for its type has no steps yet', async () => {
    const waiting = { ...journey, version: 0, status: 'ACCEPTED', activities: {}, remediation: undefined }
    await using api = await fakeApi({ [`GET /api/journeys/${id}`]: { json: waiting } })

    const { code, out } = await runEbs(['journey', 'show', id], api)

    expect(code).toBe(0)
    expect(out).not.toContain('steps')
    expect(await runEbs(['journey', 'mermaid', id], api)).toMatchObject({ code: 1, out: '' })
  })

  test('in json it is what the API says; of one step with all there is', async () => {
    await using api = await fakeApi(shown)

    const whole = await runEbs(['journey', 'show', id, '-o', 'json'], api)
    const one = await runEbs(['journey', 'show', id, '--step', 'charge'], api)
    const none = await runEbs(['journey', 'show', id, '--step', 'constructor'], api)

    expect(JSON.parse(whole.out)).toEqual(JSON.parse(JSON.stringify(journey)))
    expect(one.out).toMatch(/^step +charge\n(.+\n)*error +the card is declined\n/)
    expect(none).toMatchObject({ code: 1, out: '', err: expect.stringContaining('reserve, charge, ship, notify') })
  })

  test('an unknown one exits with 3', async () => {
    await using api = await fakeApi({})

    expect(await runEbs(['journey', 'show', 'x'], api)).toMatchObject({ code: 3, out: '' })
  })
})

test('journey mermaid colours the steps of the version that the journey keeps to', async () => {
  const activities = { reserve: { activity: 'a' }, charge: { activity: 'a', after: ['reserve'] } }
  const document = { type: 'order', version: 2, deadline: '1m', activities }
  await using api = await fakeApi({
    ...shown,
    'GET /api/definitions/order/2': { json: { type: 'order', version: 2, document } },
  })

  const { code, out } = await runEbs(['journey', 'mermaid', id], api)

  expect(code).toBe(0)
  expect(out).toMatch(
    /^flowchart TD\n {2}s0\["<b>reserve<\/b><br\/>a"\]:::done\n {2}s1\[.*\]:::failed\n {2}s0 --> s1\n/,
  )
})

describe('journey start', () => {
  const ended = { id, status: 'COMPLETED', output: { tracking: 'T1' } }
  const started = { id, status: 'ACCEPTED' }

  test.each([
    { status: 200, json: ended, wait: ['--wait', '20'], code: 0, hint: '' },
    { status: 202, json: started, wait: [], code: 0, hint: `How it goes on: ebs journey show ${id}\n` },
    { status: 202, json: started, wait: ['--wait', '1'], code: 4, hint: `How it goes on: ebs journey show ${id}\n` },
    {
      ...{ status: 202, json: { id, status: 'NEEDS_REMEDIATION' }, wait: ['--wait', '1'], code: 4 },
      hint: `How it goes on: ebs remediation show ${id}\n`,
    },
    {
      status: 502,
      json: { detail: 'It was compensated.' },
      wait: ['--wait', '1'],
      code: 1,
      hint: 'It was compensated.\n',
    },
    { status: 409, json: { detail: 'Another payload.' }, wait: [], code: 1, hint: 'Another payload.\n' },
  ])('$status with $wait exits with $code', async ({ status, json, wait, code, hint }) => {
    await using api = await fakeApi({ 'POST /api/journeys': { status, json } })

    const result = await runEbs(['journey', 'start', 'order', '--payload', '{"a":1}', '--key', 'k', ...wait], api)

    expect(result).toMatchObject({ code, err: hint })
    expect(api.posted('/api/journeys')).toEqual([{ type: 'order', payload: { a: 1 }, key: 'k' }])
    expect(api.asked[0]?.headers.prefer).toBe(wait[1] && `wait=${wait[1]}`)
  })

  test('the payload comes from the command line or a file; what is none is told before anything is asked', async () => {
    using folder = temporaryFolder()
    const file = join(folder.path, 'order.json')
    writeFileSync(file, '[1,2]')
    await using api = await fakeApi({ 'POST /api/journeys': { status: 202, json: started } })
    const start = (payload: string) =>
      runEbs(['journey', 'start', 'order', '--tenant', 'acme', '--payload', payload], api)

    expect(await start(`@${file}`)).toMatchObject({ code: 0 })
    expect(await start('null')).toMatchObject({ code: 0 })
    expect(await start('{')).toMatchObject({ code: 2, err: expect.stringContaining('--payload: It is not JSON') })
    expect(await start('@/nowhere')).toMatchObject({ code: 2, err: expect.stringContaining('/nowhere cannot be read') })
    expect(api.posted('/api/journeys').map(({ payload, tenant }) => ({ payload, tenant }))).toEqual([
      { payload: [1, 2], tenant: 'acme' },
      { payload: null, tenant: 'acme' },
    ])
  })
})

test('lists are asked for by type and attention; ndjson is a line per item', async () => {
  const items = [
    { id: 'a', type: 'order' },
    { id: 'b', type: 'order' },
  ]
  await using api = await fakeApi({ 'GET /api/journeys': { json: { items, next: 'c1' } } })

  const args = ['--type', 'order', '--attention', 'any', '--open', '--older', '10m', '--limit', '2', '-o', 'ndjson']
  const { out, err } = await runEbs(['journey', 'list', ...args], api)

  expect(out).toBe('{"id":"a","type":"order"}\n{"id":"b","type":"order"}\n')
  expect(err).toContain("--cursor 'c1'")
  expect(api.asked[0]?.query).toEqual({
    ...{ type: 'order', attention: 'any', open: 'true', limit: '2' },
    createdBefore: '2026-03-01T11:50:00.000Z',
  })
})

describe('EBS_TOKEN', () => {
  const config = { token: 'secret.token-1' }

  test('goes with every request', async () => {
    await using api = await fakeApi({
      ...shown,
      'POST /api/journeys': { status: 202, json: { id, status: 'ACCEPTED' } },
    })

    await runEbs(['journey', 'show', id], { ...api, config })
    await runEbs(['journey', 'start', 'order', '--payload', '1'], { ...api, config })

    expect(api.asked.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer secret.token-1',
      'Bearer secret.token-1',
    ])
    expect(api.asked[1]?.headers['content-type']).toBe('application/json')
  })

  test('is never printed, whatever goes wrong; without it nothing is sent', async () => {
    await using api = await fakeApi({
      [`GET /api/journeys/${id}`]: { status: 401, json: { detail: 'Token expired.' } },
    })

    const refused = await runEbs(['journey', 'show', id], { ...api, config })
    const away = await runEbs(['journey', 'show', id], { config })
    await runEbs(['journey', 'show', id], api)

    expect(refused).toMatchObject({ code: 1, err: 'Token expired.\nThe token is taken from EBS_TOKEN.\n' })
    expect(away.code).toBe(1)
    expect(refused.err + away.err).not.toContain('secret')
    expect(api.asked.map(({ headers }) => headers.authorization)).toEqual(['Bearer secret.token-1', undefined])
  })
})
