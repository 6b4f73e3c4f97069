import { describe, expect, test } from 'vitest'
import { fakeApi, type Routes } from '../../cli/test/fake-api.ts'
import { runEbs } from '../../cli/test/fake-terminal.ts'

const id = '0190c5a0-7d3e-7000-8000-000000000001.main'
const item = {
  ...{ id, type: 'order', version: 1, status: 'NEEDS_REMEDIATION', tenant: 'acme', attention: 'remediation' },
  ...{ cause: 'exhausted', error: 'the bank is down', steps: ['charge'], since: '2026-03-01T11:00:00.000Z' },
  ...{ ageMs: 3_600_000, acts: ['retry', 'cancel'], revision: 12 },
}
const by = { actor: 'ann@desk', reason: 'because' }
const because = ['--reason', 'because']

describe('remediation list and show', () => {
  test('lists by what the hub knows, also past a page that is empty', async () => {
    await using api = await fakeApi({
      'GET /api/remediation': [{ json: { items: [], next: 'c1' } }, { json: { items: [item] } }],
    })

    const filters = ['--type', 'order', '--cause', 'exhausted', '--step', 'charge', '--older-than', '10m']
    const { code, out } = await runEbs(['remediation', 'list', ...filters], api)

    expect(code).toBe(0)
    expect(out).toMatch(new RegExp(`^ID .*\n${id} {2}order {2}exhausted {2}charge +60m {2}acme .* the bank is down\n$`))
    expect(api.asked.map(({ query }) => query)).toEqual([
      { type: 'order', cause: 'exhausted', step: 'charge', olderThan: '600000', limit: '100' },
      { type: 'order', cause: 'exhausted', step: 'charge', olderThan: '600000', limit: '100', cursor: 'c1' },
    ])
  })

  test('shows the need, the journey, and what to type next', async () => {
    const journey = {
      ...{ id, type: 'order', version: 1, status: item.status, remediation: { cause: 'exhausted' }, history: [] },
      activities: { charge: { state: 'failed', attempt: 3, error: 'the bank is down' } },
    }
    await using api = await fakeApi({ [`GET /api/remediation/${id}`]: { json: { ...item, journey } } })

    const { out, err } = await runEbs(['remediation', 'show', id], api)

    expect(out).toMatch(/acts +retry, cancel\n/)
    expect(out).toContain('\n  ✖ charge ×3\n')
    expect(out).not.toContain('\nremediation\n')
    expect(err).toBe(
      `Decide:\n  ebs remediation retry ${id} --reason '...'\n  ebs remediation cancel ${id} --reason '...'\n`,
    )
  })
})

describe('acts on one journey say who, why and what', () => {
  test.each([
    { argv: ['retry', id], act: 'retry', body: by },
    {
      argv: ['retry', id, '--step', 'charge', '--input', '{"card":"4242"}', '--revision', '12'],
      act: 'retry',
      body: { ...by, step: 'charge', input: { card: '4242' }, revision: 12 },
    },
    { argv: ['skip', id], act: 'skip', body: by },
    { argv: ['skip', id, '--step', 'a', '--result', 'null'], act: 'skip', body: { ...by, step: 'a', output: null } },
    { argv: ['compensate', id, '--revision', '0'], act: 'compensate', body: { ...by, revision: 0 } },
    { argv: ['cancel', id], act: 'cancel', body: by },
    { argv: ['ticket', id, 'OPS-17'], act: 'ticket', body: { ...by, ticket: 'OPS-17' } },
    { argv: ['ticket', id, ''], act: 'ticket', body: { ...by, ticket: '' } },
  ])('$argv', async ({ argv, act, body }) => {
    const path = `/api/remediation/${id}/${act}`
    await using api = await fakeApi({ [`POST ${path}`]: { status: 202, json: { ...item, status: 'RUNNING' } } })

    expect(await runEbs(['remediation', ...argv, ...because], api)).toMatchObject({ code: 0, err: '' })
    expect(api.posted(path)).toEqual([body])
  })

  test.each([
    { argv: ['retry', id], says: "required option '--reason <text>'" },
    { argv: ['retry', id, '--input', '{', ...because], says: '--input: It is not JSON' },
    { argv: ['cancel', id, '--revision', '-1', ...because], says: '--revision' },
    { argv: ['ticket', id, ...because], says: "missing required argument 'reference'" },
  ])('wrong usage $argv is refused with 2', async ({ argv, says }) => {
    await using api = await fakeApi({})

    const { code, err } = await runEbs(['remediation', ...argv], api)

    expect({ code, asked: api.asked }).toEqual({ code: 2, asked: [] })
    expect(err).toContain(says)
  })

  test('what is not legal now is told with 1', async () => {
    const detail = `The journey ${id} ended COMPLETED at noon, and nothing was changed.`
    await using api = await fakeApi({ [`POST /api/remediation/${id}/retry`]: { status: 409, json: { detail } } })

    const result = await runEbs(['remediation', 'retry', id, ...because], api)

    expect(result).toMatchObject({ code: 1, out: '', err: `${detail}\n` })
  })
})

