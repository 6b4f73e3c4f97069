import { describe, expect, test } from 'vitest'
import { fakeApi } from '../../cli/test/fake-api.ts'
import { runEbs } from '../../cli/test/fake-terminal.ts'

const rule = {
  ...{ id: 'acme-down', status: 'active', filter: 'tenant == "acme"', queues: ['process_consume'], actor: 'ann' },
  ...{
    reason: 'down',
    since: '2026-03-01T11:00:00Z',
    parked: 200,
    parkedByQueue: { process_consume: 200 },
    missing: [],
  },
}
const start = [
  'sideline',
  'start',
  'acme-down',
  '--where',
  'tenant == "acme"',
  '--queue',
  'process_consume',
  '--reason',
  'down',
]

describe('sideline start', () => {
  test('sends who, why, filter, queues, expiry and probe; says what is active; exits with 0', async () => {
    await using api = await fakeApi({ 'POST /api/sidelines': { status: 201, json: rule } })

    const more = ['--queue', 'distributor_consume', '--expires', '2h', '--probe', '30s', '--actor', 'bob']
    const { code, out, err } = await runEbs([...start, ...more], api)

    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toBe('acme-down is active: what matches is set aside in process_consume.\n')
    expect(api.posted('/api/sidelines')).toEqual([
      {
        ...{ id: 'acme-down', filter: 'tenant == "acme"', queues: ['process_consume', 'distributor_consume'] },
        ...{ actor: 'bob', reason: 'down', expiresAt: '2026-03-01T14:00:00.000Z', probeMs: 30_000 },
      },
    ])
  })

  test('the same rule again says that it was there; the actor is the user of this machine', async () => {
    await using api = await fakeApi({ 'POST /api/sidelines': { status: 200, json: rule } })

    const { code, out } = await runEbs(start, api)

    expect(code).toBe(0)
    expect(out).toContain('acme-down was there already')
    expect(api.posted('/api/sidelines')[0]).toMatchObject({ actor: 'ann@desk' })
  })

  test('still starting: names the consumers that have not confirmed it, and exits with 4', async () => {
    const starting = { ...rule, status: 'starting', missing: ['processor-7 on process_consume'] }
    await using api = await fakeApi({ 'POST /api/sidelines': { status: 202, json: starting } })

    const { code, out, err } = await runEbs(start, api)

    expect(code).toBe(4)
    expect(out).toContain('acme-down is starting')
    expect(err).toContain('processor-7 on process_consume')
    expect(err).toContain('ebs sideline show acme-down')
  })

  test.each([
    { status: 409, detail: 'acme-down has another filter.', code: 1 },
    { status: 422, detail: 'filter: no such variable: tenent', code: 2 },
    { status: 404, detail: 'no such thing', code: 3 },
    { status: 503, detail: 'starting', code: 1 },
  ])('refused with $status: says why on stderr alone, exits with $code', async ({ status, detail, code }) => {
    await using api = await fakeApi({
      'POST /api/sidelines': { status, json: { detail }, headers: { 'retry-after': '1' } },
    })

    expect(await runEbs(start, api)).toMatchObject({ code, out: '', err: `${detail}\nTry again in 1 s.\n` })
  })

  test('--dry-run starts nothing and needs no reason', async () => {
    const tried = { sampled: 300, matched: 12, unclear: 0, queues: [], answered: 2, missing: [], examples: [] }
    await using api = await fakeApi({ 'POST /api/sidelines/dry-run': { json: tried } })

    const { code, out } = await runEbs([...start.slice(0, -2), '--dry-run', '--sample', '300'], api)

    expect(code).toBe(0)
    expect(out).toContain('12 of the last 300 messages would be set aside.')
    expect(api.asked.map(({ path }) => path)).toEqual(['/api/sidelines/dry-run'])
    expect(api.posted('/api/sidelines/dry-run')).toEqual([
      { filter: 'tenant == "acme"', queues: ['process_consume'], sample: 300 },
    ])
  })
})

test('sideline try shows what each queue would give, examples, what is unclear and who did not answer', async () => {
  await using api = await fakeApi({
    'POST /api/sidelines/dry-run': {
      json: {
        ...{ sampled: 300, matched: 12, unclear: 3, answered: 1, missing: ['processor-7'], examples: ['m-1', 'm-2'] },
        queues: [{ queue: 'process_consume', sampled: 300, matched: 12, unclear: 3 }],
      },
    },
  })

  const { code, out, err } = await runEbs(['sideline', 'try', '--where', 'tenant == "acme"'], api)

  expect(code).toBe(4)
  expect(out).toBe(
    [
      'QUEUE            SAMPLED  MATCHED  UNCLEAR',
      'process_consume      300       12        3',
      '12 of the last 300 messages would be set aside.',
      'For example: m-1, m-2',
      '',
    ].join('\n'),
  )
  expect(err).toContain('3 messages unclear')
  expect(err).toContain('processor-7')
})