const job = {
  ...{ id: 'j-1', act: 'retry', status: 'completed', total: 12, done: 12, refused: 0, pending: 0, refusals: [] },
}
const dryOr = (count = 12, over: object = {}): Routes => ({
  'POST /api/remediation/bulk': ({ body }) =>
    JSON.stringify(body).includes('"dryRun":true')
      ? { json: { count, examples: count > 0 ? [item] : [] } }
      : { status: 202, json: { job: 'j-1', count } },
  'GET /api/remediation/jobs/j-1': [
    { json: { ...job, status: 'running', done: 3, pending: 9 } },
    { json: { ...job, ...over } },
  ],
})
const bulk = ['remediation', 'bulk', 'retry']

describe('remediation bulk', () => {
  test('counts first, asks with the count, acts, and follows the job with a bar', async () => {
    await using api = await fakeApi(dryOr())

    const chosen = ['--type', 'order', '--cause', 'exhausted', '--older-than', '1h', '--input', '{"a":1}']
    const { code, out, err } = await runEbs([...bulk, ...chosen, ...because], { ...api, isTty: true, typed: 'y\n' })

    expect(code).toBe(0)
    expect(err).toContain('Retry 12 journeys of type order, with cause exhausted, older than 60m? [y/N]')
    expect(err).toMatch(/retry █{4}░{12} 25% 3\/12 {2}3 done {2}0 refused/)
    expect(out).toBe('The retry j-1 is completed: 12 done, 0 refused of 12 journeys.\n')
    const act = { act: 'retry', input: { a: 1 }, filter: { type: 'order', cause: 'exhausted', olderThan: 3_600_000 } }
    expect(api.posted('/api/remediation/bulk')).toEqual([
      { ...act, ...by, reason: 'dry run', dryRun: true },
      { ...act, ...by },
    ])
  })

  test('a no does nothing; nor does an empty selection', async () => {
    await using api = await fakeApi(dryOr())
    await using none = await fakeApi(dryOr(0))

    const refused = await runEbs([...bulk, '--all', ...because], { ...api, isTty: true, typed: 'n\n' })
    const empty = await runEbs([...bulk, '--all', ...because], { ...none, isTty: true, typed: 'y\n' })

    expect(refused).toMatchObject({ code: 1, out: '' })
    expect(empty).toMatchObject({ code: 1, err: 'No journey matches: nothing was done.\n' })
    expect([...api.posted('/api/remediation/bulk'), ...none.posted('/api/remediation/bulk')]).toHaveLength(2)
  })

  test('--dry-run counts, shows some, and needs no reason', async () => {
    await using api = await fakeApi(dryOr())

    const { code, out } = await runEbs([...bulk, '--step', 'charge', '--dry-run'], api)

    expect(code).toBe(0)
    expect(out).toMatch(/^12 journeys about step charge would be retried\.\n\nID /)
    expect(out).toContain(id)
    expect(api.posted('/api/remediation/bulk')).toHaveLength(1)
  })

  test.each([
    { given: ['--id', 'a', 'b'], body: { filter: { ids: ['a', 'b'] } } },
    { given: ['--all'], body: { filter: {}, all: true } },
    {
      given: ['--attention', 'overdue', '--tenant', 'acme'],
      body: { filter: { attention: 'overdue', tenant: 'acme' } },
    },
  ])('$given chooses $body', async ({ given, body }) => {
    await using api = await fakeApi(dryOr())

    const { code, out } = await runEbs([...bulk, ...given, '--yes', '--no-wait', ...because], api)

    expect({ code, out }).toEqual({ code: 0, out: 'The job j-1 is to retry 12 journeys.\n' })
    expect(api.posted('/api/remediation/bulk')).toEqual([{ act: 'retry', ...body, ...by }])
  })

  test.each([
    {
      argv: ['forget', '--all', '--yes', ...because],
      says: '"forget" is nothing to decide: retry, skip, compensate, cancel',
    },
    { argv: ['retry', '--yes', ...because], says: '--all means every one that needs a person' },
    { argv: ['retry', '--id', 'a', '--all', '--yes', ...because], says: 'contradict' },
    { argv: ['cancel', '--all', '--input', '1', '--yes', ...because], says: '--input is for retry' },
    { argv: ['retry', '--all', '--result', '1', '--yes', ...because], says: '--result is for skip' },
    { argv: ['retry', '--all', '--yes'], says: "--reason '...'" },
    { argv: ['retry', '--all', ...because], says: 'To retry journeys needs a yes' },
  ])('wrong usage $argv: refused with 2, nothing is asked', async ({ argv, says }) => {
    await using api = await fakeApi(dryOr())

    const { code, out, err } = await runEbs(['remediation', 'bulk', ...argv], api)

    expect({ code, out, asked: api.asked }).toEqual({ code: 2, out: '', asked: [] })
    expect(err).toContain(says)
  })

  test.each([
    { end: { done: 10, refused: 2 }, says: '10 done, 2 refused of 12 journeys' },
    { end: { status: 'cancelled', done: 5 }, says: 'is cancelled: 5 done' },
  ])('a job that ends with $end exits with 4, and says why journeys refused', async ({ end, says }) => {
    const refusals = [{ sagaId: id, reason: 'it has ended' }]
    await using api = await fakeApi(dryOr(12, { ...end, refusals }))

    const { code, out, err } = await runEbs([...bulk, '--all', '--yes', ...because], api)

    expect(code).toBe(4)
    expect(out).toContain(says)
    expect(err).toContain(`  ${id}: it has ended\n`)
  })
})

describe('remediation jobs', () => {
  test('are listed, shown, followed and cancelled', async () => {
    await using api = await fakeApi({
      ...dryOr(),
      'GET /api/remediation/jobs': { json: { items: [job] } },
      'POST /api/remediation/jobs/j-1/cancel': { json: { ...job, status: 'cancelled' } },
    })
    const jobs = (...argv: string[]) => runEbs(['remediation', 'jobs', ...argv], api)

    expect((await jobs('list', '--open')).out).toMatch(/^ID .*\nj-1 {2}retry {2}completed +12 +12 +0 /)
    expect(JSON.parse((await jobs('watch', 'j-1', '-o', 'json')).out)).toEqual({ job })
    expect((await jobs('show', 'j-1')).out).toMatch(/^id +j-1\n/)
    expect((await jobs('cancel', 'j-1', ...because)).out).toBe('The job j-1 is cancelled.\n')
    expect(api.posted('/api/remediation/jobs/j-1/cancel')).toEqual([by])
  })

  test('Ctrl-C leaves one running, and says how to watch it', async () => {
    let press = () => {}
    await using api = await fakeApi({
      'GET /api/remediation/jobs/j-1': () => {
        press()
        return { json: { ...job, status: 'running', done: 3 } }
      },
    })
    const onRunning = (pressCtrlC: () => void) => {
      press = pressCtrlC
    }

    const { code, out, err } = await runEbs(['remediation', 'jobs', 'watch', 'j-1'], { ...api, onRunning })

    expect({ code, out }).toEqual({ code: 4, out: '' })
    expect(err).toContain('Look again: ebs remediation jobs watch j-1')
  })
})
